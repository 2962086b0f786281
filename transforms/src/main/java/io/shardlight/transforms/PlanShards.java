package io.shardlight.transforms;

import io.shardlight.data.BatchShape;
import io.shardlight.data.BatchShapeCoder;
import io.shardlight.data.Example;
import io.shardlight.data.ExampleCoder;
import io.shardlight.data.ShardKey;
import io.shardlight.data.ShardKeyCoder;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.apache.beam.sdk.coders.KvCoder;
import org.apache.beam.sdk.coders.VarIntCoder;
import org.apache.beam.sdk.transforms.Distinct;
import org.apache.beam.sdk.transforms.DoFn;
import org.apache.beam.sdk.transforms.PTransform;
import org.apache.beam.sdk.transforms.ParDo;
import org.apache.beam.sdk.transforms.View;
import org.apache.beam.sdk.transforms.windowing.BoundedWindow;
import org.apache.beam.sdk.transforms.windowing.GlobalWindow;
import org.apache.beam.sdk.values.KV;
import org.apache.beam.sdk.values.PCollection;
import org.apache.beam.sdk.values.PCollectionView;

/**
 * Gives every example its shard. The shards are a function of the set of examples alone: within a
 * shape the id's hash chooses one of {@code ceil(count / size)} places, places that nobody chose
 * are left out, and the rest are numbered without gaps, shapes in their order. So a resumed run
 * plans the same shards. A shard has {@code size} examples on average, not exactly; examples with
 * the same id land in the same one.
 *
 * <p>The examples are looked at three times, to count shapes, to find the places taken, and to give
 * out the keys; only the last keeps an element for each. Bounded input in the global window.
 */
public final class PlanShards
    extends PTransform<PCollection<Example>, PCollection<KV<ShardKey, Example>>> {
  private final int size;
  private final int firstNumber;

  private PlanShards(int size, int firstNumber) {
    this.size = size;
    this.firstNumber = firstNumber;
  }

  /**
   * @param size examples a shard on average, at least 1
   */
  public static PlanShards ofSize(int size) {
    if (size < 1) {
      throw new IllegalArgumentException("shardSize must be at least 1, but was " + size);
    }
    return new PlanShards(size, 0);
  }

  /** Numbers the shards from another number than 0, at least 0. */
  public PlanShards withFirstNumber(int number) {
    if (number < 0) {
      throw new IllegalArgumentException("firstNumber must be at least 0, but was " + number);
    }
    return new PlanShards(size, number);
  }

  @Override
  public PCollection<KV<ShardKey, Example>> expand(PCollection<Example> examples) {
    PCollectionView<Map<BatchShape, Long>> counts =
        examples.apply("Count", CountShapes.create()).apply("Counts", View.asMap());
    PCollectionView<List<KV<BatchShape, Integer>>> places =
        examples
            .apply("Places", ParDo.of(new PlacesFn(size, counts)).withSideInputs(counts))
            .setCoder(KvCoder.of(BatchShapeCoder.of(), VarIntCoder.of()))
            .apply("Distinct", Distinct.create())
            .apply("AllPlaces", View.asList());
    return examples
        .apply(
            "Number", ParDo.of(new NumberFn(this, counts, places)).withSideInputs(counts, places))
        .setCoder(KvCoder.of(ShardKeyCoder.of(), ExampleCoder.of()));
  }

  /** The places that there are, for one bundle: a view may take long to look at. */
  private static final class Places {
    private final Map<BatchShape, Long> counts;
    private final int size;

    Places(Map<BatchShape, Long> counts, int size) {
      this.counts = Map.copyOf(counts);
      this.size = size;
    }

    /** Which of its shape's places an example takes; uniform, as the id is a hash. */
    KV<BatchShape, Integer> of(Example example) {
      BatchShape shape = example.shape();
      long count = counts.getOrDefault(shape, 0L);
      long places = (count + size - 1) / size;
      // The id's last 64 bits: the first name the image's folder.
      return KV.of(shape, (int) Long.remainderUnsigned(example.idLow(), places));
    }
  }

  /** Gives out a bundle's places once each. */
  private static final class PlacesFn extends DoFn<Example, KV<BatchShape, Integer>> {
    private final int size;
    private final PCollectionView<Map<BatchShape, Long>> counts;
    private transient Optional<Places> places = Optional.empty();
    private transient Set<KV<BatchShape, Integer>> taken;

    PlacesFn(int size, PCollectionView<Map<BatchShape, Long>> counts) {
      this.size = size;
      this.counts = counts;
    }

    @StartBundle
    public void start() {
      places = Optional.empty();
      taken = new HashSet<>();
    }

    @ProcessElement
    public void take(ProcessContext context) {
      if (places.isEmpty()) {
        places = Optional.of(new Places(context.sideInput(counts), size));
      }
      taken.add(places.get().of(context.element()));
    }

    @FinishBundle
    public void finish(FinishBundleContext context) {
      for (KV<BatchShape, Integer> place : taken) {
        context.output(place, BoundedWindow.TIMESTAMP_MIN_VALUE, GlobalWindow.INSTANCE);
      }
    }
  }

  private static final class NumberFn extends DoFn<Example, KV<ShardKey, Example>> {
    private final int size;
    private final int firstNumber;
    private final PCollectionView<Map<BatchShape, Long>> counts;
    private final PCollectionView<List<KV<BatchShape, Integer>>> taken;
    private transient Optional<Places> places = Optional.empty();

    /** One key object for all examples of a shard. */
    private transient Map<KV<BatchShape, Integer>, ShardKey> keys;

    NumberFn(
        PlanShards transform,
        PCollectionView<Map<BatchShape, Long>> counts,
        PCollectionView<List<KV<BatchShape, Integer>>> taken) {
      this.size = transform.size;
      this.firstNumber = transform.firstNumber;
      this.counts = counts;
      this.taken = taken;
    }

    @StartBundle
    public void start() {
      places = Optional.empty();
      keys = new HashMap<>();
    }

    @ProcessElement
    public void number(ProcessContext context) {
      if (places.isEmpty()) {
        places = Optional.of(new Places(context.sideInput(counts), size));
        context.sideInput(taken).stream()
            .sorted(
                Comparator.comparing(KV<BatchShape, Integer>::getKey)
                    .thenComparing(KV<BatchShape, Integer>::getValue))
            .forEachOrdered(
                place -> keys.put(place, new ShardKey(firstNumber + keys.size(), place.getKey())));
      }
      KV<BatchShape, Integer> place = places.get().of(context.element());
      ShardKey key = keys.get(place);
      if (key == null) {
        throw new IllegalStateException("no shard was planned for " + place);
      }
      context.output(KV.of(key, context.element()));
    }
  }
}
