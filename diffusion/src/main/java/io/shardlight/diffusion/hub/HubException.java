package io.shardlight.diffusion.hub;

import java.io.IOException;

/** The Hub does not give what was asked for, with what to do about it. */
public final class HubException extends IOException {
  private static final long serialVersionUID = 1;

  private final boolean outOfReach;

  private HubException(String message, boolean outOfReach) {
    super(message);
    this.outOfReach = outOfReach;
  }

  /** It answered, and trying again is of no use. */
  static HubException refused(String message) {
    return new HubException(message, false);
  }

  /** It could not be reached, or not now. */
  static HubException outOfReach(String message) {
    return new HubException(message, true);
  }

  /** Whether the cache may stand in. */
  boolean isOutOfReach() {
    return outOfReach;
  }
}
