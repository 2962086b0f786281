package io.shardlight.diffusion.hub;

import java.io.IOException;
import java.net.ConnectException;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.ThreadLocalRandom;
import javax.net.ssl.SSLException;

/** Counts the tries of one request that brought nothing, and waits between them. */
final class Retries {
  /** Waits; another in tests. */
  interface Sleeper {
    void sleep(Duration duration) throws InterruptedException;
  }

  /** Where nobody listens, nobody will in the next half minute. */
  private static final int WITHOUT_CONNECTION = 3;

  private final HubPolicy policy;
  private final Sleeper sleeper;
  private final String wanted;
  private int failures;

  /**
   * @param wanted as it goes on after "wanted to"
   */
  Retries(HubPolicy policy, Sleeper sleeper, String wanted) {
    this.policy = policy;
    this.sleeper = sleeper;
    this.wanted = wanted;
  }

  /** Something came: the next fault is the first in a row. */
  void progressed() {
    failures = 0;
  }

  /**
   * Returns when it is time for another try.
   *
   * @throws HubException if there is no point in one
   */
  void failed(IOException fault) throws IOException, InterruptedException {
    if (fault instanceof HubException) {
      throw fault;
    }
    failures++;
    int most =
        fault instanceof SSLException
            ? 1
            : fault instanceof ConnectException
                ? Math.min(policy.attempts(), WITHOUT_CONNECTION)
                : policy.attempts();
    if (failures >= most) {
      throw HubException.outOfReach(
          "wanted to %s, but %s%s; look at the network, and run it again: what has come is kept"
              .formatted(
                  wanted, reason(fault), failures == 1 ? "" : ", %d times".formatted(failures)));
    }
    Duration delay = backoff();
    if (fault instanceof TransientFault t && t.waitAskedFor().isPresent()) {
      Duration asked = t.waitAskedFor().get();
      if (asked.compareTo(policy.longestWait()) > 0) {
        throw HubException.outOfReach(
            "wanted to %s, but %s, and is to be asked again in %d s only; run it again then"
                .formatted(wanted, reason(fault), asked.toSeconds()));
      }
      delay = asked.compareTo(delay) > 0 ? asked : delay;
    }
    sleeper.sleep(delay);
  }

  /** Twice as long each time, and by chance between half of that and all of it. */
  private Duration backoff() {
    long first = policy.firstDelay().toNanos();
    long longest = policy.longestDelay().toNanos();
    long most = Math.min(longest, first << Math.min(failures - 1, 20));
    return Duration.ofNanos(most / 2 + ThreadLocalRandom.current().nextLong(most / 2 + 1));
  }

  private static String reason(IOException fault) {
    if (fault instanceof TransientFault) {
      return Objects.requireNonNullElse(fault.getMessage(), "it failed");
    }
    if (fault instanceof WatchedExchange.StalledException) {
      return String.valueOf(fault.getMessage());
    }
    String kind = fault instanceof ConnectException ? "no connection can be made" : "it broke off";
    String detail = fault.getMessage();
    return kind + " (" + (detail == null ? fault.getClass().getSimpleName() : detail) + ")";
  }
}
