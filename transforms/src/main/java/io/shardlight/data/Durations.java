package io.shardlight.data;

import java.math.BigDecimal;
import java.math.MathContext;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import org.HdrHistogram.Histogram;
import org.HdrHistogram.HistogramIterationValue;

/**
 * How long many of the same took: counts by microseconds, to three digits. Those of many workers
 * add up, in any order, to what one alone would have counted. Immutable.
 */
public final class Durations {
  /** Of nothing. */
  public static final Durations NONE = new Durations(newHistogram());

  private static final int DIGITS = 3;

  /** Nothing here takes longer than 30 days; what does is counted as that. */
  private static final long MOST_MICROS = 30L * 24 * 3600 * 1_000_000;

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
      return new Durations(histogram.copy());
    }
  }

  private final Histogram histogram;

  private Durations(Histogram histogram) {
    this.histogram = histogram;
  }

  private static Histogram newHistogram() {
    Histogram histogram = new Histogram(DIGITS);
    histogram.setAutoResize(true);
    return histogram;
  }

  /** All of these and those. */
  public Durations plus(Durations other) {
    Histogram sum = histogram.copy();
    sum.add(other.histogram);
    return new Durations(sum);
  }

  public long count() {
    return histogram.getTotalCount();
  }

  /**
   * A duration that this part of all did not exceed, in milliseconds with three digits.
   *
   * @param percent from 0 to 100
   */
  public BigDecimal percentileMillis(double percent) {
    return BigDecimal.valueOf(histogram.getValueAtPercentile(percent), 3)
        .round(new MathContext(DIGITS));
  }

  public void forEach(Values values) {
    for (HistogramIterationValue value : histogram.recordedValues()) {
      values.value(value.getValueIteratedTo(), value.getCountAtValueIteratedTo());
    }
  }

  byte[] toBytes() {
    ByteBuffer buffer = ByteBuffer.allocate(histogram.getNeededByteBufferCapacity());
    int length = histogram.encodeIntoByteBuffer(buffer);
    return Arrays.copyOf(buffer.array(), length);
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
    return other instanceof Durations durations && histogram.equals(durations.histogram);
  }

  @Override
  public int hashCode() {
    return histogram.hashCode();
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
