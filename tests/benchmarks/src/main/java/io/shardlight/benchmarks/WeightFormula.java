package io.shardlight.benchmarks;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * Values of the full-size checkpoint's tensors, the same as those of {@code make_checkpoint.py},
 * with which diffusers made the full-size golden data.
 *
 * <p>Element {@code i} of a tensor is a uniform number in [-1, 1) times a scale that keeps
 * activations near those of trained networks. The uniform numbers are splitmix64's, seeded by the
 * FNV-1a hash of {@code component/name}; all integer arithmetic is modulo 2^64. Immutable and
 * thread-safe.
 */
final class WeightFormula {
  // http://www.isthe.com/chongo/tech/comp/fnv/#FNV-param
  private static final long FNV_OFFSET = 0xcbf29ce484222325L;
  private static final long FNV_PRIME = 0x100000001b3L;

  // Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014; the
  // finaliser is Stafford's variant 13.
  private static final long GOLDEN_GAMMA = 0x9e3779b97f4a7c15L;

  private final long key;
  private final float offset;
  private final float scale;
  private final float gain;

  /**
   * @param component {@code text_encoder}, {@code unet} or {@code vae}
   * @param name PyTorch name of a float32 tensor
   */
  WeightFormula(String component, String name, List<Long> shape) {
    String full = component + "/" + name;
    String[] parts = ("." + name).split("\\.", -1);
    boolean normWeight =
        parts[parts.length - 2].contains("norm") && parts[parts.length - 1].equals("weight");
    this.key = fnv1a(full);
    this.offset = shape.size() <= 1 && normWeight ? 1 : 0;
    this.scale = scale(name, shape, normWeight);
    this.gain =
        switch (full) {
          case "unet/conv_out.weight" -> 1.6f;
          case "vae/decoder.conv_out.weight" -> 0.8f;
          default -> 1;
        };
  }

  private static float scale(String name, List<Long> shape, boolean normWeight) {
    if (shape.size() <= 1) {
      return normWeight ? 0.1f : 0.05f;
    } else if (name.contains("token_embedding")) {
      return 0.8f;
    } else if (name.contains("position_embedding")) {
      return 0.15f;
    }
    long fanIn = shape.stream().skip(1).reduce(1L, Math::multiplyExact);
    return (float) Math.sqrt(3.0 / fanIn);
  }

  private static long fnv1a(String text) {
    long hash = FNV_OFFSET;
    for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
      hash = (hash ^ (b & 0xff)) * FNV_PRIME;
    }
    return hash;
  }

  /** The float32 value of one element, each product rounded once. */
  float value(long index) {
    long z = key + (index + 1) * GOLDEN_GAMMA;
    z = (z ^ z >>> 30) * 0xbf58476d1ce4e5b9L;
    z = (z ^ z >>> 27) * 0x94d049bb133111ebL;
    z ^= z >>> 31;
    float uniform = (z >>> 40) * 0x1p-23f - 1; // 24 bits: exact
    return (offset + scale * uniform) * gain;
  }

  /** Appends float32 elements in the buffer's byte order until it is full. */
  void fill(long start, ByteBuffer target) {
    for (long i = start; target.hasRemaining(); i++) {
      target.putFloat(value(i));
    }
  }
}
