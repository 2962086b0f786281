// Programs: compiled, described, serialized and executed. A loaded executable and its description
// are the same object, with a reference for each.
#include "plugin.h"

#include <stdio.h>
#include <stdlib.h>

void release_program(Program *program) {
  if (!program || add_int(&program->references, -1) > 0) {
    return;
  }
  for (int i = 0; i < MAX_DEVICES; i++) {
    if (program->replica_texts[i] != program->text) {
      free(program->replica_texts[i]);
    }
  }
  free(program->parameters);
  free(program->results);
  free(program->text);
  free(program->options);
  free(program->result_types);
  free(program->result_dimensions);
  free(program->result_ranks);
  free(program);
}

// ---- Compile

static char *copy_text(const char *text, size_t size) {
  char *copy = calloc(1, size + 1);
  if (size) {
    memcpy(copy, text, size);
  }
  return copy;
}

static Error *refuse_collectives(const char *text) {
  static const char *const refused[] = {
      "stablehlo.all_reduce",     "stablehlo.all_gather",         "stablehlo.all_to_all",
      "stablehlo.reduce_scatter", "stablehlo.collective_permute", "stablehlo.collective_broadcast",
      "stablehlo.send",           "stablehlo.recv",               "stablehlo.infeed",
      "stablehlo.outfeed",
  };
  for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
    if (strstr(text, refused[i])) {
      return new_error(UNIMPLEMENTED, "%s: this plugin runs replicas apart from each other",
                       refused[i]);
    }
  }
  return NULL;
}

static void set_replica_texts(Program *program) {
  bool differ = strstr(program->text, "stablehlo.replica_id") ||
                strstr(program->text, "stablehlo.partition_id");
  for (int i = 0; i < program->replicas; i++) {
    program->replica_texts[i] = differ ? specialize(program->text, i) : program->text;
  }
}

static uint64_t hash(uint64_t value, const char *bytes, size_t size) {
  for (size_t i = 0; i < size; i++) {
    value = (value ^ (uint8_t)bytes[i]) * 1099511628211u;  // FNV-1a
  }
  return value;
}

static void describe(Program *program) {
  uint64_t print = hash(1469598103934665603u, program->text, program->text_bytes);
  print = hash(print, program->options, program->options_bytes);
  snprintf(program->fingerprint, sizeof program->fingerprint, "%016lx", (unsigned long)print);
  if (!program->name[0]) {
    strcpy(program->name, "main");
  }
  size_t dimensions = 0;
  for (int i = 0; i < program->result_count; i++) {
    dimensions += (size_t)program->results[i].rank;
  }
  size_t results = (size_t)program->result_count;
  program->result_types = calloc(results + 1, sizeof *program->result_types);
  program->result_ranks = calloc(results + 1, sizeof *program->result_ranks);
  program->result_dimensions = calloc(dimensions + 1, sizeof *program->result_dimensions);
  int64_t *to = program->result_dimensions;
  for (size_t i = 0; i < results; i++) {
    const ArrayType *type = &program->results[i];
    program->result_types[i] = element_types[type->element].pjrt;
    program->result_ranks[i] = (size_t)type->rank;
    for (int axis = 0; axis < type->rank; axis++) {
      *to++ = type->dimensions[axis];
    }
  }
}

static Error *prepare(Program *program) {
  if (memchr(program->text, 0, program->text_bytes) ||
      strncmp(program->text, "ML\xefR", 4) == 0) {
    return new_error(UNIMPLEMENTED, "MLIR bytecode: this plugin needs the text form");
  }
  Error *error = parse_compile_options(program);
  if (!error) {
    error = refuse_collectives(program->text);
  }
  if (!error) {
    error = parse_signature(program);
  }
  if (error) {
    return error;
  }
  set_replica_texts(program);
  describe(program);
  return program->client->eager_compile ? run_on_zeros(program) : NULL;
}

static Error *compile(Client *client, const char *text, size_t text_bytes, const char *options,
                      size_t options_bytes, void *args, size_t answer) {
  Program *program = calloc(1, sizeof *program);
  program->references = 1;
  program->client = client;
  program->text = copy_text(text, text_bytes);
  program->text_bytes = text_bytes;
  program->options = copy_text(options, options_bytes);
  program->options_bytes = options_bytes;
  Error *error = prepare(program);
  if (error) {
    release_program(program);
    return error;
  }
  count(COMPILE_COUNT, 1);
  count(LIVE_EXECUTABLES, 1);
  add_i64(&client->live, 1);
  set_pointer(args, answer, program);
  return NULL;
}

Error *client_compile(void *args) {
  REQUIRE_SIZE(args, 56, "PJRT_Client_Compile_Args");
  const void *program = get_pointer(args, 24);
  REQUIRE_SIZE(program, 48, "PJRT_Program");
  if (get_i64(program, 40) != 4 || memcmp(get_pointer(program, 32), "mlir", 4) != 0) {
    return new_error(INVALID_ARGUMENT, "the program's format must be mlir");
  }
  return compile(get_pointer(args, SELF), get_pointer(program, 16), (size_t)get_i64(program, 24),
                 get_pointer(args, 32), (size_t)get_i64(args, 40), args, 48);
}

Error *executable_destroy(void *args) {
  REQUIRE_SIZE(args, 24, "PJRT_Executable_Destroy_Args");
  Program *program = get_pointer(args, SELF);
  add_i64(&program->client->live, -1);
  count(LIVE_EXECUTABLES, -1);
  release_program(program);
  return NULL;
}

// ---- Description

Error *loaded_executable(void *args) {
  REQUIRE_SIZE(args, 32, "PJRT_LoadedExecutable_GetExecutable_Args");
  Program *program = get_pointer(args, SELF);
  add_int(&program->references, 1);
  add_i64(&program->client->live, 1);
  count(LIVE_EXECUTABLES, 1);
  set_pointer(args, ANSWER, program);
  return NULL;
}

Error *loaded_devices(void *args) {
  REQUIRE_SIZE(args, 40, "PJRT_LoadedExecutable_AddressableDevices_Args");
  const Program *program = get_pointer(args, SELF);
  set_array(args, ANSWER, program->devices, (size_t)program->replicas);
  return NULL;
}

Error *loaded_delete(void *args) {
  REQUIRE_SIZE(args, 24, "PJRT_LoadedExecutable_Delete_Args");
  Program *program = get_pointer(args, SELF);
  program->deleted = true;
  return NULL;
}

Error *loaded_is_deleted(void *args) {
  REQUIRE_SIZE(args, 25, "PJRT_LoadedExecutable_IsDeleted_Args");
  const Program *program = get_pointer(args, SELF);
  set_bool(args, ANSWER, program->deleted);
  return NULL;
}

Error *executable_name(void *args) {
  REQUIRE_SIZE(args, 40, "PJRT_Executable_Name_Args");
  const Program *program = get_pointer(args, SELF);
  set_array(args, ANSWER, program->name, strlen(program->name));
  return NULL;
}

Error *executable_replicas(void *args) {
  REQUIRE_SIZE(args, 32, "PJRT_Executable_NumReplicas_Args");
  const Program *program = get_pointer(args, SELF);
  set_i64(args, ANSWER, program->replicas);
  return NULL;
}

Error *executable_partitions(void *args) {
  REQUIRE_SIZE(args, 32, "PJRT_Executable_NumPartitions_Args");
  set_i64(args, ANSWER, 1);
  return NULL;
}

Error *executable_outputs(void *args) {
  REQUIRE_SIZE(args, 32, "PJRT_Executable_NumOutputs_Args");
  const Program *program = get_pointer(args, SELF);
  set_i64(args, ANSWER, program->result_count);
  return NULL;
}

Error *executable_output_types(void *args) {
  REQUIRE_SIZE(args, 40, "PJRT_Executable_OutputElementTypes_Args");
  const Program *program = get_pointer(args, SELF);
  set_array(args, ANSWER, program->result_types, (size_t)program->result_count);
  return NULL;
}

Error *executable_output_dimensions(void *args) {
  REQUIRE_SIZE(args, 48, "PJRT_Executable_OutputDimensions_Args");
  const Program *program = get_pointer(args, SELF);
  set_i64(args, 24, program->result_count);
  set_pointer(args, 32, program->result_dimensions);
  set_pointer(args, 40, program->result_ranks);
  return NULL;
}

Error *executable_fingerprint(void *args) {
  REQUIRE_SIZE(args, 40, "PJRT_Executable_Fingerprint_Args");
  const Program *program = get_pointer(args, SELF);
  set_array(args, ANSWER, program->fingerprint, strlen(program->fingerprint));
  return NULL;
}

// What the signature tells; temporary memory is not known.
Error *executable_memory_stats(void *args) {
  enum { BYTES = 144, GENERATED_CODE = 24, ARGUMENTS = 32, OUTPUTS = 40, ALIASES = 48, PEAK = 104 };
  REQUIRE_SIZE(args, BYTES, "PJRT_Executable_GetCompiledMemoryStats_Args");
  const Program *program = get_pointer(args, SELF);
  int64_t arguments = 0;
  int64_t aliases = 0;
  int64_t outputs = 0;
  for (int i = 0; i < program->parameter_count; i++) {
    arguments += program->parameters[i].bytes;
    aliases += program->parameters[i].donated ? program->parameters[i].bytes : 0;
  }
  for (int i = 0; i < program->result_count; i++) {
    outputs += program->results[i].bytes;
  }
  memset((char *)args + GENERATED_CODE, 0, BYTES - GENERATED_CODE);
  set_i64(args, ARGUMENTS, arguments);
  set_i64(args, OUTPUTS, outputs);
  set_i64(args, ALIASES, aliases);
  set_i64(args, PEAK, arguments + outputs - aliases);
  return NULL;
}

// ---- Serialized: magic, size of the options, options, text

static const char magic[8] = {'P', 'J', 'R', 'T', 'C', 'P', 'U', '1'};

enum { SIZE_OFFSET = 8, OPTIONS_OFFSET = 16 };

static void free_serialized(void *serialized) {
  free(serialized);
}

Error *executable_serialize(void *args) {
  REQUIRE_SIZE(args, 56, "PJRT_Executable_Serialize_Args");
  const Program *program = get_pointer(args, SELF);
  size_t size = OPTIONS_OFFSET + program->options_bytes + program->text_bytes;
  char *bytes = malloc(size);
  memcpy(bytes, magic, sizeof magic);
  set_i64(bytes, SIZE_OFFSET, (int64_t)program->options_bytes);
  memcpy(bytes + OPTIONS_OFFSET, program->options, program->options_bytes);
  memcpy(bytes + OPTIONS_OFFSET + program->options_bytes, program->text, program->text_bytes);
  void (*deleter)(void *) = free_serialized;
  set_array(args, 24, bytes, size);
  set_pointer(args, 40, bytes);
  memcpy((char *)args + 48, &deleter, sizeof deleter);
  return NULL;
}

Error *executable_deserialize(void *args) {
  REQUIRE_SIZE(args, 64, "PJRT_Executable_DeserializeAndLoad_Args");
  const char *bytes = get_pointer(args, 24);
  size_t size = (size_t)get_i64(args, 32);
  if (size < OPTIONS_OFFSET || memcmp(bytes, magic, sizeof magic) != 0) {
    return new_error(INVALID_ARGUMENT, "not a serialized executable of this plugin");
  }
  size_t options_bytes = (size_t)get_i64(bytes, SIZE_OFFSET);
  if (options_bytes > size - OPTIONS_OFFSET) {
    return new_error(INVALID_ARGUMENT, "a serialized executable that is cut off");
  }
  const char *text = bytes + OPTIONS_OFFSET + options_bytes;
  size_t text_bytes = size - OPTIONS_OFFSET - options_bytes;
  const char *options = bytes + OPTIONS_OFFSET;
  if (get_pointer(args, 48) && get_i64(args, 56)) {
    options = get_pointer(args, 48);
    options_bytes = (size_t)get_i64(args, 56);
  }
  return compile(get_pointer(args, SELF), text, text_bytes, options, options_bytes, args, 40);
}

// ---- Execute

static Error *check_argument(const Buffer *buffer, const ArrayType *type, const Device *device,
                             long index, long replica) {
  if (!buffer || !buffer->storage) {
    return new_error(
        INVALID_ARGUMENT,
        "Buffer passed to Execute() as argument %ld to replica %ld is deleted or donated.", index,
        replica);
  }
  if (buffer->device != device) {
    return new_error(INVALID_ARGUMENT,
                     "Buffer passed to Execute() as argument %ld to replica %ld is on device %d, "
                     "but replica is assigned to device %d.",
                     index, replica, buffer->device->id, device->id);
  }
  if (buffer->type.element != type->element || buffer->type.rank != type->rank ||
      memcmp(buffer->type.dimensions, type->dimensions, sizeof type->dimensions) != 0) {
    return new_error(INVALID_ARGUMENT,
                     "Executable expected parameter %ld of %ld bytes of %s and its declared shape, "
                     "but got buffer of %ld bytes of %s",
                     index, (long)type->bytes, element_types[type->element].mlir,
                     (long)buffer->type.bytes, element_types[buffer->type.element].mlir);
  }
  return NULL;
}

static Error *check_execution(const Program *program, const void *args) {
  const void *options = get_pointer(args, 24);
  Buffer ***argument_lists = get_pointer(args, 32);
  int64_t device_count = get_i64(args, 40);
  int64_t argument_count = get_i64(args, 48);
  if (!options) {
    return new_error(INVALID_ARGUMENT, "there are no PJRT_ExecuteOptions");
  }
  REQUIRE_SIZE(options, 120, "PJRT_ExecuteOptions");
  if (program->deleted) {
    return new_error(INVALID_ARGUMENT, "Execute() called on a deleted executable");
  }
  if (device_count != program->replicas || get_pointer(args, 72)) {
    return new_error(INVALID_ARGUMENT,
                     "Attempted to execute with %ld argument lists when the replica count is %d",
                     (long)device_count, program->replicas);
  }
  if (argument_count != program->parameter_count) {
    return new_error(INVALID_ARGUMENT,
                     "Execution supplied %ld buffers but compiled program expected %d buffers",
                     (long)argument_count, program->parameter_count);
  }
  int64_t result_bytes = 0;
  for (int i = 0; i < program->result_count; i++) {
    result_bytes += program->results[i].bytes;
  }
  for (int replica = 0; replica < program->replicas; replica++) {
    const Device *device = program->devices[replica];
    Error *error = check_room(device, result_bytes);
    for (int i = 0; i < program->parameter_count && !error; i++) {
      error = check_argument(argument_lists[replica][i], &program->parameters[i], device, i,
                             replica);
    }
    if (error) {
      return error;
    }
  }
  return NULL;
}

static bool may_donate(const Program *program, int index, const void *options) {
  const int64_t *kept = get_pointer(options, 56);
  int64_t kept_count = get_i64(options, 64);
  for (int64_t i = 0; i < kept_count; i++) {
    if (kept[i] == index) {
      return false;
    }
  }
  return program->parameters[index].donated;
}

// Queues one replica; returns the event of its end.
static Event *launch(Program *program, int replica, Buffer **arguments, Buffer **outputs,
                     const void *options) {
  Device *device = program->devices[replica];
  Storage **in = calloc((size_t)program->parameter_count + 1, sizeof *in);
  Storage **out = calloc((size_t)program->result_count + 1, sizeof *out);
  for (int i = 0; i < program->parameter_count; i++) {
    in[i] = arguments[i]->storage;
  }
  for (int i = 0; i < program->result_count; i++) {
    out[i] = new_storage(program->results[i], device);
    outputs[i] = new_buffer(out[i]);
  }
  int64_t failing = program->client->failing_launch;
  Job job = {
      .kind = RUN,
      .program = program,
      .replica = replica,
      .fails = failing >= 0 && get_i32(options, 48) == failing,
      .input_count = program->parameter_count,
      .output_count = program->result_count,
  };
  Event *done = submit(device, job, in, out);
  // The job has a share of its own in what is donated.
  for (int i = 0; i < program->parameter_count; i++) {
    if (may_donate(program, i, options)) {
      drop_storage(arguments[i]);
    }
  }
  free(in);
  free(out);
  return done;
}

Error *loaded_execute(void *args) {
  REQUIRE_SIZE(args, 80, "PJRT_LoadedExecutable_Execute_Args");
  Program *program = get_pointer(args, SELF);
  Error *error = check_execution(program, args);
  if (error) {
    return error;
  }
  Buffer ***argument_lists = get_pointer(args, 32);
  Buffer ***output_lists = get_pointer(args, 56);
  Event **complete_events = get_pointer(args, 64);
  for (int replica = 0; replica < program->replicas; replica++) {
    Event *done = launch(program, replica, argument_lists[replica], output_lists[replica],
                         get_pointer(args, 24));
    if (complete_events) {
      complete_events[replica] = hand_out_event(done);
    }
    release_event(done);
  }
  return NULL;
}
