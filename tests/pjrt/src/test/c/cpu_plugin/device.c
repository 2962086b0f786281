// Arrays on devices, and the queue of each device's work.
#include "plugin.h"

#include <stdlib.h>

// The values of PJRT_Buffer_Type and TF_DataType, and the name in MLIR.
const ElementType element_types[] = {
    {1, 10, 1, "i1"},       {2, 6, 1, "i8"},    {3, 5, 2, "i16"},           {4, 3, 4, "i32"},
    {5, 9, 8, "i64"},       {6, 4, 1, "ui8"},   {7, 17, 2, "ui16"},         {8, 22, 4, "ui32"},
    {9, 23, 8, "ui64"},     {10, 19, 2, "f16"}, {11, 1, 4, "f32"},          {12, 2, 8, "f64"},
    {13, 14, 2, "bf16"},    {14, 8, 8, "complex<f32>"}, {15, 18, 16, "complex<f64>"},
    {16, 24, 1, "f8E5M2"},  {17, 25, 1, "f8E4M3FN"},
};
const int element_type_count = sizeof element_types / sizeof *element_types;

int element_index(int pjrt) {
  for (int i = 0; i < element_type_count; i++) {
    if (element_types[i].pjrt == pjrt) {
      return i;
    }
  }
  return -1;
}

void row_major_strides(const ArrayType *type, int64_t *strides) {
  int64_t bytes = element_types[type->element].bytes;
  for (int axis = type->rank - 1; axis >= 0; axis--) {
    strides[axis] = bytes;
    bytes *= type->dimensions[axis];
  }
}

static void copy_axis(char *to, const int64_t *to_strides, const char *from,
                      const int64_t *from_strides, const ArrayType *type, int axis) {
  if (axis == type->rank) {
    memcpy(to, from, (size_t)element_types[type->element].bytes);
    return;
  }
  for (int64_t i = 0; i < type->dimensions[axis]; i++) {
    copy_axis(to + i * to_strides[axis], to_strides, from + i * from_strides[axis], from_strides,
              type, axis + 1);
  }
}

void copy_array(char *to, const int64_t *to_strides, const char *from, const int64_t *from_strides,
                const ArrayType *type) {
  if (!type->bytes) {
    return;
  }
  if (memcmp(to_strides, from_strides, sizeof *to_strides * (size_t)type->rank) == 0) {
    memcpy(to, from, (size_t)type->bytes);
  } else {
    copy_axis(to, to_strides, from, from_strides, type, 0);
  }
}

// ---- Storages and buffers

static void raise_peak(Device *device, int64_t bytes) {
  int64_t peak = __atomic_load_n(&device->peak_bytes_in_use, __ATOMIC_SEQ_CST);
  while (bytes > peak &&
         !__atomic_compare_exchange_n(&device->peak_bytes_in_use, &peak, bytes, false,
                                      __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
  }
}

Storage *new_storage(ArrayType type, Device *device) {
  Storage *storage = calloc(1, sizeof *storage);
  storage->references = 1;
  storage->type = type;
  storage->device = device;
  storage->ready = new_event();
  raise_peak(device, add_i64(&device->bytes_in_use, type.bytes));
  add_i64(&device->allocations, 1);
  count(LIVE_BYTES, type.bytes);
  return storage;
}

static Storage *share_storage(Storage *storage) {
  add_int(&storage->references, 1);
  return storage;
}

void release_storage(Storage *storage) {
  if (!storage || add_int(&storage->references, -1) > 0) {
    return;
  }
  delete_tensor_handle(storage->handle);
  delete_tensor(storage->tensor);
  add_i64(&storage->device->bytes_in_use, -storage->type.bytes);
  count(LIVE_BYTES, -storage->type.bytes);
  release_event(storage->ready);
  free(storage);
}

Buffer *new_buffer(Storage *storage) {
  Buffer *buffer = calloc(1, sizeof *buffer);
  buffer->storage = storage;
  buffer->type = storage->type;
  buffer->device = storage->device;
  buffer->ready = share_event(storage->ready);
  count(LIVE_BUFFERS, 1);
  add_i64(&storage->device->client->live, 1);
  return buffer;
}

void drop_storage(Buffer *buffer) {
  Storage *none = NULL;
  release_storage(__atomic_exchange_n(&buffer->storage, none, __ATOMIC_SEQ_CST));
}

Error *check_room(const Device *device, int64_t bytes) {
  int64_t limit = device->client->memory_limit;
  int64_t used = __atomic_load_n(&device->bytes_in_use, __ATOMIC_SEQ_CST);
  if (!limit || used + bytes <= limit) {
    return NULL;
  }
  return new_error(RESOURCE_EXHAUSTED,
                   "Out of memory on device %d: %ld bytes in use, %ld more wanted, limit %ld",
                   device->id, (long)used, (long)bytes, (long)limit);
}

// ---- Jobs

static Error *upload(Job *job) {
  Storage *storage = job->outputs[0];
  int64_t strides[MAX_RANK];
  row_major_strides(&storage->type, strides);
  copy_array(tensor_data(storage->tensor), strides, job->host, job->host_strides, &storage->type);
  return publish_tensor(storage);
}

static Error *download(Job *job) {
  Storage *storage = job->inputs[0];
  int64_t strides[MAX_RANK];
  row_major_strides(&storage->type, strides);
  copy_array(job->host, job->host_strides, tensor_data(storage->tensor), strides, &storage->type);
  return NULL;
}

static Error *copy(Job *job) {
  Storage *from = job->inputs[0];
  Storage *to = job->outputs[0];
  memcpy(tensor_data(to->tensor), tensor_data(from->tensor), (size_t)from->type.bytes);
  return publish_tensor(to);
}

Error *run_job(Job *job) {
  for (int i = 0; i < job->input_count; i++) {
    Error *error = await_event(job->inputs[i]->ready);
    if (error) {
      return error;
    }
  }
  switch (job->kind) {
    case UPLOAD:
      return upload(job);
    case DOWNLOAD:
      return download(job);
    case COPY:
      return copy(job);
    default:
      if (job->fails) {
        return new_error(INTERNAL, "failure injected by the option fail_launch_id on device %d",
                         job->program->devices[job->replica]->id);
      }
      return run_replica(job->program, job->replica, job->inputs, job->outputs);
  }
}

// Lets go of all that a job shares before it tells that it is done: counters are exact then.
static void finish_job(Job *job, Error *error) {
  uncount_error(error);
  for (int i = 0; i < job->input_count; i++) {
    release_storage(job->inputs[i]);
  }
  for (int i = 0; i < job->output_count; i++) {
    Event *ready = share_event(job->outputs[i]->ready);
    release_storage(job->outputs[i]);
    fire_event(ready, error);
    release_event(ready);
  }
  release_program(job->program);
  Event *done = job->done;
  free(job->inputs);
  free(job->outputs);
  free(job);
  fire_event(done, error);
  release_event(done);
  free_uncounted_error(error);
}

// The next job; NULL when the device is to stop and nothing is left.
static Job *take_job(Device *device) {
  pthread_mutex_lock(&device->mutex);
  while (!device->first_job && !device->stopping) {
    pthread_cond_wait(&device->changed, &device->mutex);
  }
  Job *job = device->first_job;
  if (job) {
    device->first_job = job->next;
    if (!device->first_job) {
      device->last_job = &device->first_job;
    }
  }
  pthread_mutex_unlock(&device->mutex);
  return job;
}

static void *work(void *argument) {
  Device *device = argument;
  for (Job *job = take_job(device); job; job = take_job(device)) {
    finish_job(job, run_job(job));
  }
  return NULL;
}

static Storage **share_all(Storage **storages, int storage_count) {
  Storage **shared = calloc((size_t)storage_count + 1, sizeof *shared);
  for (int i = 0; i < storage_count; i++) {
    shared[i] = share_storage(storages[i]);
  }
  return shared;
}

Event *submit(Device *device, Job job, Storage **inputs, Storage **outputs) {
  Job *queued = malloc(sizeof *queued);
  *queued = job;
  queued->next = NULL;
  queued->inputs = share_all(inputs, job.input_count);
  queued->outputs = share_all(outputs, job.output_count);
  queued->done = new_event();
  if (job.program) {
    add_int(&job.program->references, 1);
  }
  Event *done = share_event(queued->done);
  pthread_mutex_lock(&device->mutex);
  *device->last_job = queued;
  device->last_job = &queued->next;
  pthread_cond_signal(&device->changed);
  pthread_mutex_unlock(&device->mutex);
  return done;
}

Error *start_device(Device *device, int id, Client *client) {
  device->id = id;
  device->client = client;
  device->last_job = &device->first_job;
  device->memories[0] = device;
  device->coords[0] = id;
  pthread_mutex_init(&device->mutex, NULL);
  pthread_cond_init(&device->changed, NULL);
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, STACK_BYTES);
  int failed = pthread_create(&device->thread, &attributes, work, device);
  pthread_attr_destroy(&attributes);
  return failed ? new_error(INTERNAL, "no thread for device %d", id) : NULL;
}

void stop_device(Device *device) {
  pthread_mutex_lock(&device->mutex);
  device->stopping = true;
  pthread_cond_signal(&device->changed);
  pthread_mutex_unlock(&device->mutex);
  pthread_join(device->thread, NULL);
  pthread_mutex_destroy(&device->mutex);
  pthread_cond_destroy(&device->changed);
}
