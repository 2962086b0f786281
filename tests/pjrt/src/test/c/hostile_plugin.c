// A PJRT plugin that computes nothing and misbehaves as it is told, to test what its client makes
// of it. It has one device, whose arrays are of 8 bytes, and programs with one result.
//
// When it is compiled:
//   NO_ENTRY          there is no GetPjrtApi
//   NULL_TABLE        GetPjrtApi returns NULL
//   MAJOR, MINOR      the version in the table
//   TABLE_BYTES       the size that the table tells of itself
//   NULL_SLOT         this function is missing
//   EXTRA_BYTES       each struct must be so much larger than its client knows, and zero there
//   STUBBORN          each struct is 8 bytes too small, however large it is
//   ATTRIBUTES        that many are counted, and there is no address
//   INITIALIZE_FAILS  PJRT_Plugin_Initialize fails
//
// While it runs: hostile_acts[slot] is 1 to make a function fail, 2 to make it succeed without an
// answer (a destroying one still destroys). hostile_live tells how many errors, events, buffers,
// executables, clients and serialized programs there are, hostile_errors how many errors there were.
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef MAJOR
#define MAJOR 0
#endif
#ifndef MINOR
#define MINOR 104
#endif
#ifndef EXTRA_BYTES
#define EXTRA_BYTES 0
#endif
#ifndef ATTRIBUTES
#define ATTRIBUTES 0
#endif
#ifdef NO_ENTRY
#define ENTRY NotGetPjrtApi
#else
#define ENTRY GetPjrtApi
#endif
#ifndef TABLE_BYTES
#define TABLE_BYTES (SLOTS * 8)
#endif

enum { SLOTS = 140, INVALID_ARGUMENT = 3, INTERNAL = 13 };
enum { FAILING = 1, SILENT = 2 };
enum { ERRORS, EVENTS, BUFFERS, EXECUTABLES, CLIENTS, SERIALIZED, COUNTERS };

#define EXPORTED __attribute__((visibility("default")))

EXPORTED char hostile_acts[SLOTS];
EXPORTED int64_t hostile_live[COUNTERS];
EXPORTED int64_t hostile_errors;

typedef struct {
  int code;
  char message[160];
} Error;

static void *get(const void *args, size_t offset) {
  void *value;
  memcpy(&value, (const char *)args + offset, sizeof value);
  return value;
}

static void set(void *args, size_t offset, const void *value) {
  memcpy((char *)args + offset, &value, sizeof value);
}

static void set_i64(void *args, size_t offset, int64_t value) {
  memcpy((char *)args + offset, &value, sizeof value);
}

static void set_i32(void *args, size_t offset, int32_t value) {
  memcpy((char *)args + offset, &value, sizeof value);
}

static Error *fail(int code) {
  Error *error = calloc(1, sizeof *error);
  error->code = code;
  hostile_live[ERRORS]++;
  hostile_errors++;
  return error;
}

static Error *check(const void *args, const char *name, int64_t bytes) {
  if (!args) {
    Error *error = fail(INVALID_ARGUMENT);
    snprintf(error->message, sizeof error->message, "there is no %s", name);
    return error;
  }
  int64_t given;
  int64_t wanted = bytes + EXTRA_BYTES;
  memcpy(&given, args, sizeof given);
#ifdef STUBBORN
  wanted = given + 8;
#endif
  if (given < wanted) {
    Error *error = fail(INVALID_ARGUMENT);
    snprintf(error->message, sizeof error->message,
             "Unexpected %s size: expected %ld, got %ld. Check installed software versions.", name,
             (long)wanted, (long)given);
    return error;
  }
  for (int64_t i = bytes; i < wanted; i++) {
    if (((const char *)args)[i]) {
      Error *error = fail(INTERNAL);
      snprintf(error->message, sizeof error->message, "%s: byte %ld is not zero", name, (long)i);
      return error;
    }
  }
  return NULL;
}

static void *create(int counter) {
  hostile_live[counter]++;
  return calloc(1, 8);
}

static void destroy(int counter, void *object) {
  hostile_live[counter]--;
  free(object);
}

#define CHECK(args, name, bytes)              \
  do {                                        \
    Error *wrong = check(args, name, bytes);  \
    if (wrong) {                              \
      return wrong;                           \
    }                                         \
  } while (0)

// What a function does when it was told to misbehave.
#define ACT(slot, name)                                                                     \
  do {                                                                                      \
    if (hostile_acts[slot] == SILENT) {                                                     \
      return NULL;                                                                          \
    }                                                                                       \
    if (hostile_acts[slot] == FAILING) {                                                    \
      Error *told = fail(INTERNAL);                                                         \
      snprintf(told->message, sizeof told->message, "%s was told to fail", name);           \
      return told;                                                                          \
    }                                                                                       \
  } while (0)

// F(slot, name, bytes, body): the bodies fill in the answers.
#define FUNCTIONS(F)                                                                            \
  F(9, PJRT_Plugin_Attributes, 32, set_i64(args, 24, ATTRIBUTES))                               \
  F(13, PJRT_Event_Await, 24, (void)args)                                                       \
  F(15, PJRT_Client_Create, 88, set(args, 64, create(CLIENTS)))                                 \
  F(17, PJRT_Client_PlatformName, 40, set_text(args, "hostile"))                                \
  F(19, PJRT_Client_PlatformVersion, 40, set_text(args, "1"))                                   \
  F(21, PJRT_Client_AddressableDevices, 40, set_devices(args))                                  \
  F(27, PJRT_Client_BufferFromHostBuffer, 120, set(args, 112, create(BUFFERS));                 \
    set(args, 104, create(EVENTS)))                                                             \
  F(28, PJRT_DeviceDescription_Id, 28, set_i32(args, 24, 7))                                    \
  F(30, PJRT_DeviceDescription_Attributes, 40, set_i64(args, 24, ATTRIBUTES))                   \
  F(31, PJRT_DeviceDescription_Kind, 40, set_text(args, "none"))                                \
  F(34, PJRT_Device_GetDescription, 32, set(args, 24, device))                                  \
  F(36, PJRT_Device_LocalHardwareId, 28, set_i32(args, 24, -1))                                 \
  F(39, PJRT_Device_MemoryStats, 185, set_i64(args, 24, 5))                                     \
  F(49, PJRT_Executable_NumOutputs, 32, set_i64(args, 24, 1))                                   \
  F(54, PJRT_Executable_Serialize, 56, serialize(args))                                         \
  F(56, PJRT_LoadedExecutable_GetExecutable, 32, set(args, 24, create(EXECUTABLES)))            \
  F(57, PJRT_LoadedExecutable_AddressableDevices, 40, set_devices(args))                        \
  F(61, PJRT_Executable_DeserializeAndLoad, 64, set(args, 40, create(EXECUTABLES)))             \
  F(64, PJRT_Buffer_ElementType, 28, set_i32(args, 24, 9))                                      \
  F(65, PJRT_Buffer_Dimensions, 40, set_i64(args, 32, 0))                                       \
  F(69, PJRT_Buffer_OnDeviceSizeInBytes, 32, set_i64(args, 24, 8))                              \
  F(70, PJRT_Buffer_Device, 32, set(args, 24, device))                                          \
  F(72, PJRT_Buffer_Delete, 24, (void)args)                                                     \
  F(73, PJRT_Buffer_IsDeleted, 25, ((char *)args)[24] = 0)                                      \
  F(74, PJRT_Buffer_CopyToDevice, 40, set(args, 32, create(BUFFERS)))                           \
  F(77, PJRT_Buffer_ReadyEvent, 32, set(args, 24, create(EVENTS)))                              \
  F(95, PJRT_Executable_OutputElementTypes, 40, set(args, 24, &output_type);                    \
    set_i64(args, 32, 1))                                                                       \
  F(96, PJRT_Executable_OutputDimensions, 48, set_dimensions(args))                             \
  F(99, PJRT_Executable_Fingerprint, 40, set_text(args, "print"))                               \
  F(101, PJRT_Executable_GetCompiledMemoryStats, 144, set_i64(args, 32, 11))

// D(slot, name, counter)
#define DESTROYERS(D)                                        \
  D(10, PJRT_Event_Destroy, EVENTS)                          \
  D(16, PJRT_Client_Destroy, CLIENTS)                        \
  D(45, PJRT_Executable_Destroy, EXECUTABLES)                \
  D(55, PJRT_LoadedExecutable_Destroy, EXECUTABLES)          \
  D(63, PJRT_Buffer_Destroy, BUFFERS)

static void *device[1];
static void *const devices[] = {device};
static const int output_type = 9;
static const size_t output_rank = 0;

static void set_text(void *args, const char *text) {
  set(args, 24, text);
  set_i64(args, 32, (int64_t)strlen(text));
}

static void set_devices(void *args) {
  set(args, 24, devices);
  set_i64(args, 32, 1);
}

static void set_dimensions(void *args) {
  set_i64(args, 24, 1);
  set(args, 32, &output_rank);
  set(args, 40, &output_rank);
}

static void delete_serialized(void *serialized) {
  destroy(SERIALIZED, serialized);
}

static void serialize(void *args) {
  void *serialized = create(SERIALIZED);
  void (*deleter)(void *) = delete_serialized;
  set(args, 24, serialized);
  set_i64(args, 32, 8);
  set(args, 40, serialized);
  memcpy((char *)args + 48, &deleter, sizeof deleter);
}

#define DEFINE_FUNCTION(slot, name, bytes, body) \
  static Error *name(void *args) {               \
    CHECK(args, #name "_Args", bytes);           \
    ACT(slot, #name);                   \
    body;                                        \
    return NULL;                                 \
  }

#define DEFINE_DESTROYER(slot, name, counter) \
  static Error *name(void *args) {            \
    CHECK(args, #name "_Args", 24);           \
    destroy(counter, get(args, 16));          \
    ACT(slot, #name);                \
    return NULL;                              \
  }

FUNCTIONS(DEFINE_FUNCTION)
DESTROYERS(DEFINE_DESTROYER)

static Error *PJRT_Error_Destroy(void *args) {
  destroy(ERRORS, get(args, 16));
  return NULL;
}

static Error *PJRT_Error_Message(void *args) {
  set_text(args, ((Error *)get(args, 16))->message);
  return NULL;
}

static Error *PJRT_Error_GetCode(void *args) {
  ACT(7, "PJRT_Error_GetCode");
  set_i32(args, 24, ((Error *)get(args, 16))->code);
  return NULL;
}

static Error *PJRT_Plugin_Initialize(void *args) {
#ifdef INITIALIZE_FAILS
  hostile_acts[8] = FAILING;
#endif
  CHECK(args, "PJRT_Plugin_Initialize_Args", 16);
  ACT(8, "PJRT_Plugin_Initialize");
  return NULL;
}

static Error *PJRT_Client_Compile(void *args) {
  CHECK(args, "PJRT_Client_Compile_Args", 56);
  CHECK(get(args, 24), "PJRT_Program", 48);
  ACT(25, "PJRT_Client_Compile");
  set(args, 48, create(EXECUTABLES));
  return NULL;
}

static Error *PJRT_LoadedExecutable_Execute(void *args) {
  CHECK(args, "PJRT_LoadedExecutable_Execute_Args", 80);
  CHECK(get(args, 24), "PJRT_ExecuteOptions", 120);
  ACT(60, "PJRT_LoadedExecutable_Execute");
  void *first_list = *(void **)get(args, 56);
  set(first_list, 0, create(BUFFERS));
  set(get(args, 64), 0, create(EVENTS));
  return NULL;
}

static Error *PJRT_Buffer_ToHostBuffer(void *args) {
  CHECK(args, "PJRT_Buffer_ToHostBuffer_Args", 56);
  CHECK(get(args, 24), "PJRT_Buffer_MemoryLayout", 76);
  ACT(75, "PJRT_Buffer_ToHostBuffer");
  if (get(args, 32)) {
    set(args, 48, create(EVENTS));
  } else {
    set_i64(args, 40, 8);
  }
  return NULL;
}

#define ENTER_FUNCTION(slot, name, bytes, body) enter(slot, name);
#define ENTER_DESTROYER(slot, name, counter) enter(slot, name);

static char table[SLOTS * 8] __attribute__((aligned(8)));

static void enter(size_t slot, Error *(*function)(void *)) {
  memcpy(table + 8 * slot, &function, sizeof function);
}

static void fill_table(void) {
  set_i64(table, 0, TABLE_BYTES);
  set_i64(table, 16, 24);
  set_i32(table, 32, MAJOR);
  set_i32(table, 36, MINOR);
  FUNCTIONS(ENTER_FUNCTION)
  DESTROYERS(ENTER_DESTROYER)
  enter(5, PJRT_Error_Destroy);
  enter(6, PJRT_Error_Message);
  enter(7, PJRT_Error_GetCode);
  enter(8, PJRT_Plugin_Initialize);
  enter(25, PJRT_Client_Compile);
  enter(60, PJRT_LoadedExecutable_Execute);
  enter(75, PJRT_Buffer_ToHostBuffer);
#ifdef NULL_SLOT
  enter(NULL_SLOT, NULL);
#endif
}

EXPORTED const void *ENTRY(void);

const void *ENTRY(void) {
  fill_table();
#ifdef NULL_TABLE
  return NULL;
#else
  return table;
#endif
}
