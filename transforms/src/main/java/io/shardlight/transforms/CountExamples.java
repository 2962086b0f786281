package io.shardlight.transforms;

import io.shardlight.data.Example;
import org.apache.beam.sdk.transforms.DoFn;
import org.apache.beam.sdk.transforms.PTransform;
import org.apache.beam.sdk.transforms.ParDo;
import org.apache.beam.sdk.transforms.Sum;
import org.apache.beam.sdk.transforms.windowing.BoundedWindow;
import org.apache.beam.sdk.transforms.windowing.GlobalWindow;
import org.apache.beam.sdk.values.PCollection;

/**
 * Counts examples: one number, also of none. Every bundle counts for itself, so that no runner
 * keeps an element for each example. Bounded input in the global window.
 */
final class CountExamples extends PTransform<PCollection<Example>, PCollection<Long>> {
  private CountExamples() {}

  static CountExamples create() {
    return new CountExamples();
  }

  @Override
  public PCollection<Long> expand(PCollection<Example> examples) {
    return examples
        .apply("CountInBundle", ParDo.of(new CountFn()))
        .apply("Sum", Sum.longsGlobally());
  }

  private static final class CountFn extends DoFn<Example, Long> {
    private transient long count;

    @StartBundle
    public void start() {
      count = 0;
    }

    @ProcessElement
    public void count() {
      count++;
    }

    @FinishBundle
    public void finish(FinishBundleContext context) {
      context.output(count, BoundedWindow.TIMESTAMP_MIN_VALUE, GlobalWindow.INSTANCE);
    }
  }
}
