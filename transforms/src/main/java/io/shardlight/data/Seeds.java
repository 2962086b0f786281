package io.shardlight.data;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;

/** Seeds are unsigned 32-bit numbers, so that other tools can replay them. */
public final class Seeds {
  public static final long MAX = 0xFFFFFFFFL;

  private Seeds() {}

  /**
   * The seed of a prompt that brings none: the last four bytes, big-endian, of the SHA-256 of
   * {@code {"prompt_id":…,"run_seed":…}} in canonical JSON.
   */
  public static long ofPrompt(long runSeed, String promptId) {
    byte[] hash =
        Sha256.of(
            CanonicalJson.write(
                JsonNodeFactory.instance
                    .objectNode()
                    .put("prompt_id", promptId)
                    .put("run_seed", runSeed)));
    long seed = 0;
    for (int i = hash.length - 4; i < hash.length; i++) {
      seed = (seed << 8) | (hash[i] & 0xFF);
    }
    return seed;
  }

  /** {@code seed + i} modulo 2³². */
  public static long plus(long seed, int i) {
    return (seed + i) & MAX;
  }

  /**
   * @return {@code seed}
   * @throws IllegalArgumentException if it does not fit 32 unsigned bits
   */
  public static long require(long seed) {
    if (seed < 0 || seed > MAX) {
      throw new IllegalArgumentException("seed must be in [0, 4294967295], but was " + seed);
    }
    return seed;
  }
}
