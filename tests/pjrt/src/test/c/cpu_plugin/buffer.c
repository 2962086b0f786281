// Buffers of the C API.
#include "plugin.h"

#include <stdlib.h>

static Error *read_array_type(const void *args, ArrayType *type) {
  int element = element_index(get_i32(args, 32));
  const int64_t *dimensions = get_pointer(args, 40);
  int64_t rank = get_i64(args, 48);
  if (element < 0 || rank < 0 || rank > MAX_RANK) {
    return new_error(UNIMPLEMENTED, "element type %d or rank %ld", get_i32(args, 32), (long)rank);
  }
  memset(type, 0, sizeof *type);
  type->element = element;
  type->rank = (int)rank;
  type->bytes = element_types[element].bytes;
  for (int axis = 0; axis < type->rank; axis++) {
    if (dimensions[axis] < 0) {
      return new_error(INVALID_ARGUMENT, "negative dimension");
    }
    type->dimensions[axis] = dimensions[axis];
    type->bytes *= dimensions[axis];
  }
  return NULL;
}

// Uploads before it returns. What went wrong is told by the events.
static Event *upload_now(Storage *storage, Job job) {
  job.outputs = &storage;
  Event *done = new_event();
  Error *error = run_job(&job);
  uncount_error(error);
  fire_event(storage->ready, error);
  fire_event(done, error);
  free_uncounted_error(error);
  return done;
}

Error *buffer_from_host(void *args) {
  enum { ONLY_DURING_CALL = 0, SEMANTICS = 72 };
  REQUIRE_SIZE(args, 120, "PJRT_Client_BufferFromHostBuffer_Args");
  Device *device = get_pointer(args, 80) ? get_pointer(args, 80) : get_pointer(args, 88);
  const int64_t *strides = get_pointer(args, 56);
  ArrayType type;
  Error *error = device ? read_array_type(args, &type)
                        : new_error(INVALID_ARGUMENT, "neither device nor memory is given");
  if (!error && strides && get_i64(args, 64) != type.rank) {
    error = new_error(INVALID_ARGUMENT, "%ld byte strides for rank %d", (long)get_i64(args, 64),
                      type.rank);
  }
  if (!error) {
    error = check_room(device, type.bytes);
  }
  if (error) {
    return error;
  }
  Storage *storage = new_storage(type, device);
  storage->tensor = new_tensor(&type);
  Job job = {.kind = UPLOAD, .output_count = 1, .host = get_pointer(args, 24)};
  if (strides) {
    memcpy(job.host_strides, strides, sizeof *strides * (size_t)type.rank);
  } else {
    row_major_strides(&type, job.host_strides);
  }
  set_pointer(args, 112, new_buffer(storage));
  Event *done = get_i32(args, SEMANTICS) == ONLY_DURING_CALL
                    ? upload_now(storage, job)
                    : submit(device, job, NULL, &storage);
  set_pointer(args, 104, hand_out_event(done));
  release_event(done);
  return NULL;
}

// Reads PJRT_Buffer_MemoryLayout into byte strides.
static Error *read_layout(const void *layout, const ArrayType *type, int64_t *strides) {
  enum { TILED = 0, ARRAY = 32, ARRAY_SIZE = 40, NUM_TILES = 64, LAYOUT_TYPE = 72 };
  REQUIRE_SIZE(layout, 76, "PJRT_Buffer_MemoryLayout");
  const int64_t *given = get_pointer(layout, ARRAY);
  if (get_i64(layout, ARRAY_SIZE) != type->rank) {
    return new_error(INVALID_ARGUMENT, "host_layout of rank %ld for an array of rank %d",
                     (long)get_i64(layout, ARRAY_SIZE), type->rank);
  }
  if (get_i32(layout, LAYOUT_TYPE) != TILED) {
    memcpy(strides, given, sizeof *strides * (size_t)type->rank);
    return NULL;
  }
  if (get_i64(layout, NUM_TILES)) {
    return new_error(INVALID_ARGUMENT, "host_layout with tiles");
  }
  int64_t bytes = element_types[type->element].bytes;
  for (int i = 0; i < type->rank; i++) {
    int64_t axis = given[i];
    if (axis < 0 || axis >= type->rank) {
      return new_error(INVALID_ARGUMENT, "host_layout: bad minor_to_major");
    }
    strides[axis] = bytes;
    bytes *= type->dimensions[axis];
  }
  return NULL;
}

// The device's own layout, which a client gets that asks for none: the last axis is the slowest, so
// that whoever takes it for row-major is found out.
static void device_strides(const ArrayType *type, int64_t *strides) {
  int64_t bytes = element_types[type->element].bytes;
  for (int axis = 0; axis < type->rank; axis++) {
    strides[axis] = bytes;
    bytes *= type->dimensions[axis];
  }
}

Error *buffer_to_host(void *args) {
  REQUIRE_SIZE(args, 56, "PJRT_Buffer_ToHostBuffer_Args");
  Buffer *buffer = get_pointer(args, SELF);
  const void *layout = get_pointer(args, 24);
  const ArrayType *type = &buffer->type;
  Job job = {.kind = DOWNLOAD, .input_count = 1, .host = get_pointer(args, 32)};
  if (layout) {
    Error *error = read_layout(layout, type, job.host_strides);
    if (error) {
      return error;
    }
  } else {
    device_strides(type, job.host_strides);
  }
  if (!job.host) {
    set_i64(args, 40, type->bytes);
    return NULL;
  }
  if (!buffer->storage) {
    return new_error(INVALID_ARGUMENT, "ToHostBuffer() called on deleted or donated buffer");
  }
  if (get_i64(args, 40) < type->bytes) {
    return new_error(INVALID_ARGUMENT, "dst_size is %ld but the array has %ld bytes",
                     (long)get_i64(args, 40), (long)type->bytes);
  }
  Event *done = submit(buffer->device, job, &buffer->storage, NULL);
  set_pointer(args, 48, hand_out_event(done));
  release_event(done);
  return NULL;
}

Error *buffer_copy_to_device(void *args) {
  REQUIRE_SIZE(args, 40, "PJRT_Buffer_CopyToDevice_Args");
  Buffer *buffer = get_pointer(args, SELF);
  Device *device = get_pointer(args, 24);
  if (!buffer->storage) {
    return new_error(INVALID_ARGUMENT, "CopyToDevice() called on deleted or donated buffer");
  }
  Error *error = check_room(device, buffer->type.bytes);
  if (error) {
    return error;
  }
  Storage *storage = new_storage(buffer->type, device);
  storage->tensor = new_tensor(&buffer->type);
  set_pointer(args, 32, new_buffer(storage));
  Job job = {.kind = COPY, .input_count = 1, .output_count = 1};
  release_event(submit(device, job, &buffer->storage, &storage));
  return NULL;
}

Error *buffer_destroy(void *args) {
  REQUIRE_SIZE(args, 24, "PJRT_Buffer_Destroy_Args");
  Buffer *buffer = get_pointer(args, SELF);
  drop_storage(buffer);
  release_event(buffer->ready);
  add_i64(&buffer->device->client->live, -1);
  count(LIVE_BUFFERS, -1);
  free(buffer);
  return NULL;
}

Error *buffer_element_type(void *args) {
  REQUIRE_SIZE(args, 28, "PJRT_Buffer_ElementType_Args");
  const Buffer *buffer = get_pointer(args, SELF);
  set_i32(args, ANSWER, element_types[buffer->type.element].pjrt);
  return NULL;
}

Error *buffer_dimensions(void *args) {
  REQUIRE_SIZE(args, 40, "PJRT_Buffer_Dimensions_Args");
  const Buffer *buffer = get_pointer(args, SELF);
  set_array(args, ANSWER, buffer->type.dimensions, (size_t)buffer->type.rank);
  return NULL;
}

Error *buffer_size(void *args) {
  REQUIRE_SIZE(args, 32, "PJRT_Buffer_OnDeviceSizeInBytes_Args");
  const Buffer *buffer = get_pointer(args, SELF);
  set_i64(args, ANSWER, buffer->type.bytes);
  return NULL;
}

Error *buffer_device(void *args) {
  REQUIRE_SIZE(args, 32, "PJRT_Buffer_Device_Args");
  const Buffer *buffer = get_pointer(args, SELF);
  set_pointer(args, ANSWER, buffer->device);
  return NULL;
}

Error *buffer_delete(void *args) {
  REQUIRE_SIZE(args, 24, "PJRT_Buffer_Delete_Args");
  drop_storage(get_pointer(args, SELF));
  return NULL;
}

Error *buffer_is_deleted(void *args) {
  REQUIRE_SIZE(args, 25, "PJRT_Buffer_IsDeleted_Args");
  const Buffer *buffer = get_pointer(args, SELF);
  set_bool(args, ANSWER, !buffer->storage);
  return NULL;
}

Error *buffer_is_on_cpu(void *args) {
  REQUIRE_SIZE(args, 25, "PJRT_Buffer_IsOnCpu_Args");
  set_bool(args, ANSWER, true);
  return NULL;
}

Error *buffer_ready_event(void *args) {
  REQUIRE_SIZE(args, 32, "PJRT_Buffer_ReadyEvent_Args");
  const Buffer *buffer = get_pointer(args, SELF);
  if (!buffer->storage) {
    return new_error(INVALID_ARGUMENT, "ReadyEvent() called on deleted or donated buffer");
  }
  set_pointer(args, ANSWER, hand_out_event(buffer->ready));
  return NULL;
}
