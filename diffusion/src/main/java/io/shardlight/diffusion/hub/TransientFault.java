package io.shardlight.diffusion.hub;

import java.io.IOException;
import java.time.Duration;
import java.util.Optional;

/** Something that may be better the next time. */
final class TransientFault extends IOException {
  private static final long serialVersionUID = 1;

  // Not an Optional, so that the exception stays serializable; negative for none.
  private final long waitMillis;

  TransientFault(String message, Optional<Duration> wait) {
    super(message);
    this.waitMillis = wait.map(Duration::toMillis).orElse(-1L);
  }

  TransientFault(String message) {
    this(message, Optional.empty());
  }

  /** How long the other side asks to be left alone. */
  Optional<Duration> waitAskedFor() {
    return waitMillis < 0 ? Optional.empty() : Optional.of(Duration.ofMillis(waitMillis));
  }
}
