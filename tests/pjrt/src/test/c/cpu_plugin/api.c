// The table of functions: slot i lies at byte 8 * i.
#include "plugin.h"

enum { FIRST_SLOT = 5, SLOTS = 140, MINOR_VERSION = 104 };

static Function *const functions[SLOTS] = {
    [5] = error_destroy,
    [6] = error_message,
    [7] = error_code,
    [8] = plugin_initialize,
    [9] = plugin_attributes,
    [10] = event_destroy,
    [11] = event_is_ready,
    [12] = event_await,  // PJRT_Event_Error: of an event that is ready
    [13] = event_await,
    [14] = event_on_ready,
    [15] = client_create,
    [16] = client_destroy,
    [17] = client_platform_name,
    [18] = client_process_index,
    [19] = client_platform_version,
    [20] = client_devices,
    [21] = client_devices,
    [22] = client_lookup_device,
    [23] = client_lookup_device,
    [24] = client_devices,
    [25] = client_compile,
    [26] = client_default_device_assignment,
    [27] = buffer_from_host,
    [28] = device_id,
    [29] = client_process_index,
    [30] = device_attributes,
    [31] = device_kind,
    [32] = device_kind,
    [33] = device_kind,
    [34] = device_description,
    [35] = device_is_addressable,
    [36] = device_hardware_id,
    [37] = device_memories,
    [38] = device_description,
    [39] = device_memory_stats,
    [40] = device_id,
    [41] = memory_kind,
    [42] = memory_kind,
    [43] = memory_kind,
    [44] = device_memories,
    [45] = executable_destroy,
    [46] = executable_name,
    [47] = executable_replicas,
    [48] = executable_partitions,
    [49] = executable_outputs,
    [54] = executable_serialize,
    [55] = executable_destroy,
    [56] = loaded_executable,
    [57] = loaded_devices,
    [58] = loaded_delete,
    [59] = loaded_is_deleted,
    [60] = loaded_execute,
    [61] = executable_deserialize,
    [62] = executable_fingerprint,
    [63] = buffer_destroy,
    [64] = buffer_element_type,
    [65] = buffer_dimensions,
    [66] = buffer_dimensions,
    [69] = buffer_size,
    [70] = buffer_device,
    [71] = buffer_device,
    [72] = buffer_delete,
    [73] = buffer_is_deleted,
    [74] = buffer_copy_to_device,
    [75] = buffer_to_host,
    [76] = buffer_is_on_cpu,
    [77] = buffer_ready_event,
    [95] = executable_output_types,
    [96] = executable_output_dimensions,
    [99] = executable_fingerprint,
    [101] = executable_memory_stats,
};

static Error *unimplemented(void *args) {
  (void)args;
  return new_error(UNIMPLEMENTED, "this PJRT function is not in the test plugin");
}

static char table[SLOTS * sizeof(void *)] __attribute__((aligned(8)));

static void fill_table(void) {
  enum { VERSION_SIZE = 16, MINOR = 36, VERSION_BYTES = 24 };
  set_i64(table, 0, sizeof table);
  set_i64(table, VERSION_SIZE, VERSION_BYTES);
  set_i32(table, MINOR, MINOR_VERSION);
  for (size_t slot = FIRST_SLOT; slot < SLOTS; slot++) {
    Function *function = functions[slot] ? functions[slot] : unimplemented;
    memcpy(table + slot * sizeof function, &function, sizeof function);
  }
}

__attribute__((visibility("default"))) const void *GetPjrtApi(void);

const void *GetPjrtApi(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, fill_table);
  return table;
}
