package io.shardlight.engines.pjrt.client;

import io.shardlight.engines.pjrt.client.StructLayout.MemoryStats;
import java.util.OptionalLong;

/**
 * What a device's allocator tells of its memory, in bytes where not said otherwise; empty is what
 * this plugin does not count.
 *
 * @param allocations how many there have been
 * @param bytesLimit what may be allocated in all
 */
public record DeviceMemoryStats(
    long bytesInUse,
    OptionalLong peakBytesInUse,
    OptionalLong allocations,
    OptionalLong largestAllocationBytes,
    OptionalLong bytesLimit,
    OptionalLong bytesReserved,
    OptionalLong peakBytesReserved,
    OptionalLong bytesReservableLimit,
    OptionalLong largestFreeBlockBytes,
    OptionalLong poolBytes,
    OptionalLong peakPoolBytes) {

  static DeviceMemoryStats read(NativeStruct stats) {
    return new DeviceMemoryStats(
        stats.getLong(MemoryStats.BYTES_IN_USE),
        optional(stats, MemoryStats.PEAK_BYTES_IN_USE),
        optional(stats, MemoryStats.NUM_ALLOCS),
        optional(stats, MemoryStats.LARGEST_ALLOC_SIZE),
        optional(stats, MemoryStats.BYTES_LIMIT),
        optional(stats, MemoryStats.BYTES_RESERVED),
        optional(stats, MemoryStats.PEAK_BYTES_RESERVED),
        optional(stats, MemoryStats.BYTES_RESERVABLE_LIMIT),
        optional(stats, MemoryStats.LARGEST_FREE_BLOCK_BYTES),
        optional(stats, MemoryStats.POOL_BYTES),
        optional(stats, MemoryStats.PEAK_POOL_BYTES));
  }

  /** Each value is followed by a flag that tells whether it is set. */
  private static OptionalLong optional(NativeStruct stats, int offset) {
    return stats.getBoolean(offset + Long.BYTES)
        ? OptionalLong.of(stats.getLong(offset))
        : OptionalLong.empty();
  }
}
