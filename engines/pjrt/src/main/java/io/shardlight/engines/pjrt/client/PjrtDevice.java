package io.shardlight.engines.pjrt.client;

import io.shardlight.engines.pjrt.client.StructLayout.DeviceAttributes;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/** One device of a client, which owns it: nothing is to be closed. Thread-safe. */
public final class PjrtDevice {
  /** What plugins answer that number their devices in no other way. */
  private static final int NO_HARDWARE_ID = -1;

  private final PjrtClient client;
  private final long address;
  private final int id;
  private final String kind;
  private final OptionalInt localHardwareId;
  private final Map<String, Object> attributes;

  private PjrtDevice(
      PjrtClient client,
      long address,
      int id,
      String kind,
      OptionalInt localHardwareId,
      Map<String, Object> attributes) {
    this.client = client;
    this.address = address;
    this.id = id;
    this.kind = kind;
    this.localHardwareId = localHardwareId;
    this.attributes = attributes;
  }

  static PjrtDevice read(PjrtClient client, PjrtApi api, long address) {
    long description = api.queryObject(PjrtFunction.DEVICE_GET_DESCRIPTION, address);
    return new PjrtDevice(
        client,
        address,
        api.queryInt(PjrtFunction.DEVICE_DESCRIPTION_ID, description),
        api.queryText(PjrtFunction.DEVICE_DESCRIPTION_KIND, description),
        readHardwareId(api, address),
        readAttributes(api, description));
  }

  private static OptionalInt readHardwareId(PjrtApi api, long address) {
    try {
      int id = api.queryInt(PjrtFunction.DEVICE_LOCAL_HARDWARE_ID, address);
      return id == NO_HARDWARE_ID ? OptionalInt.empty() : OptionalInt.of(id);
    } catch (PjrtException e) {
      if (e.code() == PjrtErrorCode.UNIMPLEMENTED) {
        return OptionalInt.empty();
      }
      throw e;
    }
  }

  private static Map<String, Object> readAttributes(PjrtApi api, long description) {
    try (NativeArena arena = new NativeArena()) {
      NativeStruct arguments =
          arena.arguments(PjrtFunction.DEVICE_DESCRIPTION_ATTRIBUTES, description);
      api.call(PjrtFunction.DEVICE_DESCRIPTION_ATTRIBUTES, arguments);
      return NamedValues.read(
          arguments.getLong(DeviceAttributes.ATTRIBUTES),
          arguments.getLong(DeviceAttributes.NUM_ATTRIBUTES));
    }
  }

  /** Unique among all devices of all hosts: the number in {@link CompileOptions#deviceIds}. */
  public int id() {
    return id;
  }

  /** The maker's word for it, such as {@code TPU v5 lite} or {@code NVIDIA H100}. */
  public String kind() {
    return kind;
  }

  /** Its number in this machine's hardware, as CUDA counts; empty where the plugin has none. */
  public OptionalInt localHardwareId() {
    return localHardwareId;
  }

  /**
   * What else the plugin tells of it: {@code coords} and {@code core_on_chip} of a TPU, {@code
   * compute_capability} of a GPU.
   *
   * @return values are String, Long, List of Long, Float or Boolean
   */
  public Map<String, Object> attributes() {
    return attributes;
  }

  /**
   * The state of its memory now; empty where the plugin does not tell.
   *
   * @throws IllegalStateException if the client is closed
   */
  public Optional<DeviceMemoryStats> memoryStats() {
    client.handle().acquire();
    try (NativeArena arena = new NativeArena()) {
      NativeStruct stats = arena.arguments(PjrtFunction.DEVICE_MEMORY_STATS, address);
      client.api().call(PjrtFunction.DEVICE_MEMORY_STATS, stats);
      return Optional.of(DeviceMemoryStats.read(stats));
    } catch (PjrtException e) {
      if (e.code() == PjrtErrorCode.UNIMPLEMENTED) {
        return Optional.empty();
      }
      throw e;
    } finally {
      client.handle().release();
    }
  }

  PjrtClient client() {
    return client;
  }

  long address() {
    return address;
  }

  @Override
  public String toString() {
    return kind + " " + id;
  }
}
