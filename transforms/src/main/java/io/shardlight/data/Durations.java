package io.shardlight.data;

import java.math.BigDecimal;
import java.math.MathContext;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Collection;
import org.HdrHistogram.Histogram;
import org.HdrHistogram.HistogramIterationValue;

/**
 * How long many of the same took: counts by microseconds, to two digits. Those of many workers add
 * up, in any order, to what one alone would have counted. A few hundred bytes, for a job holds one
 * for each stage of each shard. Immutable.
 */
public final class Durations {
  private static final int DIGITS = 2;

  /** Nothing here takes longer than 30 days; what does is counted as that. */
  private static final long MOST_MICROS = 30L * 24 * 3600 * 1_000_000;

  /** Of nothing. */
  public static final Durations NONE = new Durations(newHistogram());

  /** Takes each value of a distribution. */
  public interface Values {
    /**
     * @param count how often, at least once
     */
    void value(long micros, long count);
  }

  /** Takes durations from any thread. */
  public static final class Recorder {
    private final Histogram histogram = newHistogram();

    public synchronized void record(long nanos) {
      histogram.recordValue(Math.max(0, Math.min(nanos / 1000, MOST_MICROS)));
    }

    /** What was taken so far. */
    public synchronized Durations toDurations() {
      return new Durations(histogram);
    }
  }

  /** Hundreds of times smaller than a histogram is that can be written to. */
  private final byte[] encoded;

  private Durations(Histogram histogram) {
    // Of just the size that its values need, so that equal ones have equal bytes.
    Histogram tight = new Histogram(1, Math.max(2, histogram.getMaxValue()), DIGITS);
    tight.add(histogram);
    ByteBuffer buffer = ByteBuffer.allocate(tight.getNeededByteBufferCapacity());
    int length = tight.encodeIntoByteBuffer(buffer);
    this.encoded = Arrays.copyOf(buffer.array(), length);
  }

  private static Histogram newHistogram() {
    Histogram histogram = new Histogram(DIGITS);
    histogram.setAutoResize(true);
    return histogram;
  }

  private Histogram histogram() {
    return Histogram.decodeFromByteBuffer(ByteBuffer.wrap(encoded), 0);
  }

  /** All of them. */
  public static Durations sum(Collection<Durations> parts) {
    Histogram sum = newHistogram();
    parts.forEach(part -> sum.add(part.histogram()));
    return new Durations(sum);
  }

  public long count() {
    return histogram().getTotalCount();
  }

  /**
   * A duration that this part of all did not exceed, in milliseconds with two digits.
   *
   * @param percent from 0 to 100
   */
  public BigDecimal percentileMillis(double percent) {
    BigDecimal millis =
        BigDecimal.valueOf(histogram().getValueAtPercentile(percent), 3)
            .round(new MathContext(DIGITS));
    return millis.scale() < 0 ? millis.setScale(0) : millis;
  }

  public void forEach(Values values) {
    for (HistogramIterationValue value : histogram().recordedValues()) {
      values.value(value.getValueIteratedTo(), value.getCountAtValueIteratedTo());
    }
  }

  byte[] toBytes() {
    return encoded.clone();
  }

  /**
   * @throws IllegalArgumentException if these bytes are not of {@link #toBytes}
   */
  static Durations fromBytes(byte[] bytes) {
    try {
      return new Durations(Histogram.decodeFromByteBuffer(ByteBuffer.wrap(bytes), 0));
    } catch (BufferUnderflowException | IndexOutOfBoundsException e) {
      throw new IllegalArgumentException(
          "a histogram of durations must be whole, but " + bytes.length + " bytes are not", e);
    }
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Durations durations && Arrays.equals(encoded, durations.encoded);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(encoded);
  }

  @Override
  public String toString() {
    return count()
        + " of "
        + percentileMillis(50)
        + " ms, 95 % within "
        + percentileMillis(95)
        + " ms";
  }
}
