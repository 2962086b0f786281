package io.shardlight.data;

import io.shardlight.diffusion.scheduler.SchedulerKind;
import java.util.Comparator;
import org.apache.beam.sdk.coders.DefaultCoder;

/** What must be equal within one batch. The order is by size, then scheduler, steps, guidance. */
@DefaultCoder(BatchShapeCoder.class)
public record BatchShape(
    int widthPixels, int heightPixels, SchedulerKind scheduler, int steps, boolean guided)
    implements Comparable<BatchShape> {
  private static final Comparator<BatchShape> ORDER =
      Comparator.comparingInt(BatchShape::widthPixels)
          .thenComparingInt(BatchShape::heightPixels)
          .thenComparing(shape -> shape.scheduler().optionName())
          .thenComparingInt(BatchShape::steps)
          .thenComparing(BatchShape::guided);

  public static BatchShape of(Sampling sampling) {
    return new BatchShape(
        sampling.widthPixels(),
        sampling.heightPixels(),
        sampling.scheduler(),
        sampling.steps(),
        sampling.guided());
  }

  @Override
  public int compareTo(BatchShape other) {
    return ORDER.compare(this, other);
  }
}
