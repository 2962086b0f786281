// The plugin itself, its clients and their devices.
#include "plugin.h"

#include <stdio.h>
#include <stdlib.h>

enum named_value_type { STRING = 0, INT64 = 1, INT64_LIST = 2, FLOAT = 3, BOOL = 4 };

typedef struct {
  size_t size;
  void *extension;
  const char *name;
  size_t name_size;
  int type;
  union {
    const char *text;
    int64_t number;
    const int64_t *numbers;
    float real;
    bool flag;
  } value;
  size_t value_size;
} NamedValue;

static NamedValue named(const char *name, enum named_value_type type, size_t value_size) {
  NamedValue value = {sizeof value, NULL, name, strlen(name), (int)type, {0}, value_size};
  return value;
}

static NamedValue named_number(const char *name, int64_t number) {
  NamedValue value = named(name, INT64, 1);
  value.value.number = number;
  return value;
}

static NamedValue named_numbers(const char *name, const int64_t *numbers, size_t size) {
  NamedValue value = named(name, INT64_LIST, size);
  value.value.numbers = numbers;
  return value;
}

// ---- Plugin

Error *plugin_initialize(void *args) {
  REQUIRE_SIZE(args, 16, "PJRT_Plugin_Initialize_Args");
  return load_tensorflow();
}

// Counters are as of this call. The array is the calling thread's.
Error *plugin_attributes(void *args) {
  static const int64_t minimum[] = {0, 9, 0};
  // What every TensorFlow that is used here understands at least.
  static const int64_t current[] = {1, 0, 0};
  static const char *const names[COUNTERS] = {
      "live_errors",  "live_events", "live_buffers",  "live_executables",
      "live_clients", "live_bytes",  "compile_count", "execute_count",
  };
  static _Thread_local NamedValue attributes[COUNTERS + 3];
  REQUIRE_SIZE(args, 32, "PJRT_Plugin_Attributes_Args");
  size_t size = 0;
  attributes[size++] = named_number("xla_version", 2);
  attributes[size++] = named_numbers("stablehlo_current_version", current, 3);
  attributes[size++] = named_numbers("stablehlo_minimum_version", minimum, 3);
  for (int i = 0; i < COUNTERS; i++) {
    attributes[size++] = named_number(names[i], counted((enum counter)i));
  }
  set_array(args, SELF, attributes, size);
  return NULL;
}

// ---- Clients

typedef struct {
  int64_t num_devices;
  int64_t memory_limit;
  int64_t fail_launch_id;
  int64_t threads;
  int64_t eager_compile;
} ClientOptions;

static Error *read_option(const NamedValue *option, ClientOptions *options) {
  const struct {
    const char *name;
    enum named_value_type type;
    int64_t *to;
    int64_t most;
  } known[] = {
      {"num_devices", INT64, &options->num_devices, MAX_DEVICES},
      {"memory_limit", INT64, &options->memory_limit, INT64_MAX},
      {"fail_launch_id", INT64, &options->fail_launch_id, INT32_MAX},
      {"threads", INT64, &options->threads, 127},
      {"eager_compile", BOOL, &options->eager_compile, 1},
  };
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    if (strlen(known[i].name) != option->name_size ||
        memcmp(known[i].name, option->name, option->name_size) != 0) {
      continue;
    }
    if (option->type != (int)known[i].type) {
      return new_error(INVALID_ARGUMENT, "option %s has the wrong type", known[i].name);
    }
    int64_t value = option->type == BOOL ? option->value.flag : option->value.number;
    if (value < 0 || value > known[i].most) {
      return new_error(INVALID_ARGUMENT, "option %s is out of range", known[i].name);
    }
    *known[i].to = value;
    return NULL;
  }
  return new_error(INVALID_ARGUMENT, "Unexpected option name passed to PJRT_Client_Create: %.*s",
                   (int)option->name_size, option->name);
}

static Error *read_options(const void *args, ClientOptions *options) {
  const NamedValue *given = get_pointer(args, 16);
  int64_t given_count = get_i64(args, 24);
  const char *default_devices = getenv("PJRT_CPU_DEVICES");
  options->num_devices = default_devices ? atoll(default_devices) : 1;
  options->fail_launch_id = -1;
  options->eager_compile = true;
  for (int64_t i = 0; i < given_count; i++) {
    Error *error = read_option(&given[i], options);
    if (error) {
      return error;
    }
  }
  if (options->num_devices < 1 || options->num_devices > MAX_DEVICES) {
    return new_error(INVALID_ARGUMENT, "num_devices (or PJRT_CPU_DEVICES) must be 1 to %d",
                     MAX_DEVICES);
  }
  return NULL;
}

static void free_client(Client *client) {
  free(client->devices);
  free(client->device_pointers);
  free(client);
}

static Error *start_devices(Client *client) {
  for (int i = 0; i < client->device_count; i++) {
    client->device_pointers[i] = &client->devices[i];
    Error *error = start_device(&client->devices[i], i, client);
    if (error) {
      while (i-- > 0) {
        stop_device(&client->devices[i]);
      }
      return error;
    }
  }
  return NULL;
}

Error *client_create(void *args) {
  REQUIRE_SIZE(args, 88, "PJRT_Client_Create_Args");
  if (!tensorflow_is_loaded()) {
    return new_error(FAILED_PRECONDITION, "PJRT_Plugin_Initialize was not called or failed");
  }
  ClientOptions options = {0};
  Error *error = read_options(args, &options);
  if (error) {
    return error;
  }
  Client *client = calloc(1, sizeof *client);
  client->device_count = (int)options.num_devices;
  client->eager_compile = options.eager_compile != 0;
  client->memory_limit = options.memory_limit;
  client->failing_launch = options.fail_launch_id;
  client->threads = options.threads;
  client->devices = calloc((size_t)client->device_count, sizeof *client->devices);
  client->device_pointers =
      calloc((size_t)client->device_count, sizeof *client->device_pointers);
  snprintf(client->version, sizeof client->version, "XLA:CPU in TensorFlow %s",
           tensorflow_version());
  error = new_context(client);
  if (error) {
    free_client(client);
    return error;
  }
  error = start_devices(client);
  if (error) {
    delete_context(client);
    free_client(client);
    return error;
  }
  count(LIVE_CLIENTS, 1);
  set_pointer(args, 64, client);
  return NULL;
}

// A real plugin does not refuse, but crashes sooner or later.
Error *client_destroy(void *args) {
  REQUIRE_SIZE(args, 24, "PJRT_Client_Destroy_Args");
  Client *client = get_pointer(args, SELF);
  if (client->live) {
    return new_error(FAILED_PRECONDITION,
                     "%ld buffers and executables of this client are still alive",
                     (long)client->live);
  }
  for (int i = 0; i < client->device_count; i++) {
    stop_device(&client->devices[i]);
  }
  delete_context(client);
  free_client(client);
  count(LIVE_CLIENTS, -1);
  return NULL;
}

Error *client_platform_name(void *args) {
  REQUIRE_SIZE(args, 40, "PJRT_Client_PlatformName_Args");
  set_array(args, ANSWER, "cpu", 3);
  return NULL;
}

Error *client_platform_version(void *args) {
  REQUIRE_SIZE(args, 40, "PJRT_Client_PlatformVersion_Args");
  const Client *client = get_pointer(args, SELF);
  set_array(args, ANSWER, client->version, strlen(client->version));
  return NULL;
}

Error *client_process_index(void *args) {
  REQUIRE_SIZE(args, 28, "PJRT_Client_ProcessIndex_Args");
  set_i32(args, ANSWER, 0);
  return NULL;
}

Error *client_devices(void *args) {
  REQUIRE_SIZE(args, 40, "PJRT_Client_AddressableDevices_Args");
  const Client *client = get_pointer(args, SELF);
  set_array(args, ANSWER, client->device_pointers, (size_t)client->device_count);
  return NULL;
}

Error *client_lookup_device(void *args) {
  REQUIRE_SIZE(args, 40, "PJRT_Client_LookupDevice_Args");
  Client *client = get_pointer(args, SELF);
  int id = get_i32(args, 24);
  if (id < 0 || id >= client->device_count) {
    return new_error(INVALID_ARGUMENT, "no device with id %d", id);
  }
  set_pointer(args, 32, &client->devices[id]);
  return NULL;
}

Error *client_default_device_assignment(void *args) {
  REQUIRE_SIZE(args, 48, "PJRT_Client_DefaultDeviceAssignment_Args");
  const Client *client = get_pointer(args, SELF);
  int replicas = get_i32(args, 24);
  int partitions = get_i32(args, 28);
  int *assignment = get_pointer(args, 40);
  if (partitions != 1 || replicas > client->device_count || get_i64(args, 32) < replicas) {
    return new_error(INVALID_ARGUMENT, "no such default device assignment");
  }
  for (int i = 0; i < replicas; i++) {
    assignment[i] = i;
  }
  return NULL;
}

// ---- Devices. A device is its own description and its own memory.

Error *device_description(void *args) {
  REQUIRE_SIZE(args, 32, "PJRT_Device_GetDescription_Args");
  set_pointer(args, ANSWER, get_pointer(args, SELF));
  return NULL;
}

Error *device_id(void *args) {
  REQUIRE_SIZE(args, 28, "PJRT_DeviceDescription_Id_Args");
  const Device *device = get_pointer(args, SELF);
  set_i32(args, ANSWER, device->id);
  return NULL;
}

Error *device_hardware_id(void *args) {
  REQUIRE_SIZE(args, 28, "PJRT_Device_LocalHardwareId_Args");
  const Device *device = get_pointer(args, SELF);
  set_i32(args, ANSWER, device->id);
  return NULL;
}

Error *device_kind(void *args) {
  static const char kind[] = "Virtual CPU";
  REQUIRE_SIZE(args, 40, "PJRT_DeviceDescription_Kind_Args");
  set_array(args, ANSWER, kind, strlen(kind));
  return NULL;
}

// One of each type that there is.
Error *device_attributes(void *args) {
  static const char vendor[] = "Shardlight";
  static _Thread_local NamedValue attributes[5];
  REQUIRE_SIZE(args, 40, "PJRT_DeviceDescription_Attributes_Args");
  const Device *device = get_pointer(args, SELF);
  attributes[0] = named_numbers("coords", device->coords, 3);
  attributes[1] = named_number("core_on_chip", 0);
  attributes[2] = named("device_vendor", STRING, strlen(vendor));
  attributes[2].value.text = vendor;
  attributes[3] = named("clock_ghz", FLOAT, 1);
  attributes[3].value.real = 2.5f;
  attributes[4] = named("virtual", BOOL, 1);
  attributes[4].value.flag = true;
  set_i64(args, 24, 5);
  set_pointer(args, 32, attributes);
  return NULL;
}

Error *device_is_addressable(void *args) {
  REQUIRE_SIZE(args, 25, "PJRT_Device_IsAddressable_Args");
  set_bool(args, ANSWER, true);
  return NULL;
}

Error *device_memories(void *args) {
  REQUIRE_SIZE(args, 40, "PJRT_Device_AddressableMemories_Args");
  const Device *device = get_pointer(args, SELF);
  set_array(args, ANSWER, device->memories, 1);
  return NULL;
}

Error *memory_kind(void *args) {
  REQUIRE_SIZE(args, 40, "PJRT_Memory_Kind_Args");
  set_array(args, ANSWER, "device", 6);
  return NULL;
}

Error *device_memory_stats(void *args) {
  enum { BYTES = 185, IN_USE = 24, PEAK = 32, ALLOCATIONS = 48, LIMIT = 80 };
  REQUIRE_SIZE(args, BYTES, "PJRT_Device_MemoryStats_Args");
  const Device *device = get_pointer(args, SELF);
  memset((char *)args + IN_USE, 0, BYTES - IN_USE);
  set_i64(args, IN_USE, device->bytes_in_use);
  set_i64(args, PEAK, device->peak_bytes_in_use);
  set_bool(args, PEAK + 8, true);
  set_i64(args, ALLOCATIONS, device->allocations);
  set_bool(args, ALLOCATIONS + 8, true);
  if (device->client->memory_limit) {
    set_i64(args, LIMIT, device->client->memory_limit);
    set_bool(args, LIMIT + 8, true);
  }
  return NULL;
}
