package io.shardlight.data;

import java.io.Serializable;
import java.util.HexFormat;
import org.apache.beam.sdk.coders.DefaultCoder;

/**
 * A summary of which examples a run is to make, whatever order they come in: their number, and the
 * sum of their ids modulo 2¹²⁸.
 *
 * @param high upper 64 bits of the sum
 * @param low lower 64 bits of the sum
 */
@DefaultCoder(PlanDigestCoder.class)
public record PlanDigest(long examples, long high, long low) implements Serializable {
  public static final PlanDigest EMPTY = new PlanDigest(0, 0, 0);

  public static PlanDigest of(Example example) {
    return new PlanDigest(1, example.idHigh(), example.idLow());
  }

  public PlanDigest plus(PlanDigest other) {
    long sum = low + other.low;
    int carry = Long.compareUnsigned(sum, low) < 0 ? 1 : 0;
    return new PlanDigest(examples + other.examples, high + other.high + carry, sum);
  }

  /** All of them together, in any order. */
  public static PlanDigest sum(Iterable<PlanDigest> digests) {
    PlanDigest sum = EMPTY;
    for (PlanDigest digest : digests) {
      sum = sum.plus(digest);
    }
    return sum;
  }

  /** The sum, 32 hex digits. */
  public String hex() {
    return HexFormat.of().toHexDigits(high) + HexFormat.of().toHexDigits(low);
  }
}
