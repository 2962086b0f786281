package io.shardlight.transforms;

import io.shardlight.data.BatchShape;
import io.shardlight.data.Example;
import java.util.HashMap;
import java.util.Map;
import org.apache.beam.sdk.transforms.DoFn;
import org.apache.beam.sdk.transforms.PTransform;
import org.apache.beam.sdk.transforms.ParDo;
import org.apache.beam.sdk.transforms.Sum;
import org.apache.beam.sdk.transforms.windowing.BoundedWindow;
import org.apache.beam.sdk.transforms.windowing.GlobalWindow;
import org.apache.beam.sdk.values.KV;
import org.apache.beam.sdk.values.PCollection;

/**
 * Counts the examples of each shape. Every bundle counts for itself and gives out its sums, so that
 * no runner keeps an element for each example. Bounded input in the global window.
 */
final class CountShapes
    extends PTransform<PCollection<Example>, PCollection<KV<BatchShape, Long>>> {
  private CountShapes() {}

  static CountShapes create() {
    return new CountShapes();
  }

  @Override
  public PCollection<KV<BatchShape, Long>> expand(PCollection<Example> examples) {
    return examples.apply("CountInBundle", ParDo.of(new CountFn())).apply("Sum", Sum.longsPerKey());
  }

  private static final class CountFn extends DoFn<Example, KV<BatchShape, Long>> {
    private transient Map<BatchShape, Long> counts;

    @StartBundle
    public void start() {
      counts = new HashMap<>();
    }

    @ProcessElement
    public void count(@Element Example example) {
      counts.merge(example.shape(), 1L, Long::sum);
    }

    @FinishBundle
    public void finish(FinishBundleContext context) {
      counts.forEach(
          (shape, count) ->
              context.output(
                  KV.of(shape, count), BoundedWindow.TIMESTAMP_MIN_VALUE, GlobalWindow.INSTANCE));
    }
  }
}
