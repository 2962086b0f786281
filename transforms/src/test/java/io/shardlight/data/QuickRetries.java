package io.shardlight.data;

import com.google.api.gax.retrying.RetrySettings;
import java.time.Duration;

/** The client's patience without its waiting. */
final class QuickRetries {
  private QuickRetries() {}

  static RetrySettings within(Duration patience) {
    return RetrySettings.newBuilder()
        .setInitialRetryDelayDuration(Duration.ofMillis(1))
        .setRetryDelayMultiplier(2)
        .setMaxRetryDelayDuration(Duration.ofMillis(8))
        .setTotalTimeoutDuration(patience)
        .build();
  }
}
