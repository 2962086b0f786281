// Reads CompileOptionsProto by hand, and strictly: it tests a client's own encoder.
#include "plugin.h"

typedef struct {
  const uint8_t *at;
  const uint8_t *end;
} Span;

// One field of a message: a number or bytes.
typedef struct {
  int number;  // 0 at the end of the message, -1 where it is malformed
  uint64_t value;
  Span bytes;
  bool has_bytes;
} Field;

typedef struct {
  int64_t device_ordinal;
  int replicas;
  int partitions;
  int assigned_replicas;  // -1: there is no assignment
  int assigned_partitions;
  int id_count;
  int64_t ids[MAX_DEVICES];
  bool malformed;
} Options;

static uint64_t read_varint(Span *span) {
  uint64_t value = 0;
  for (int shift = 0; span->at < span->end && shift < 64; shift += 7) {
    uint8_t byte = *span->at++;
    value |= (uint64_t)(byte & 127) << shift;
    if (byte < 128) {
      break;
    }
  }
  return value;
}

static Field next_field(Span *span) {
  enum { VARINT = 0, FIXED64 = 1, BYTES = 2, FIXED32 = 5 };
  Field field = {0};
  if (span->at >= span->end) {
    return field;
  }
  uint64_t tag = read_varint(span);
  uint64_t size;
  switch (tag & 7) {
    case VARINT:
      field.value = read_varint(span);
      field.number = (int)(tag >> 3);
      return field;
    case FIXED64:
      size = 8;
      break;
    case FIXED32:
      size = 4;
      break;
    case BYTES:
      size = read_varint(span);
      break;
    default:
      field.number = -1;
      return field;
  }
  if (size > (uint64_t)(span->end - span->at)) {
    field.number = -1;
    return field;
  }
  field.number = (int)(tag >> 3);
  field.has_bytes = true;
  field.bytes = (Span){span->at, span->at + size};
  span->at += size;
  return field;
}

// The next field, remembering whether the message was malformed.
static bool read_field(Span *span, Field *field, Options *options) {
  *field = next_field(span);
  options->malformed |= field->number < 0;
  return field->number > 0;
}

static void add_id(Options *options, uint64_t id) {
  if (options->id_count < MAX_DEVICES) {
    options->ids[options->id_count++] = (int64_t)id;
  }
}

static void read_computation_devices(Span span, Options *options) {
  enum { REPLICA_DEVICE_IDS = 1 };
  Field field;
  while (read_field(&span, &field, options)) {
    if (field.number != REPLICA_DEVICE_IDS) {
      continue;
    }
    if (!field.has_bytes) {
      add_id(options, field.value);
    }
    while (field.has_bytes && field.bytes.at < field.bytes.end) {
      add_id(options, read_varint(&field.bytes));
    }
  }
}

// This plugin's compiler has no flags.
static Error *refuse_flag(Span span, Options *options) {
  enum { NAME = 1, VALUE = 2, INT_FIELD = 3 };
  Span name = {0};
  bool has_number = false;
  Field field;
  while (read_field(&span, &field, options)) {
    if (field.number == NAME && field.has_bytes) {
      name = field.bytes;
    } else if (field.number == VALUE && field.has_bytes) {
      Field value = next_field(&field.bytes);
      has_number = value.number == INT_FIELD && !value.has_bytes;
    }
  }
  if (!has_number) {
    options->malformed = true;
  }
  return new_error(INVALID_ARGUMENT, "No such compile option: '%.*s'",
                   (int)(name.end - name.at), (const char *)name.at);
}

static void read_device_assignment(Span span, Options *options) {
  enum { REPLICA_COUNT = 1, COMPUTATION_COUNT = 2, COMPUTATION_DEVICES = 3 };
  Field field;
  while (read_field(&span, &field, options)) {
    if (field.number == REPLICA_COUNT) {
      options->assigned_replicas = (int)field.value;
    } else if (field.number == COMPUTATION_COUNT) {
      options->assigned_partitions = (int)field.value;
    } else if (field.number == COMPUTATION_DEVICES) {
      read_computation_devices(field.bytes, options);
    }
  }
}

static void read_build_options(Span span, Options *options) {
  enum { DEVICE_ORDINAL = 1, NUM_REPLICAS = 4, NUM_PARTITIONS = 5, DEVICE_ASSIGNMENT = 9 };
  Field field;
  while (read_field(&span, &field, options)) {
    if (field.number == DEVICE_ORDINAL) {
      options->device_ordinal = (int64_t)field.value;
    } else if (field.number == NUM_REPLICAS) {
      options->replicas = (int)field.value;
    } else if (field.number == NUM_PARTITIONS) {
      options->partitions = (int)field.value;
    } else if (field.number == DEVICE_ASSIGNMENT) {
      read_device_assignment(field.bytes, options);
    }
  }
}

static Error *check(const Options *options) {
  if (options->malformed) {
    return new_error(INVALID_ARGUMENT,
                     "PJRT_Client_Compile: failed to deserialize CompileOptionsProto");
  }
  if (options->device_ordinal != -1) {
    return new_error(INVALID_ARGUMENT, "device_ordinal must be encoded as -1");
  }
  if (options->partitions > 1) {
    return new_error(UNIMPLEMENTED, "num_partitions is %d: this plugin has no SPMD partitioner",
                     options->partitions);
  }
  if (options->replicas < 1 || options->partitions < 1 || options->replicas > MAX_DEVICES) {
    return new_error(INVALID_ARGUMENT, "num_replicas %d and num_partitions %d are out of range",
                     options->replicas, options->partitions);
  }
  return NULL;
}

// Without an assignment, replica i runs on device i.
static void assign_by_default(Options *options) {
  options->assigned_replicas = options->replicas;
  options->assigned_partitions = 1;
  options->id_count = 0;
  for (int i = 0; i < options->replicas; i++) {
    add_id(options, (uint64_t)i);
  }
}

static Error *assign(Program *program, const Options *options) {
  if (options->assigned_replicas != options->replicas || options->assigned_partitions != 1 ||
      options->id_count != options->replicas) {
    return new_error(INVALID_ARGUMENT, "device_assignment is %d x %d with %d ids for %d replicas",
                     options->assigned_replicas, options->assigned_partitions, options->id_count,
                     options->replicas);
  }
  for (int i = 0; i < options->id_count; i++) {
    int64_t id = options->ids[i];
    if (id < 0 || id >= program->client->device_count) {
      return new_error(INVALID_ARGUMENT, "device_assignment: no device %ld", (long)id);
    }
    for (int earlier = 0; earlier < i; earlier++) {
      if (options->ids[earlier] == id) {
        return new_error(INVALID_ARGUMENT, "device_assignment: device %ld twice", (long)id);
      }
    }
    program->devices[i] = &program->client->devices[id];
  }
  program->replicas = options->replicas;
  return NULL;
}

Error *parse_compile_options(Program *program) {
  enum { EXECUTABLE_BUILD_OPTIONS = 3, ENV_OPTION_OVERRIDES = 7 };
  Options options = {.assigned_replicas = -1, .assigned_partitions = -1};
  const uint8_t *bytes = (const uint8_t *)program->options;
  Span span = {bytes, bytes + program->options_bytes};
  Field field;
  while (read_field(&span, &field, &options)) {
    if (field.number == EXECUTABLE_BUILD_OPTIONS) {
      read_build_options(field.bytes, &options);
    } else if (field.number == ENV_OPTION_OVERRIDES && field.has_bytes) {
      Error *refusal = refuse_flag(field.bytes, &options);
      if (!options.malformed) {
        return refusal;
      }
    }
  }
  Error *error = check(&options);
  if (error) {
    return error;
  }
  if (options.assigned_replicas < 0) {
    assign_by_default(&options);
  }
  return assign(program, &options);
}
