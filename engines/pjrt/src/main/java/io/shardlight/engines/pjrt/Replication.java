package io.shardlight.engines.pjrt;

/** How one program becomes the program of several devices. */
enum Replication {
  /**
   * One executable over all devices, as JAX's {@code pmap} makes: compiled once, started by one
   * call. Devices that a short batch leaves over draw its last slice again.
   */
  TOGETHER,
  /**
   * An executable for each device, started by a thread of its own. Devices that a short batch
   * leaves over rest; each executable is compiled by itself.
   */
  APART;

  /** What {@code -Dshardlight.pjrt.replication} says, or the better one. */
  static Replication configured() {
    return valueOf(System.getProperty("shardlight.pjrt.replication", TOGETHER.name()));
  }
}
