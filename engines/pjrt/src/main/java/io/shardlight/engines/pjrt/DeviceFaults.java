package io.shardlight.engines.pjrt;

import ai.djl.engine.EngineException;
import io.shardlight.diffusion.graph.DeviceFault;
import io.shardlight.engines.pjrt.client.PjrtException;

/** What PJRT's error codes say of a device. */
final class DeviceFaults {
  private DeviceFaults() {}

  /**
   * What to throw where the device was at work.
   *
   * @param where what failed, in front of PJRT's words
   * @return a {@link DeviceFault} if the code tells of one
   */
  static EngineException of(String where, PjrtException e) {
    String message = where + ": " + e.getMessage();
    return switch (e.code()) {
      case RESOURCE_EXHAUSTED -> new DeviceFault.OutOfMemory(message, e);
      case UNAVAILABLE, ABORTED, CANCELLED, DEADLINE_EXCEEDED ->
          new DeviceFault.Transient(message, e);
      case INTERNAL, DATA_LOSS -> new DeviceFault.Lost(message, e);
      default -> new EngineException(message, e);
    };
  }
}
