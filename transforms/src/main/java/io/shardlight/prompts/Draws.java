package io.shardlight.prompts;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.shardlight.data.CanonicalJson;
import io.shardlight.data.Sha256;
import java.nio.ByteBuffer;
import java.util.List;

/**
 * The random choices that one image of a template gets: the same on every machine, for they come
 * from SHA-256 over the run's seed, the prompt's id, the image's index and a count. Not
 * thread-safe.
 */
final class Draws {
  private final String key;
  private long count;

  private Draws(String key) {
    this.key = key;
  }

  static Draws of(long runSeed, String promptId, int imageIndex) {
    return new Draws(
        CanonicalJson.write(
            JsonNodeFactory.instance
                .objectNode()
                .put("image_index", imageIndex)
                .put("prompt_id", promptId)
                .put("run_seed", runSeed)
                .put("use", "template")));
  }

  /** The next number in [0, 1), with 53 bits. */
  double next() {
    long bits = ByteBuffer.wrap(Sha256.of(key + count++)).getLong();
    return (bits >>> 11) * 0x1p-53;
  }

  /** The next whole number in [low, high]. */
  int between(int low, int high) {
    return low + (int) (next() * (high - low + 1L));
  }

  /**
   * The next place in a list, as likely as its weight is heavy.
   *
   * @param weights not negative, one of them positive
   */
  int weighted(List<Double> weights) {
    double total = 0;
    for (double weight : weights) {
      total += weight;
    }
    double left = next() * total;
    int chosen = -1;
    for (int i = 0; i < weights.size(); i++) {
      if (weights.get(i) > 0) {
        chosen = i;
        left -= weights.get(i);
        if (left < 0) {
          break;
        }
      }
    }
    return chosen;
  }
}
