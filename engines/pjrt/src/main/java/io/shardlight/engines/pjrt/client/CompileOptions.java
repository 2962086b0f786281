package io.shardlight.engines.pjrt.client;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * On how many devices, and on which, a program is to run: replica {@code i} on device {@code
 * deviceIds[i]}, each with arguments of its own, one partition.
 *
 * @param replicas at least 1
 * @param deviceIds of {@link PjrtDevice#id}, one a replica; empty: the plugin chooses
 * @param flags of XLA's compiler, without dashes, with whole numbers
 */
public record CompileOptions(int replicas, List<Integer> deviceIds, Map<String, Long> flags) {
  /**
   * Field numbers of {@code xla.CompileOptionsProto} and the messages in it: {@code
   * xla/pjrt/proto/compile_options.proto} and {@code xla/xla_data.proto}.
   */
  private static final int BUILD_OPTIONS = 3;

  private static final int PROFILE_VERSION = 5;
  private static final int ENV_OPTION_OVERRIDES = 7;
  private static final int OVERRIDE_NAME = 1;
  private static final int OVERRIDE_VALUE = 2;
  private static final int VALUE_INT = 3;
  private static final int BUILD_DEVICE_ORDINAL = 1;
  private static final int BUILD_NUM_REPLICAS = 4;
  private static final int BUILD_NUM_PARTITIONS = 5;
  private static final int BUILD_DEVICE_ASSIGNMENT = 9;
  private static final int ASSIGNMENT_REPLICA_COUNT = 1;
  private static final int ASSIGNMENT_COMPUTATION_COUNT = 2;
  private static final int ASSIGNMENT_COMPUTATION_DEVICES = 3;
  private static final int COMPUTATION_REPLICA_DEVICE_IDS = 1;

  private static final long UNSET = -1;
  private static final long ONE_PARTITION = 1;

  private static final int WIRE_VARINT = 0;
  private static final int WIRE_BYTES = 2;

  public CompileOptions {
    deviceIds = List.copyOf(deviceIds);
    flags = Map.copyOf(flags);
    if (replicas < 1) {
      throw new IllegalArgumentException("replicas must be at least 1, but was " + replicas);
    }
    if (!deviceIds.isEmpty() && deviceIds.size() != replicas) {
      throw new IllegalArgumentException(
          "device ids must be none or " + replicas + ", one a replica, but were " + deviceIds);
    }
    if (new HashSet<>(deviceIds).size() != deviceIds.size()) {
      throw new IllegalArgumentException("device ids must differ, but were " + deviceIds);
    }
  }

  public CompileOptions(int replicas, List<Integer> deviceIds) {
    this(replicas, deviceIds, Map.of());
  }

  /** One replica on each device, in the order given, with the flags that do those good. */
  public static CompileOptions on(List<PjrtDevice> devices) {
    return new CompileOptions(
        devices.size(),
        devices.stream().map(PjrtDevice::id).toList(),
        CompilerFlags.forPlatform(devices.get(0).client().platformName()));
  }

  CompileOptions withFlags(Map<String, Long> value) {
    return new CompileOptions(replicas, deviceIds, value);
  }

  /** One replica on the device that the plugin chooses. */
  public static CompileOptions single() {
    return new CompileOptions(1, List.of());
  }

  /** These options as a serialized {@code xla.CompileOptionsProto}; equal ones give equal bytes. */
  public byte[] toProto() {
    ByteArrayOutputStream build = new ByteArrayOutputStream();
    writeNumber(build, BUILD_DEVICE_ORDINAL, UNSET);
    writeNumber(build, BUILD_NUM_REPLICAS, replicas);
    writeNumber(build, BUILD_NUM_PARTITIONS, ONE_PARTITION);
    if (!deviceIds.isEmpty()) {
      writeBytes(build, BUILD_DEVICE_ASSIGNMENT, deviceAssignment());
    }
    ByteArrayOutputStream options = new ByteArrayOutputStream();
    writeBytes(options, BUILD_OPTIONS, build.toByteArray());
    writeNumber(options, PROFILE_VERSION, UNSET);
    new TreeMap<>(flags).forEach((name, value) -> writeFlag(options, name, value));
    return options.toByteArray();
  }

  private static void writeFlag(ByteArrayOutputStream options, String name, long value) {
    ByteArrayOutputStream number = new ByteArrayOutputStream();
    writeNumber(number, VALUE_INT, value);
    ByteArrayOutputStream entry = new ByteArrayOutputStream();
    writeBytes(entry, OVERRIDE_NAME, name.getBytes(UTF_8));
    writeBytes(entry, OVERRIDE_VALUE, number.toByteArray());
    writeBytes(options, ENV_OPTION_OVERRIDES, entry.toByteArray());
  }

  private byte[] deviceAssignment() {
    ByteArrayOutputStream ids = new ByteArrayOutputStream();
    for (int id : deviceIds) {
      writeVarint(ids, id);
    }
    ByteArrayOutputStream partition = new ByteArrayOutputStream();
    writeBytes(partition, COMPUTATION_REPLICA_DEVICE_IDS, ids.toByteArray());
    ByteArrayOutputStream assignment = new ByteArrayOutputStream();
    writeNumber(assignment, ASSIGNMENT_REPLICA_COUNT, replicas);
    writeNumber(assignment, ASSIGNMENT_COMPUTATION_COUNT, ONE_PARTITION);
    writeBytes(assignment, ASSIGNMENT_COMPUTATION_DEVICES, partition.toByteArray());
    return assignment.toByteArray();
  }

  private static void writeNumber(ByteArrayOutputStream out, int field, long value) {
    writeVarint(out, (long) field << 3 | WIRE_VARINT);
    writeVarint(out, value);
  }

  private static void writeBytes(ByteArrayOutputStream out, int field, byte[] value) {
    writeVarint(out, (long) field << 3 | WIRE_BYTES);
    writeVarint(out, value.length);
    out.writeBytes(value);
  }

  /** Seven bits a byte, the lowest first; a negative number takes ten bytes. */
  private static void writeVarint(ByteArrayOutputStream out, long value) {
    long rest = value;
    while ((rest & ~0x7fL) != 0) {
      out.write((int) ((rest & 0x7f) | 0x80));
      rest >>>= 7;
    }
    out.write((int) rest);
  }
}
