package io.shardlight.transforms;

import io.shardlight.data.BatchShape;
import io.shardlight.data.BatchShapeCoder;
import io.shardlight.data.Example;
import io.shardlight.data.ExampleCoder;
import io.shardlight.data.ShardKey;
import io.shardlight.data.ShardKeyCoder;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.beam.sdk.coders.KvCoder;
import org.apache.beam.sdk.coders.VarIntCoder;
import org.apache.beam.sdk.transforms.Count;
import org.apache.beam.sdk.transforms.Distinct;
import org.apache.beam.sdk.transforms.DoFn;
import org.apache.beam.sdk.transforms.Keys;
import org.apache.beam.sdk.transforms.MapElements;
import org.apache.beam.sdk.transforms.PTransform;
import org.apache.beam.sdk.transforms.ParDo;
import org.apache.beam.sdk.transforms.View;
import org.apache.beam.sdk.values.KV;
import org.apache.beam.sdk.values.PCollection;
import org.apache.beam.sdk.values.PCollectionView;
import org.apache.beam.sdk.values.TypeDescriptor;

/**
 * Gives every example its shard. The shards are a function of the set of examples alone: within a
 * shape the id's hash chooses one of {@code ceil(count / size)} places, places that nobody chose
 * are left out, and the rest are numbered without gaps, shapes in their order. So a resumed run
 * plans the same shards. A shard has {@code size} examples on average, not exactly; examples with
 * the same id land in the same one.
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
        examples
            .apply(
                "Shapes", MapElements.into(TypeDescriptor.of(BatchShape.class)).via(Example::shape))
            .apply("Count", Count.perElement())
            .apply("Counts", View.asMap());
    PCollection<KV<KV<BatchShape, Integer>, Example>> placed =
        examples
            .apply("Place", ParDo.of(new PlaceFn(size, counts)).withSideInputs(counts))
            .setCoder(
                KvCoder.of(KvCoder.of(BatchShapeCoder.of(), VarIntCoder.of()), ExampleCoder.of()));
    PCollectionView<List<KV<BatchShape, Integer>>> places =
        placed
            .apply("Places", Keys.create())
            .apply("Distinct", Distinct.create())
            .apply("AllPlaces", View.asList());
    return placed
        .apply("Number", ParDo.of(new NumberFn(places, firstNumber)).withSideInputs(places))
        .setCoder(KvCoder.of(ShardKeyCoder.of(), ExampleCoder.of()));
  }

  /** Which of its shape's places an example takes; uniform, as the id is a hash. */
  private static int place(Example example, long count, int size) {
    long places = (count + size - 1) / size;
    // The id's last 64 bits: the first name the image's folder.
    return (int)
        Long.remainderUnsigned(Long.parseUnsignedLong(example.id().substring(16), 16), places);
  }

  private static final class PlaceFn extends DoFn<Example, KV<KV<BatchShape, Integer>, Example>> {
    private final int size;
    private final PCollectionView<Map<BatchShape, Long>> counts;

    PlaceFn(int size, PCollectionView<Map<BatchShape, Long>> counts) {
      this.size = size;
      this.counts = counts;
    }

    @ProcessElement
    public void place(ProcessContext context) {
      Example example = context.element();
      long count = context.sideInput(counts).getOrDefault(example.shape(), 0L);
      context.output(
          KV.of(KV.of(example.shape(), PlanShards.place(example, count, size)), example));
    }
  }

  private static final class NumberFn
      extends DoFn<KV<KV<BatchShape, Integer>, Example>, KV<ShardKey, Example>> {
    private final PCollectionView<List<KV<BatchShape, Integer>>> places;
    private final int firstNumber;
    private transient Map<KV<BatchShape, Integer>, Integer> numbers;

    NumberFn(PCollectionView<List<KV<BatchShape, Integer>>> places, int firstNumber) {
      this.places = places;
      this.firstNumber = firstNumber;
    }

    @StartBundle
    public void start() {
      numbers = new HashMap<>();
    }

    @ProcessElement
    public void number(ProcessContext context) {
      if (numbers.isEmpty()) {
        context.sideInput(places).stream()
            .sorted(
                Comparator.comparing(KV<BatchShape, Integer>::getKey)
                    .thenComparing(KV<BatchShape, Integer>::getValue))
            .forEachOrdered(place -> numbers.put(place, firstNumber + numbers.size()));
      }
      KV<BatchShape, Integer> place = context.element().getKey();
      Integer number = numbers.get(place);
      if (number == null) {
        throw new IllegalStateException("no shard was planned for " + place);
      }
      context.output(KV.of(new ShardKey(number, place.getKey()), context.element().getValue()));
    }
  }
}
