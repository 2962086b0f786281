package io.shardlight.engines.pjrt.client;

import io.shardlight.engines.pjrt.client.StructLayout.CompiledMemory;

/**
 * Bytes of a device's memory that one execution of a program takes, as its compiler knows; 0 also
 * where an older plugin does not tell.
 *
 * @param aliasBytes of outputs that lie where donated arguments did
 * @param temporaryBytes of what is free again after the execution
 * @param peakBytes most that is taken at once
 */
public record CompiledMemoryStats(
    long generatedCodeBytes,
    long argumentBytes,
    long outputBytes,
    long aliasBytes,
    long temporaryBytes,
    long peakBytes) {

  static CompiledMemoryStats read(NativeStruct stats) {
    return new CompiledMemoryStats(
        stats.getLong(CompiledMemory.GENERATED_CODE),
        stats.getLong(CompiledMemory.ARGUMENT),
        stats.getLong(CompiledMemory.OUTPUT),
        stats.getLong(CompiledMemory.ALIAS),
        stats.getLong(CompiledMemory.TEMP),
        stats.getLong(CompiledMemory.PEAK));
  }
}
