package io.shardlight.engines.pjrt.client;

import io.shardlight.engines.pjrt.client.StructLayout.CopyToDevice;
import io.shardlight.engines.pjrt.client.StructLayout.TiledLayout;
import io.shardlight.engines.pjrt.client.StructLayout.ToHostBuffer;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.jspecify.annotations.Nullable;

/**
 * An array in a device's memory. Its content may still be on its way, from the host or from a
 * program; what reads it waits. Thread-safe.
 */
public final class PjrtBuffer implements AutoCloseable {
  private final PjrtClient client;
  private final PjrtApi api;
  private final NativeHandle handle;

  /** Guards the transfer, also while it is waited for. */
  private final Object transferLock = new Object();

  /** Fires when the host memory is read no more; 0: it has. */
  private long transferEvent;

  /** What the plugin may still read: kept from the garbage collector. */
  private @Nullable ByteBuffer transferMemory;

  private @Nullable PjrtException transferFailure;

  /** Takes over a native buffer, which is there already or becomes so by itself. */
  PjrtBuffer(PjrtClient client, long address) {
    this(client, address, 0, null);
  }

  /**
   * Takes over a native buffer.
   *
   * @param transferEvent fires when the host memory is read no more
   */
  PjrtBuffer(
      PjrtClient client, long address, long transferEvent, @Nullable ByteBuffer transferMemory) {
    this.client = client;
    this.api = client.api();
    this.handle = new NativeHandle("PJRT buffer", address, this::destroy);
    this.transferEvent = transferEvent;
    this.transferMemory = transferMemory;
    client.add(this);
  }

  private void destroy(long address) {
    try {
      api.destroy(PjrtFunction.BUFFER_DESTROY, address);
    } finally {
      client.remove(this);
    }
  }

  public PjrtClient client() {
    return client;
  }

  /** As the plugin tells it. */
  public PjrtShape shape() {
    long buffer = handle.acquire();
    try {
      return shape(buffer);
    } finally {
      handle.release();
    }
  }

  private PjrtShape shape(long buffer) {
    return PjrtShape.of(
        api.queryInt(PjrtFunction.BUFFER_ELEMENT_TYPE, buffer),
        api.queryLongs(PjrtFunction.BUFFER_DIMENSIONS, buffer));
  }

  /** The device it is on. */
  public PjrtDevice device() {
    long buffer = handle.acquire();
    try {
      return client.device(
          PjrtFunction.BUFFER_DEVICE, api.queryLong(PjrtFunction.BUFFER_DEVICE, buffer));
    } finally {
      handle.release();
    }
  }

  /** What it takes of the device's memory, padding included. */
  public long onDeviceBytes() {
    long buffer = handle.acquire();
    try {
      return api.queryLong(PjrtFunction.BUFFER_ON_DEVICE_SIZE_IN_BYTES, buffer);
    } finally {
      handle.release();
    }
  }

  /**
   * Waits until the host memory of the upload is read no more, and lets go of it. It may be changed
   * then; the content need not be on the device yet.
   *
   * @throws PjrtException if the transfer failed, every time
   */
  public void awaitTransfer() {
    synchronized (transferLock) {
      long event = transferEvent;
      transferEvent = 0;
      try {
        api.await(PjrtFunction.CLIENT_BUFFER_FROM_HOST_BUFFER, event);
      } catch (PjrtException e) {
        transferFailure = e;
      } finally {
        Reference.reachabilityFence(transferMemory);
        transferMemory = null;
      }
      if (transferFailure != null) {
        throw transferFailure;
      }
    }
  }

  /**
   * Waits until the content is on the device.
   *
   * @throws PjrtException with what went wrong in the transfer or the program it comes from
   */
  public void awaitReady() {
    long buffer = handle.acquire();
    try {
      api.await(
          PjrtFunction.BUFFER_READY_EVENT, api.queryLong(PjrtFunction.BUFFER_READY_EVENT, buffer));
    } finally {
      handle.release();
    }
  }

  /** Bytes that {@link #download} writes. */
  public long hostBytes() {
    long buffer = handle.acquire();
    try (NativeArena arena = new NativeArena()) {
      NativeStruct layout = rowMajor(arena, shape(buffer).rank());
      NativeStruct arguments = toHost(arena, buffer, layout);
      api.call(PjrtFunction.BUFFER_TO_HOST_BUFFER, arguments, layout);
      return arguments.getLong(ToHostBuffer.DST_SIZE);
    } finally {
      handle.release();
    }
  }

  /**
   * Waits for the content and copies it into host memory, row-major and in native byte order.
   *
   * @param host direct; written from its position on, neither position nor limit changes
   * @throws IllegalArgumentException if it is not direct, or smaller than the array
   * @throws PjrtException if the content never came to be, or was donated
   */
  public void download(ByteBuffer host) {
    if (host.isReadOnly()) {
      throw new IllegalArgumentException("host memory must not be read-only");
    }
    long data = PjrtClient.address(host);
    long buffer = handle.acquire();
    try (NativeArena arena = new NativeArena()) {
      PjrtShape shape = shape(buffer);
      if (host.remaining() < shape.hostBytes()) {
        throw new IllegalArgumentException(
            shape + " takes " + shape.hostBytes() + " bytes, but there are " + host.remaining());
      }
      NativeStruct layout = rowMajor(arena, shape.rank());
      NativeStruct arguments = toHost(arena, buffer, layout);
      arguments.putLong(ToHostBuffer.DST, data);
      arguments.putLong(ToHostBuffer.DST_SIZE, shape.hostBytes());
      api.call(PjrtFunction.BUFFER_TO_HOST_BUFFER, arguments, layout);
      api.await(PjrtFunction.BUFFER_TO_HOST_BUFFER, arguments.getLong(ToHostBuffer.EVENT));
    } finally {
      handle.release();
      Reference.reachabilityFence(host);
    }
  }

  /**
   * The content in host memory of its own.
   *
   * @return direct, in native byte order, from its first byte to its last
   * @throws PjrtException if the content never came to be, or was donated
   */
  public ByteBuffer download() {
    ByteBuffer host =
        ByteBuffer.allocateDirect(Math.toIntExact(hostBytes())).order(ByteOrder.nativeOrder());
    download(host);
    return host;
  }

  private static NativeStruct toHost(NativeArena arena, long buffer, NativeStruct layout) {
    NativeStruct arguments = arena.arguments(PjrtFunction.BUFFER_TO_HOST_BUFFER, buffer);
    arguments.putLong(ToHostBuffer.HOST_LAYOUT, layout.address());
    return arguments;
  }

  /** Without a layout the host would get that of the device, which on a TPU is another. */
  private static NativeStruct rowMajor(NativeArena arena, int rank) {
    long[] minorToMajor = new long[rank];
    for (int i = 0; i < rank; i++) {
      minorToMajor[i] = rank - 1L - i;
    }
    NativeStruct layout = arena.struct("PJRT_Buffer_MemoryLayout", TiledLayout.BYTES);
    layout.putLong(TiledLayout.TILED_STRUCT_SIZE, TiledLayout.TILED_BYTES);
    layout.putArray(TiledLayout.MINOR_TO_MAJOR, arena.copy(minorToMajor), rank);
    layout.putInt(TiledLayout.TYPE, TiledLayout.TYPE_TILED);
    return layout;
  }

  /**
   * A copy on another device of the same client, which may still be on its way.
   *
   * @throws IllegalArgumentException if the device is another client's
   */
  public PjrtBuffer copyToDevice(PjrtDevice device) {
    client.requireOwn(device);
    long buffer = handle.acquire();
    try (NativeArena arena = new NativeArena()) {
      NativeStruct arguments = arena.arguments(PjrtFunction.BUFFER_COPY_TO_DEVICE, buffer);
      arguments.putLong(CopyToDevice.DST_DEVICE, device.address());
      return new PjrtBuffer(
          client,
          api.create(PjrtFunction.BUFFER_COPY_TO_DEVICE, arguments, CopyToDevice.DST_BUFFER));
    } finally {
      handle.release();
    }
  }

  /** Gives the device's memory back, once what reads it has ended; the second time does nothing. */
  public void delete() {
    if (handle.isClosed()) {
      return;
    }
    long buffer = handle.acquire();
    try {
      api.destroy(PjrtFunction.BUFFER_DELETE, buffer);
    } finally {
      handle.release();
    }
  }

  /** Whether its memory was given back, by {@link #delete} or by donation to a program. */
  public boolean isDeleted() {
    long buffer = handle.acquire();
    try {
      return api.queryBoolean(PjrtFunction.BUFFER_IS_DELETED, buffer);
    } finally {
      handle.release();
    }
  }

  NativeHandle handle() {
    return handle;
  }

  /**
   * Gives the device's memory back, and waits for the plugin to be done with the host's. A transfer
   * that failed is not told here: its content is not wanted any more. The second time does nothing.
   */
  @Override
  public void close() {
    try {
      awaitTransfer();
    } catch (PjrtException ignored) {
      // Told to whoever awaits the transfer or uses the buffer.
    }
    handle.close();
  }
}
