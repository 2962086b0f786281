// TensorFlow's C API, bound by name, and a program's run through it.
#include "plugin.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

// The version of XlaCallModule's serialization, known to TensorFlow since 2.13.
enum { CALL_MODULE_VERSION = 9 };

typedef void *Opaque;
typedef void *const *Inputs;

// F(result, name, parameters)
#define TENSORFLOW_API(F)                                                                  \
  F(const char *, TF_Version, (void))                                                      \
  F(Opaque, TF_NewStatus, (void))                                                          \
  F(void, TF_DeleteStatus, (Opaque))                                                       \
  F(int, TF_GetCode, (Opaque))                                                             \
  F(const char *, TF_Message, (Opaque))                                                    \
  F(Opaque, TFE_NewContextOptions, (void))                                                 \
  F(void, TFE_DeleteContextOptions, (Opaque))                                              \
  F(void, TFE_ContextOptionsSetConfig, (Opaque, const void *, size_t, Opaque))             \
  F(Opaque, TFE_NewContext, (Opaque, Opaque))                                              \
  F(void, TFE_DeleteContext, (Opaque))                                                     \
  F(Opaque, TF_AllocateTensor, (int, const int64_t *, int, size_t))                        \
  F(void *, TF_TensorData, (Opaque))                                                       \
  F(size_t, TF_TensorByteSize, (Opaque))                                                   \
  F(int, TF_TensorType, (Opaque))                                                          \
  F(void, TF_DeleteTensor, (Opaque))                                                       \
  F(Opaque, TFE_NewTensorHandle, (Opaque, Opaque))                                         \
  F(void, TFE_DeleteTensorHandle, (Opaque))                                                \
  F(Opaque, TFE_TensorHandleResolve, (Opaque, Opaque))                                     \
  F(Opaque, TFE_NewOp, (Opaque, const char *, Opaque))                                     \
  F(void, TFE_DeleteOp, (Opaque))                                                          \
  F(void, TFE_OpSetDevice, (Opaque, const char *, Opaque))                                 \
  F(void, TFE_OpAddInputList, (Opaque, Opaque *, int, Opaque))                             \
  F(void, TFE_OpSetAttrInt, (Opaque, const char *, int64_t))                               \
  F(void, TFE_OpSetAttrString, (Opaque, const char *, const void *, size_t))               \
  F(void, TFE_OpSetAttrTypeList, (Opaque, const char *, const int *, int))                 \
  F(void, TFE_OpSetAttrShapeList,                                                          \
    (Opaque, const char *, const int64_t **, const int *, int, Opaque))                    \
  F(void, TFE_OpSetAttrStringList, (Opaque, const char *, Inputs, const size_t *, int))    \
  F(void, TFE_Execute, (Opaque, Opaque *, int *, Opaque))

#define MEMBER(result, name, parameters) result(*name) parameters;
#define NAME(result, name, parameters) #name,
#define MEMBER_OFFSET(result, name, parameters) offsetof(TensorFlow, name),

typedef struct {
  TENSORFLOW_API(MEMBER)
} TensorFlow;

static TensorFlow tf;
static const char *const names[] = {TENSORFLOW_API(NAME)};
static const size_t offsets[] = {TENSORFLOW_API(MEMBER_OFFSET)};

// ---- Threads with deep stacks

typedef struct {
  void (*function)(void *);
  void *argument;
} Call;

static void *call_on_thread(void *argument) {
  Call *call = argument;
  call->function(call->argument);
  return NULL;
}

void on_deep_stack(void (*function)(void *), void *argument) {
  Call call = {function, argument};
  pthread_attr_t attributes;
  pthread_t thread;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, STACK_BYTES);
  if (pthread_create(&thread, &attributes, call_on_thread, &call)) {
    function(argument);
  } else {
    pthread_join(thread, NULL);
  }
  pthread_attr_destroy(&attributes);
}

// ---- Loading

static pthread_mutex_t load_mutex = PTHREAD_MUTEX_INITIALIZER;
static bool loaded;

static void load(void *result) {
  Error **error = result;
  const char *path = getenv("PJRT_CPU_TENSORFLOW");
  if (!path) {
    *error = new_error(FAILED_PRECONDITION,
                       "PJRT_CPU_TENSORFLOW does not name libtensorflow_cc.so.2");
    return;
  }
  setenv("TF_CPP_MIN_LOG_LEVEL", "2", 0);
  // Local: its protobuf and absl meet nobody else's.
  void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    *error = new_error(FAILED_PRECONDITION, "%s", dlerror());
    return;
  }
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    void *symbol = dlsym(library, names[i]);
    if (!symbol) {
      *error = new_error(FAILED_PRECONDITION, "no %s in %s", names[i], path);
      return;
    }
    set_pointer(&tf, offsets[i], symbol);
  }
  loaded = true;
}

Error *load_tensorflow(void) {
  Error *error = NULL;
  pthread_mutex_lock(&load_mutex);
  if (!loaded) {
    on_deep_stack(load, &error);
  }
  pthread_mutex_unlock(&load_mutex);
  return error;
}

bool tensorflow_is_loaded(void) {
  pthread_mutex_lock(&load_mutex);
  bool is_loaded = loaded;
  pthread_mutex_unlock(&load_mutex);
  return is_loaded;
}

const char *tensorflow_version(void) {
  return tf.TF_Version();
}

// Takes a TF_Status over.
static Error *take_status(Opaque status) {
  int code = tf.TF_GetCode(status);
  Error *error = code ? new_error(code, "%s", tf.TF_Message(status)) : NULL;
  tf.TF_DeleteStatus(status);
  return error;
}

// ---- Contexts

typedef struct {
  Client *client;
  Error *error;
} ContextCall;

static void make_context(void *argument) {
  // ConfigProto's intra_op_parallelism_threads and inter_op_parallelism_threads.
  enum { INTRA_OP = 2 << 3, INTER_OP = 5 << 3 };
  ContextCall *call = argument;
  Opaque status = tf.TF_NewStatus();
  Opaque options = tf.TFE_NewContextOptions();
  uint8_t threads = (uint8_t)call->client->threads;
  if (threads) {
    uint8_t config[] = {INTRA_OP, threads, INTER_OP, threads};
    tf.TFE_ContextOptionsSetConfig(options, config, sizeof config, status);
  }
  if (!tf.TF_GetCode(status)) {
    call->client->context = tf.TFE_NewContext(options, status);
  }
  tf.TFE_DeleteContextOptions(options);
  call->error = take_status(status);
}

Error *new_context(Client *client) {
  ContextCall call = {client, NULL};
  on_deep_stack(make_context, &call);
  return call.error;
}

void delete_context(Client *client) {
  tf.TFE_DeleteContext(client->context);
}

// ---- Tensors

void *new_tensor(const ArrayType *type) {
  return tf.TF_AllocateTensor(element_types[type->element].tensorflow, type->dimensions, type->rank,
                              (size_t)type->bytes);
}

void *tensor_data(void *tensor) {
  return tf.TF_TensorData(tensor);
}

void delete_tensor(void *tensor) {
  if (tensor) {
    tf.TF_DeleteTensor(tensor);
  }
}

void delete_tensor_handle(void *handle) {
  if (handle) {
    tf.TFE_DeleteTensorHandle(handle);
  }
}

Error *publish_tensor(Storage *storage) {
  Opaque status = tf.TF_NewStatus();
  storage->handle = tf.TFE_NewTensorHandle(storage->tensor, status);
  return take_status(status);
}

// ---- Programs

static void set_result_types(const Program *program, Opaque operation, Opaque status) {
  size_t room = (size_t)program->result_count + 1;
  const int64_t **dimensions = calloc(room, sizeof *dimensions);
  int *ranks = calloc(room, sizeof *ranks);
  int *types = calloc(room, sizeof *types);
  for (int i = 0; i < program->result_count; i++) {
    dimensions[i] = program->results[i].dimensions;
    ranks[i] = program->results[i].rank;
    types[i] = element_types[program->results[i].element].tensorflow;
  }
  tf.TFE_OpSetAttrTypeList(operation, "Tout", types, program->result_count);
  tf.TFE_OpSetAttrShapeList(operation, "Sout", dimensions, ranks, program->result_count, status);
  free(dimensions);
  free(ranks);
  free(types);
}

static Error *call_module(const Program *program, int replica, Opaque *inputs, Opaque *results) {
  static void *const platforms[] = {"CPU"};
  static const size_t platform_sizes[] = {3};
  const char *text = program->replica_texts[replica];
  int result_count = program->result_count;
  Opaque status = tf.TF_NewStatus();
  Opaque operation = tf.TFE_NewOp(program->client->context, "XlaCallModule", status);
  if (!operation) {
    return take_status(status);
  }
  tf.TFE_OpSetDevice(operation, "/device:CPU:0", status);
  if (!tf.TF_GetCode(status)) {
    tf.TFE_OpAddInputList(operation, inputs, program->parameter_count, status);
  }
  tf.TFE_OpSetAttrInt(operation, "version", CALL_MODULE_VERSION);
  tf.TFE_OpSetAttrString(operation, "module", text, strlen(text));
  tf.TFE_OpSetAttrStringList(operation, "platforms", platforms, platform_sizes, 1);
  if (!tf.TF_GetCode(status)) {
    set_result_types(program, operation, status);
  }
  if (!tf.TF_GetCode(status)) {
    tf.TFE_Execute(operation, results, &result_count, status);
  }
  tf.TFE_DeleteOp(operation);
  return take_status(status);
}

// Fetches a result and holds it against what @main declares.
static Error *resolve(Storage *storage, int index) {
  Opaque status = tf.TF_NewStatus();
  storage->tensor = tf.TFE_TensorHandleResolve(storage->handle, status);
  Error *error = take_status(status);
  if (error) {
    return error;
  }
  int type = element_types[storage->type.element].tensorflow;
  if (tf.TF_TensorType(storage->tensor) != type ||
      (int64_t)tf.TF_TensorByteSize(storage->tensor) != storage->type.bytes) {
    return new_error(INTERNAL, "result %d is not of the type that @main declares", index);
  }
  return NULL;
}

Error *run_replica(Program *program, int replica, Storage **inputs, Storage **outputs) {
  Opaque *arguments = calloc((size_t)program->parameter_count + 1, sizeof *arguments);
  Opaque *results = calloc((size_t)program->result_count + 1, sizeof *results);
  for (int i = 0; i < program->parameter_count; i++) {
    arguments[i] = inputs[i]->handle;
  }
  Error *error = call_module(program, replica, arguments, results);
  count(EXECUTE_COUNT, 1);
  for (int i = 0; i < program->result_count; i++) {
    outputs[i]->handle = results[i];
  }
  for (int i = 0; i < program->result_count && !error; i++) {
    error = resolve(outputs[i], i);
  }
  free(arguments);
  free(results);
  return error;
}

typedef struct {
  Program *program;
  Error *error;
} ZerosCall;

static Error *zeros(const ArrayType *type, Opaque *handle) {
  Opaque status = tf.TF_NewStatus();
  Opaque tensor = new_tensor(type);
  memset(tf.TF_TensorData(tensor), 0, (size_t)type->bytes);
  *handle = tf.TFE_NewTensorHandle(tensor, status);
  tf.TF_DeleteTensor(tensor);
  return take_status(status);
}

static void call_on_zeros(void *argument) {
  ZerosCall *call = argument;
  Program *program = call->program;
  Opaque *arguments = calloc((size_t)program->parameter_count + 1, sizeof *arguments);
  Opaque *results = calloc((size_t)program->result_count + 1, sizeof *results);
  for (int i = 0; i < program->parameter_count && !call->error; i++) {
    call->error = zeros(&program->parameters[i], &arguments[i]);
  }
  if (!call->error) {
    call->error = call_module(program, 0, arguments, results);
  }
  for (int i = 0; i < program->parameter_count; i++) {
    delete_tensor_handle(arguments[i]);
  }
  for (int i = 0; i < program->result_count; i++) {
    delete_tensor_handle(results[i]);
  }
  free(arguments);
  free(results);
}

Error *run_on_zeros(Program *program) {
  ZerosCall call = {program, NULL};
  on_deep_stack(call_on_zeros, &call);
  return call.error;
}
