package io.shardlight.engines.pjrt.client;

import com.sun.jna.Native;
import com.sun.jna.Pointer;
import io.shardlight.engines.pjrt.client.StructLayout.BufferFromHostBuffer;
import io.shardlight.engines.pjrt.client.StructLayout.ClientCompile;
import io.shardlight.engines.pjrt.client.StructLayout.ClientCreate;
import io.shardlight.engines.pjrt.client.StructLayout.DeserializeAndLoad;
import io.shardlight.engines.pjrt.client.StructLayout.Program;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * A plugin's devices, opened: programs are compiled and arrays are uploaded through it. One a
 * process is enough; of a TPU there is only one. Thread-safe.
 *
 * <p>Closing it closes all of its buffers and executables first. What other threads are in the
 * midst of still ends well: the last of them destroys what it used.
 */
public final class PjrtClient implements AutoCloseable {
  /** MLIR as text or as bytecode. */
  private static final byte[] FORMAT = NativeArena.utf8("mlir");

  private final PjrtPlugin plugin;
  private final PjrtApi api;
  private final NativeHandle handle;
  private final String platformName;
  private final String platformVersion;
  private final List<PjrtDevice> devices;
  private final Set<AutoCloseable> children = ConcurrentHashMap.newKeySet();

  /** Takes the native client over, also if it fails. */
  private PjrtClient(PjrtPlugin plugin, long address) {
    this.plugin = plugin;
    this.api = plugin.api();
    this.handle =
        new NativeHandle(
            "PJRT client of " + plugin.library().getFileName(),
            address,
            client -> api.destroy(PjrtFunction.CLIENT_DESTROY, client));
    try {
      this.platformName = api.queryText(PjrtFunction.CLIENT_PLATFORM_NAME, address);
      this.platformVersion = api.queryText(PjrtFunction.CLIENT_PLATFORM_VERSION, address);
      this.devices =
          Arrays.stream(api.queryLongs(PjrtFunction.CLIENT_ADDRESSABLE_DEVICES, address))
              .mapToObj(device -> PjrtDevice.read(this, api, device))
              .toList();
    } catch (RuntimeException e) {
      api.destroyAfter(e, PjrtFunction.CLIENT_DESTROY, address);
      throw e;
    }
  }

  /**
   * Opens the devices of a plugin.
   *
   * @param options by the plugin's own names; values are String, Long, long[], Float or Boolean.
   *     {@link PjrtClientOptions} has the usual ones
   * @throws PjrtException with the plugin's words: no such device, an option it does not know
   */
  public static PjrtClient create(PjrtPlugin plugin, Map<String, Object> options) {
    PjrtApi api = plugin.api();
    try (NativeArena arena = new NativeArena()) {
      NativeStruct arguments = arena.arguments(PjrtFunction.CLIENT_CREATE);
      arguments.putArray(
          ClientCreate.CREATE_OPTIONS, NamedValues.write(arena, options), options.size());
      PjrtClient client =
          new PjrtClient(
              plugin, api.create(PjrtFunction.CLIENT_CREATE, arguments, ClientCreate.CLIENT));
      plugin.add(client);
      return client;
    }
  }

  public PjrtPlugin plugin() {
    return plugin;
  }

  /** Such as {@code tpu}, {@code cuda}, {@code cpu}. */
  public String platformName() {
    return platformName;
  }

  /** The plugin's own build; what is serialized with one is not for another. */
  public String platformVersion() {
    return platformVersion;
  }

  /** Those of this process, in the plugin's order. */
  public List<PjrtDevice> devices() {
    return devices;
  }

  /**
   * Compiles a program, on a thread with a deep stack; without the flags if the compiler does not
   * know one of them.
   *
   * @param module StableHLO in MLIR's text form, written for one replica: its {@code @main} has the
   *     shapes of one device
   * @throws PjrtException with the compiler's words
   */
  public PjrtExecutable compile(String module, CompileOptions options) {
    try {
      return compileOnce(module, options);
    } catch (PjrtException e) {
      String words = String.valueOf(e.getMessage());
      if (options.flags().keySet().stream().noneMatch(words::contains)) {
        throw e;
      }
      // Flags come and go with XLA's versions, and speed is all they change.
      return compileOnce(module, options.withFlags(Map.of()));
    }
  }

  private PjrtExecutable compileOnce(String module, CompileOptions options) {
    long client = handle.acquire();
    try (NativeArena arena = new NativeArena()) {
      byte[] code = NativeArena.utf8(module);
      NativeStruct program = arena.struct("PJRT_Program", Program.BYTES);
      program.putArray(Program.CODE, arena.copy(code), code.length);
      program.putArray(Program.FORMAT, arena.copy(FORMAT), FORMAT.length);
      NativeStruct arguments = arena.arguments(PjrtFunction.CLIENT_COMPILE, client);
      arguments.putLong(ClientCompile.PROGRAM, program.address());
      byte[] proto = options.toProto();
      arguments.putArray(ClientCompile.COMPILE_OPTIONS, arena.copy(proto), proto.length);
      long loaded =
          DeepStack.call(
              "pjrt-compile",
              () ->
                  api.create(
                      PjrtFunction.CLIENT_COMPILE, arguments, ClientCompile.EXECUTABLE, program));
      return new PjrtExecutable(this, loaded);
    } finally {
      handle.release();
    }
  }

  /**
   * Loads what {@link PjrtExecutable#serialize} gave, for the devices it was compiled for.
   *
   * @param serialized by a client of the same platform and version
   * @throws PjrtException if it is something else
   */
  public PjrtExecutable deserialize(byte[] serialized) {
    return deserialize(serialized, Optional.empty());
  }

  /**
   * Loads what {@link PjrtExecutable#serialize} gave, for other devices.
   *
   * @param options with as many replicas as it was compiled for
   * @throws PjrtException if it is something else
   */
  public PjrtExecutable deserialize(byte[] serialized, CompileOptions options) {
    return deserialize(serialized, Optional.of(options));
  }

  private PjrtExecutable deserialize(byte[] serialized, Optional<CompileOptions> options) {
    long client = handle.acquire();
    try (NativeArena arena = new NativeArena()) {
      NativeStruct arguments =
          arena.arguments(PjrtFunction.EXECUTABLE_DESERIALIZE_AND_LOAD, client);
      arguments.putArray(
          DeserializeAndLoad.SERIALIZED_EXECUTABLE, arena.copy(serialized), serialized.length);
      if (options.isPresent()) {
        byte[] proto = options.get().toProto();
        arguments.putArray(
            DeserializeAndLoad.OVERRIDDEN_COMPILE_OPTIONS, arena.copy(proto), proto.length);
      }
      long loaded =
          DeepStack.call(
              "pjrt-deserialize",
              () ->
                  api.create(
                      PjrtFunction.EXECUTABLE_DESERIALIZE_AND_LOAD,
                      arguments,
                      DeserializeAndLoad.LOADED_EXECUTABLE));
      return new PjrtExecutable(this, loaded);
    } finally {
      handle.release();
    }
  }

  /**
   * Copies an array to a device. With {@link
   * HostBufferSemantics#IMMUTABLE_UNTIL_TRANSFER_COMPLETES} it returns before all is there; the
   * host memory is kept reachable until {@link PjrtBuffer#awaitTransfer} or the buffer's close.
   *
   * @param host direct, from its position to its limit, row-major and in native byte order; neither
   *     changes
   * @throws IllegalArgumentException if the memory is not direct or not of the shape's size, or the
   *     device is another client's
   * @throws PjrtException {@code RESOURCE_EXHAUSTED} if the device has no room
   */
  public PjrtBuffer upload(
      ByteBuffer host, PjrtShape shape, PjrtDevice device, HostBufferSemantics semantics) {
    return upload(host, shape, new long[0], device, semantics);
  }

  /**
   * Copies an array to a device that lies in another order in host memory.
   *
   * @param byteStrides for each dimension, how many bytes of host memory lie between neighbours;
   *     none for row-major
   * @throws IllegalArgumentException also if strides lead out of the memory
   * @see #upload(ByteBuffer, PjrtShape, PjrtDevice, HostBufferSemantics)
   */
  public PjrtBuffer upload(
      ByteBuffer host,
      PjrtShape shape,
      long[] byteStrides,
      PjrtDevice device,
      HostBufferSemantics semantics) {
    if (shape.type().hostBytes() == 0) {
      throw new IllegalArgumentException("nothing of type " + shape.type() + " can be uploaded");
    }
    if (host.remaining() != shape.hostBytes()) {
      throw new IllegalArgumentException(
          shape + " takes " + shape.hostBytes() + " bytes, but there are " + host.remaining());
    }
    requireWithin(shape, byteStrides);
    requireOwn(device);
    long data = address(host);
    long client = handle.acquire();
    try (NativeArena arena = new NativeArena()) {
      long[] dimensions = shape.dimensions();
      NativeStruct arguments = arena.arguments(PjrtFunction.CLIENT_BUFFER_FROM_HOST_BUFFER, client);
      arguments.putLong(BufferFromHostBuffer.DATA, data);
      arguments.putInt(BufferFromHostBuffer.TYPE, shape.type().code());
      arguments.putArray(BufferFromHostBuffer.DIMS, arena.copy(dimensions), dimensions.length);
      if (byteStrides.length > 0) {
        // XLA takes whatever is not null as given, also without an element.
        arguments.putArray(
            BufferFromHostBuffer.BYTE_STRIDES, arena.copy(byteStrides), byteStrides.length);
      }
      arguments.putInt(BufferFromHostBuffer.HOST_BUFFER_SEMANTICS, semantics.code());
      arguments.putLong(BufferFromHostBuffer.DEVICE, device.address());
      long address =
          api.create(
              PjrtFunction.CLIENT_BUFFER_FROM_HOST_BUFFER, arguments, BufferFromHostBuffer.BUFFER);
      PjrtBuffer buffer =
          new PjrtBuffer(
              this, address, arguments.getLong(BufferFromHostBuffer.DONE_WITH_HOST_BUFFER), host);
      if (semantics == HostBufferSemantics.IMMUTABLE_ONLY_DURING_CALL) {
        awaitOrClose(buffer);
      }
      return buffer;
    } finally {
      handle.release();
      Reference.reachabilityFence(host);
    }
  }

  /** The plugin would read whatever lies there. */
  private static void requireWithin(PjrtShape shape, long[] byteStrides) {
    if (byteStrides.length == 0 || shape.hostBytes() == 0) {
      return;
    }
    long[] dimensions = shape.dimensions();
    boolean fits = byteStrides.length == dimensions.length;
    long end = shape.type().hostBytes();
    for (int i = 0; i < dimensions.length && fits; i++) {
      fits = byteStrides[i] >= 0;
      end = fits ? Math.addExact(end, Math.multiplyExact(dimensions[i] - 1, byteStrides[i])) : end;
    }
    if (!fits || end > shape.hostBytes()) {
      throw new IllegalArgumentException(
          "byte strides "
              + Arrays.toString(byteStrides)
              + " of "
              + shape
              + " must be one a dimension, and stay within its "
              + shape.hostBytes()
              + " bytes");
    }
  }

  private static void awaitOrClose(PjrtBuffer buffer) {
    try {
      buffer.awaitTransfer();
    } catch (PjrtException e) {
      try {
        buffer.close();
      } catch (PjrtException second) {
        e.addSuppressed(second);
      }
      throw e;
    }
  }

  /** Of the byte at a direct buffer's position. */
  static long address(ByteBuffer host) {
    if (!host.isDirect()) {
      throw new IllegalArgumentException("host memory must be a direct ByteBuffer");
    }
    return Pointer.nativeValue(Native.getDirectBufferPointer(host)) + host.position();
  }

  /**
   * @throws IllegalArgumentException if the device is another client's
   */
  void requireOwn(PjrtDevice device) {
    if (device.client() != this) {
      throw new IllegalArgumentException("device " + device + " belongs to another client");
    }
  }

  /**
   * @throws PjrtException if the plugin names a device that it did not list
   */
  PjrtDevice device(PjrtFunction origin, long address) {
    return devices.stream()
        .filter(device -> device.address() == address)
        .findFirst()
        .orElseThrow(
            () ->
                new PjrtException(
                    PjrtErrorCode.INTERNAL,
                    origin.cName(),
                    "answered with a device that is not among the addressable ones"));
  }

  PjrtApi api() {
    return api;
  }

  NativeHandle handle() {
    return handle;
  }

  /** Keeps the client alive until {@link #remove}, and what is added closed with it. */
  void add(AutoCloseable child) {
    handle.retain();
    children.add(child);
  }

  /** For a child that was added, once its native object is destroyed. */
  void remove(AutoCloseable child) {
    children.remove(child);
    handle.release();
  }

  /**
   * Closes all buffers and executables, and then the client.
   *
   * @throws PjrtException the first that went wrong, with the others suppressed in it; what could
   *     be closed is closed
   */
  @Override
  public void close() {
    if (handle.isClosed()) {
      return;
    }
    plugin.remove(this);
    @Nullable PjrtException failure = null;
    try {
      handle.close();
    } catch (PjrtException e) {
      failure = e;
    }
    for (AutoCloseable child : children) {
      failure = closeOne(child, failure);
    }
    if (failure != null) {
      throw failure;
    }
  }

  private static @Nullable PjrtException closeOne(
      AutoCloseable child, @Nullable PjrtException failure) {
    try {
      if (child instanceof PjrtBuffer buffer) {
        buffer.close();
      } else if (child instanceof PjrtExecutable executable) {
        executable.close();
      }
      return failure;
    } catch (PjrtException e) {
      return PjrtException.joined(failure, e);
    }
  }

  @Override
  public String toString() {
    return platformName + " (" + platformVersion + "), devices " + devices;
  }
}
