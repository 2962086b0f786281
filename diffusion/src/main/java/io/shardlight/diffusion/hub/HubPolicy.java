package io.shardlight.diffusion.hub;

import java.time.Duration;

/**
 * How patient one is with the Hub.
 *
 * @param connectTimeout for a connection
 * @param stallTimeout how long nothing may arrive before a connection is given up; an answer may
 *     take as long as it likes while bytes come
 * @param attempts tries in a row that bring nothing, before a request has failed
 * @param firstDelay before the second try; doubled for each further one
 * @param longestDelay between two tries, unless the Hub asks for more
 * @param longestWait that the Hub may ask for
 * @param connections at once
 * @param chunkBytes of one request
 */
public record HubPolicy(
    Duration connectTimeout,
    Duration stallTimeout,
    int attempts,
    Duration firstDelay,
    Duration longestDelay,
    Duration longestWait,
    int connections,
    long chunkBytes) {
  /** Eight connections fill most lines; a chunk of 32 MiB is worth a request on any of them. */
  public static final HubPolicy DEFAULTS =
      new HubPolicy(
          Duration.ofSeconds(20),
          Duration.ofSeconds(30),
          6,
          Duration.ofSeconds(1),
          Duration.ofSeconds(30),
          Duration.ofMinutes(10),
          8,
          32L << 20);
}
