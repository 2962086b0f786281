package io.shardlight.engines.pjrt.client;

/**
 * The functions of the PJRT C API that are called here, with their place in its table and the size
 * of their argument struct, as of version 0.104. Slots have kept their places since 0.57.
 */
enum PjrtFunction {
  ERROR_DESTROY("PJRT_Error_Destroy", 5, 24),
  ERROR_MESSAGE("PJRT_Error_Message", 6, 40),
  ERROR_GET_CODE("PJRT_Error_GetCode", 7, 28),
  PLUGIN_INITIALIZE("PJRT_Plugin_Initialize", 8, 16),
  PLUGIN_ATTRIBUTES("PJRT_Plugin_Attributes", 9, 32),
  EVENT_DESTROY("PJRT_Event_Destroy", 10, 24),
  EVENT_AWAIT("PJRT_Event_Await", 13, 24),
  CLIENT_CREATE("PJRT_Client_Create", 15, 88),
  CLIENT_DESTROY("PJRT_Client_Destroy", 16, 24),
  CLIENT_PLATFORM_NAME("PJRT_Client_PlatformName", 17, 40),
  CLIENT_PLATFORM_VERSION("PJRT_Client_PlatformVersion", 19, 40),
  CLIENT_ADDRESSABLE_DEVICES("PJRT_Client_AddressableDevices", 21, 40),
  CLIENT_COMPILE("PJRT_Client_Compile", 25, 56),
  CLIENT_BUFFER_FROM_HOST_BUFFER("PJRT_Client_BufferFromHostBuffer", 27, 120),
  DEVICE_DESCRIPTION_ID("PJRT_DeviceDescription_Id", 28, 28),
  DEVICE_DESCRIPTION_ATTRIBUTES("PJRT_DeviceDescription_Attributes", 30, 40),
  DEVICE_DESCRIPTION_KIND("PJRT_DeviceDescription_Kind", 31, 40),
  DEVICE_GET_DESCRIPTION("PJRT_Device_GetDescription", 34, 32),
  DEVICE_LOCAL_HARDWARE_ID("PJRT_Device_LocalHardwareId", 36, 28),
  DEVICE_MEMORY_STATS("PJRT_Device_MemoryStats", 39, 185),
  EXECUTABLE_DESTROY("PJRT_Executable_Destroy", 45, 24),
  EXECUTABLE_NUM_OUTPUTS("PJRT_Executable_NumOutputs", 49, 32),
  EXECUTABLE_SERIALIZE("PJRT_Executable_Serialize", 54, 56),
  LOADED_EXECUTABLE_DESTROY("PJRT_LoadedExecutable_Destroy", 55, 24),
  LOADED_EXECUTABLE_GET_EXECUTABLE("PJRT_LoadedExecutable_GetExecutable", 56, 32),
  LOADED_EXECUTABLE_ADDRESSABLE_DEVICES("PJRT_LoadedExecutable_AddressableDevices", 57, 40),
  LOADED_EXECUTABLE_EXECUTE("PJRT_LoadedExecutable_Execute", 60, 80),
  EXECUTABLE_DESERIALIZE_AND_LOAD("PJRT_Executable_DeserializeAndLoad", 61, 64),
  BUFFER_DESTROY("PJRT_Buffer_Destroy", 63, 24),
  BUFFER_ELEMENT_TYPE("PJRT_Buffer_ElementType", 64, 28),
  BUFFER_DIMENSIONS("PJRT_Buffer_Dimensions", 65, 40),
  BUFFER_ON_DEVICE_SIZE_IN_BYTES("PJRT_Buffer_OnDeviceSizeInBytes", 69, 32),
  BUFFER_DEVICE("PJRT_Buffer_Device", 70, 32),
  BUFFER_DELETE("PJRT_Buffer_Delete", 72, 24),
  BUFFER_IS_DELETED("PJRT_Buffer_IsDeleted", 73, 25),
  BUFFER_COPY_TO_DEVICE("PJRT_Buffer_CopyToDevice", 74, 40),
  BUFFER_TO_HOST_BUFFER("PJRT_Buffer_ToHostBuffer", 75, 56),
  BUFFER_READY_EVENT("PJRT_Buffer_ReadyEvent", 77, 32),
  EXECUTABLE_OUTPUT_ELEMENT_TYPES("PJRT_Executable_OutputElementTypes", 95, 40),
  EXECUTABLE_OUTPUT_DIMENSIONS("PJRT_Executable_OutputDimensions", 96, 48),
  EXECUTABLE_FINGERPRINT("PJRT_Executable_Fingerprint", 99, 40),
  EXECUTABLE_GET_COMPILED_MEMORY_STATS("PJRT_Executable_GetCompiledMemoryStats", 101, 144);

  private final String cName;
  private final int slot;
  private final int argumentBytes;

  PjrtFunction(String cName, int slot, int argumentBytes) {
    this.cName = cName;
    this.slot = slot;
    this.argumentBytes = argumentBytes;
  }

  /** In C. */
  String cName() {
    return cName;
  }

  /** Of its pointer in {@code PJRT_Api}. */
  long tableOffset() {
    return (long) slot * Long.BYTES;
  }

  /** In C. */
  String argumentsName() {
    return cName + "_Args";
  }

  /** Up to the end of the struct's last field. */
  int argumentBytes() {
    return argumentBytes;
  }
}
