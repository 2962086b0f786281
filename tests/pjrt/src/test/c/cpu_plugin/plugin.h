// A test-only PJRT plugin: virtual CPU devices whose programs are really computed by XLA:CPU.
//
// It exports GetPjrtApi with the layout of the PJRT C API 0.104, written from slot numbers and byte
// offsets, and runs each replica's StableHLO text with TensorFlow's eager operator XlaCallModule,
// through the C API of the libtensorflow_cc.so.2 that the environment variable PJRT_CPU_TENSORFLOW
// names.
//
// Every device has one thread with a queue, as a real device has a stream: executions, downloads
// and uploads (except those that are "immutable only during call") are asynchronous, outputs are
// futures, events fire later. So a client that forgets to wait, frees host memory too early, or
// leaks, is found out here and not on a TPU.
//
// Not there: num_partitions > 1, collectives (refused with UNIMPLEMENTED: they would crash XLA
// inside TensorFlow), MLIR bytecode. stablehlo.replica_id works: it becomes a constant in each
// replica's text.
//
// Options of a client, all refused if of another type:
//   num_devices     Int64   1 to 64; without it PJRT_CPU_DEVICES from the environment, or 1
//   memory_limit    Int64   bytes a device; what goes beyond is RESOURCE_EXHAUSTED
//   fail_launch_id  Int64   the execution with this launch_id fails, through its events
//   threads         Int64   TensorFlow's own
//   eager_compile   Bool    default true: Compile runs the program once on zeros, so that errors
//                           come from there; false: they come from the events of an execution
//
// Attributes of the plugin tell how much lives: live_errors, live_events, live_buffers,
// live_executables, live_clients, live_bytes; and what was done: compile_count, execute_count.
#ifndef SHARDLIGHT_CPU_PLUGIN_H
#define SHARDLIGHT_CPU_PLUGIN_H

#define _GNU_SOURCE
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum {
  MAX_DEVICES = 64,
  MAX_RANK = 16,
  MAX_NAME = 64,
  // MLIR and LLVM recurse: the stack of every thread that compiles.
  STACK_BYTES = 64 << 20,
};

// ---- Structs of the C API, by byte offset. Their size is at 0.

static inline void *get_pointer(const void *args, size_t offset) {
  void *value;
  memcpy(&value, (const char *)args + offset, sizeof value);
  return value;
}

static inline int64_t get_i64(const void *args, size_t offset) {
  int64_t value;
  memcpy(&value, (const char *)args + offset, sizeof value);
  return value;
}

static inline int32_t get_i32(const void *args, size_t offset) {
  int32_t value;
  memcpy(&value, (const char *)args + offset, sizeof value);
  return value;
}

static inline void set_pointer(void *args, size_t offset, const void *value) {
  memcpy((char *)args + offset, &value, sizeof value);
}

static inline void set_i64(void *args, size_t offset, int64_t value) {
  memcpy((char *)args + offset, &value, sizeof value);
}

static inline void set_i32(void *args, size_t offset, int32_t value) {
  memcpy((char *)args + offset, &value, sizeof value);
}

static inline void set_bool(void *args, size_t offset, bool value) {
  ((unsigned char *)args)[offset] = value;
}

// An array or a text, and its size in the field behind.
static inline void set_array(void *args, size_t offset, const void *array, size_t size) {
  set_pointer(args, offset, array);
  set_i64(args, offset + 8, (int64_t)size);
}

// The first own field of every argument struct, and the answer to most questions.
enum { SELF = 16, ANSWER = 24 };

// ---- Counters, atomic

enum counter {
  LIVE_ERRORS,
  LIVE_EVENTS,
  LIVE_BUFFERS,
  LIVE_EXECUTABLES,
  LIVE_CLIENTS,
  LIVE_BYTES,
  COMPILE_COUNT,
  EXECUTE_COUNT,
  COUNTERS,
};

void count(enum counter counter, int64_t change);
int64_t counted(enum counter counter);

static inline int64_t add_i64(int64_t *to, int64_t change) {
  return __atomic_add_fetch(to, change, __ATOMIC_SEQ_CST);
}

static inline int add_int(int *to, int change) {
  return __atomic_add_fetch(to, change, __ATOMIC_SEQ_CST);
}

// ---- Errors. Functions return NULL when all is well, and what they return is the caller's.

enum code {
  INVALID_ARGUMENT = 3,
  RESOURCE_EXHAUSTED = 8,
  FAILED_PRECONDITION = 9,
  UNIMPLEMENTED = 12,
  INTERNAL = 13,
};

typedef struct {
  int code;
  char *message;
} Error;

Error *new_error(int code, const char *format, ...) __attribute__((format(printf, 2, 3)));
void free_error(Error *error);
// The two halves of free_error, for what must be uncounted before anybody wakes.
void uncount_error(const Error *error);
void free_uncounted_error(Error *error);

// Refuses an argument struct that is smaller than this plugin's own.
Error *check_size(const void *args, int64_t needed, const char *name);

#define REQUIRE_SIZE(args, needed, name)                  \
  do {                                                    \
    Error *too_small = check_size(args, needed, name);    \
    if (too_small) {                                      \
      return too_small;                                   \
    }                                                     \
  } while (0)

// ---- Events: fire once, perhaps with an error. Shared by reference count.

typedef void (*EventCallback)(Error *error, void *argument);

typedef struct CallbackNode {
  EventCallback callback;
  void *argument;
  struct CallbackNode *next;
} CallbackNode;

typedef struct {
  pthread_mutex_t mutex;
  pthread_cond_t changed;
  int references;
  bool ready;
  int code;
  char *message;
  CallbackNode *callbacks;
} Event;

Event *new_event(void);
Event *share_event(Event *event);
void release_event(Event *event);
// One reference more, for the client: counted until it destroys the event.
Event *hand_out_event(Event *event);
void fire_event(Event *event, const Error *error);
Error *await_event(Event *event);

// ---- Arrays

typedef struct {
  int pjrt;
  int tensorflow;
  int bytes;
  const char *mlir;
} ElementType;

extern const ElementType element_types[];
extern const int element_type_count;

typedef struct {
  int element;  // index into element_types
  int rank;
  bool donated;  // of a parameter: it may be reused for a result
  int64_t dimensions[MAX_RANK];
  int64_t bytes;
} ArrayType;

int element_index(int pjrt);
void row_major_strides(const ArrayType *type, int64_t *strides);
// Copies between two layouts that are given by byte strides.
void copy_array(char *to, const int64_t *to_strides, const char *from, const int64_t *from_strides,
                const ArrayType *type);

// ---- Clients, devices and what lies on them

typedef struct Client Client;
typedef struct Job Job;

typedef struct Device {
  int id;
  Client *client;
  pthread_t thread;
  pthread_mutex_t mutex;
  pthread_cond_t changed;
  Job *first_job;
  Job **last_job;
  bool stopping;
  int64_t bytes_in_use;
  int64_t peak_bytes_in_use;
  int64_t allocations;
  struct Device *memories[1];  // itself
  int64_t coords[3];
} Device;

struct Client {
  int device_count;
  bool eager_compile;
  int64_t memory_limit;
  int64_t failing_launch;
  int64_t threads;
  int64_t live;  // buffers and executables
  void *context;
  char version[96];
  Device *devices;
  Device **device_pointers;
};

// Memory of one array on one device. Buffers and queued jobs share it: what is deleted or donated
// may still be read by earlier work.
typedef struct {
  int references;
  ArrayType type;
  Device *device;
  Event *ready;
  void *tensor;
  void *handle;
} Storage;

typedef struct {
  Storage *storage;  // NULL once deleted or donated
  ArrayType type;
  Device *device;
  Event *ready;
} Buffer;

Storage *new_storage(ArrayType type, Device *device);
void release_storage(Storage *storage);
Buffer *new_buffer(Storage *storage);
void drop_storage(Buffer *buffer);
// Refuses what goes beyond a device's memory_limit.
Error *check_room(const Device *device, int64_t bytes);

// ---- Programs

typedef struct {
  int references;
  Client *client;
  int replicas;
  int parameter_count;
  int result_count;
  ArrayType *parameters;
  ArrayType *results;
  char *text;
  size_t text_bytes;
  char *options;  // serialized CompileOptionsProto
  size_t options_bytes;
  char *replica_texts[MAX_DEVICES];
  Device *devices[MAX_DEVICES];
  int *result_types;
  int64_t *result_dimensions;
  size_t *result_ranks;
  char name[MAX_NAME];
  char fingerprint[24];
  bool deleted;
} Program;

void release_program(Program *program);

// Reads the types of @main's parameters and results, and the module's name.
Error *parse_signature(Program *program);
// The text of one replica: replica_id and partition_id become constants, on which XLA inside
// TensorFlow would crash.
char *specialize(const char *text, int replica);
// Reads the number of replicas and their devices from CompileOptionsProto.
Error *parse_compile_options(Program *program);

// ---- Jobs of a device

enum job_kind { RUN, UPLOAD, DOWNLOAD, COPY };

struct Job {
  Job *next;
  enum job_kind kind;
  Program *program;
  int replica;
  bool fails;
  int input_count;
  int output_count;
  Storage **inputs;
  Storage **outputs;
  Event *done;
  char *host;
  int64_t host_strides[MAX_RANK];
};

Error *run_job(Job *job);
// Queues a job, which shares what it is given. The caller gets one reference to its event.
Event *submit(Device *device, Job job, Storage **inputs, Storage **outputs);
Error *start_device(Device *device, int id, Client *client);
void stop_device(Device *device);

// ---- TensorFlow

// Runs a function on a thread with a deep stack.
void on_deep_stack(void (*function)(void *), void *argument);
bool tensorflow_is_loaded(void);
Error *load_tensorflow(void);
const char *tensorflow_version(void);
Error *new_context(Client *client);
void delete_context(Client *client);
void *new_tensor(const ArrayType *type);
void *tensor_data(void *tensor);
void delete_tensor(void *tensor);
void delete_tensor_handle(void *handle);
// Makes a storage's tensor usable as a program's argument.
Error *publish_tensor(Storage *storage);
Error *run_replica(Program *program, int replica, Storage **inputs, Storage **outputs);
// Parses, verifies and compiles by one run on zeros.
Error *run_on_zeros(Program *program);

// ---- Functions of the C API

typedef Error *Function(void *args);

Function plugin_initialize;
Function plugin_attributes;
Error *error_destroy(void *args);
Function error_message;
Function error_code;
Function event_destroy;
Function event_is_ready;
Function event_await;
Function event_on_ready;
Function client_create;
Function client_destroy;
Function client_platform_name;
Function client_platform_version;
Function client_process_index;
Function client_devices;
Function client_lookup_device;
Function client_default_device_assignment;
Function device_description;
Function device_id;
Function device_kind;
Function device_attributes;
Function device_is_addressable;
Function device_hardware_id;
Function device_memories;
Function device_memory_stats;
Function memory_kind;
Function client_compile;
Function executable_destroy;
Function executable_name;
Function executable_replicas;
Function executable_partitions;
Function executable_outputs;
Function executable_output_types;
Function executable_output_dimensions;
Function executable_fingerprint;
Function executable_memory_stats;
Function executable_serialize;
Function executable_deserialize;
Function loaded_executable;
Function loaded_devices;
Function loaded_delete;
Function loaded_is_deleted;
Function loaded_execute;
Function buffer_from_host;
Function buffer_to_host;
Function buffer_copy_to_device;
Function buffer_destroy;
Function buffer_element_type;
Function buffer_dimensions;
Function buffer_size;
Function buffer_device;
Function buffer_delete;
Function buffer_is_deleted;
Function buffer_is_on_cpu;
Function buffer_ready_event;

#endif
