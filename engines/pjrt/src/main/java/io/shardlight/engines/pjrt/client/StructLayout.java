package io.shardlight.engines.pjrt.client;

/**
 * Byte offsets of fields in structs of the PJRT C API 0.104 ({@code xla/pjrt/c/pjrt_c_api.h}), the
 * same on x86-64 and on aarch64. Every struct begins with its size and a pointer to extensions,
 * which stays null; within major version 0 fields are only appended.
 */
final class StructLayout {
  /** Of every struct. */
  static final int STRUCT_SIZE = 0;

  /** The object of which an argument struct asks or on which it acts: its first own field. */
  static final int SELF = 16;

  /** What a question is answered with, where it is one number or one pointer. */
  static final int ANSWER = 24;

  /** How many elements an answer has that is an array or a text. */
  static final int ANSWER_SIZE = 32;

  private StructLayout() {}

  /** {@code PJRT_Api}, up to its functions. */
  static final class Api {
    static final int MAJOR_VERSION = 32;
    static final int MINOR_VERSION = 36;
    static final int FIRST_FUNCTION = 40;

    private Api() {}
  }

  /** Arrays of {@code PJRT_NamedValue}: their stride is {@code BYTES}, whatever the plugin. */
  static final class NamedValue {
    static final int BYTES = 56;
    static final int NAME = 16;
    static final int NAME_SIZE = 24;
    static final int TYPE = 32;
    static final int VALUE = 40;
    static final int VALUE_SIZE = 48;

    private NamedValue() {}
  }

  static final class PluginAttributes {
    static final int ATTRIBUTES = 16;
    static final int NUM_ATTRIBUTES = 24;

    private PluginAttributes() {}
  }

  static final class ClientCreate {
    static final int CREATE_OPTIONS = 16;
    static final int NUM_OPTIONS = 24;
    static final int CLIENT = 64;

    private ClientCreate() {}
  }

  static final class DeviceAttributes {
    static final int NUM_ATTRIBUTES = 24;
    static final int ATTRIBUTES = 32;

    private DeviceAttributes() {}
  }

  /** A flag follows each value but the first. */
  static final class MemoryStats {
    static final int BYTES_IN_USE = 24;
    static final int PEAK_BYTES_IN_USE = 32;
    static final int NUM_ALLOCS = 48;
    static final int LARGEST_ALLOC_SIZE = 64;
    static final int BYTES_LIMIT = 80;
    static final int BYTES_RESERVED = 96;
    static final int PEAK_BYTES_RESERVED = 112;
    static final int BYTES_RESERVABLE_LIMIT = 128;
    static final int LARGEST_FREE_BLOCK_BYTES = 144;
    static final int POOL_BYTES = 160;
    static final int PEAK_POOL_BYTES = 176;

    private MemoryStats() {}
  }

  static final class Program {
    static final int BYTES = 48;
    static final int CODE = 16;
    static final int CODE_SIZE = 24;
    static final int FORMAT = 32;
    static final int FORMAT_SIZE = 40;

    private Program() {}
  }

  static final class ClientCompile {
    static final int PROGRAM = 24;
    static final int COMPILE_OPTIONS = 32;
    static final int COMPILE_OPTIONS_SIZE = 40;
    static final int EXECUTABLE = 48;

    private ClientCompile() {}
  }

  static final class DeserializeAndLoad {
    static final int SERIALIZED_EXECUTABLE = 24;
    static final int SERIALIZED_EXECUTABLE_SIZE = 32;
    static final int LOADED_EXECUTABLE = 40;
    static final int OVERRIDDEN_COMPILE_OPTIONS = 48;
    static final int OVERRIDDEN_COMPILE_OPTIONS_SIZE = 56;

    private DeserializeAndLoad() {}
  }

  static final class Serialize {
    static final int SERIALIZED_BYTES = 24;
    static final int SERIALIZED_BYTES_SIZE = 32;
    static final int SERIALIZED_EXECUTABLE = 40;
    static final int SERIALIZED_EXECUTABLE_DELETER = 48;

    private Serialize() {}
  }

  static final class OutputDimensions {
    static final int NUM_OUTPUTS = 24;
    static final int DIMS = 32;
    static final int DIM_SIZES = 40;

    private OutputDimensions() {}
  }

  static final class CompiledMemory {
    static final int GENERATED_CODE = 24;
    static final int ARGUMENT = 32;
    static final int OUTPUT = 40;
    static final int ALIAS = 48;
    static final int TEMP = 56;
    static final int PEAK = 104;

    private CompiledMemory() {}
  }

  static final class BufferFromHostBuffer {
    static final int DATA = 24;
    static final int TYPE = 32;
    static final int DIMS = 40;
    static final int NUM_DIMS = 48;
    static final int BYTE_STRIDES = 56;
    static final int HOST_BUFFER_SEMANTICS = 72;
    static final int DEVICE = 80;
    static final int DONE_WITH_HOST_BUFFER = 104;
    static final int BUFFER = 112;

    private BufferFromHostBuffer() {}
  }

  static final class ToHostBuffer {
    static final int HOST_LAYOUT = 24;
    static final int DST = 32;
    static final int DST_SIZE = 40;
    static final int EVENT = 48;

    private ToHostBuffer() {}
  }

  /** {@code PJRT_Buffer_MemoryLayout} with {@code PJRT_Buffer_MemoryLayout_Tiled} inside. */
  static final class TiledLayout {
    static final int BYTES = 76;
    static final int TILED_STRUCT_SIZE = 16;
    static final int TILED_BYTES = 56;
    static final int MINOR_TO_MAJOR = 32;
    static final int MINOR_TO_MAJOR_SIZE = 40;
    static final int TYPE = 72;
    static final int TYPE_TILED = 0;

    private TiledLayout() {}
  }

  static final class CopyToDevice {
    static final int DST_DEVICE = 24;
    static final int DST_BUFFER = 32;

    private CopyToDevice() {}
  }

  static final class Execute {
    static final int OPTIONS = 24;
    static final int ARGUMENT_LISTS = 32;
    static final int NUM_DEVICES = 40;
    static final int NUM_ARGS = 48;
    static final int OUTPUT_LISTS = 56;
    static final int DEVICE_COMPLETE_EVENTS = 64;

    private Execute() {}
  }

  static final class Options {
    static final int BYTES = 120;
    static final int LAUNCH_ID = 48;
    static final int NON_DONATABLE_INPUT_INDICES = 56;
    static final int NUM_NON_DONATABLE_INPUT_INDICES = 64;

    private Options() {}
  }
}
