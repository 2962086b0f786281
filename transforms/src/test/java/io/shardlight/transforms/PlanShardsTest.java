package io.shardlight.transforms;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.shardlight.data.BatchShape;
import io.shardlight.data.Example;
import io.shardlight.data.ExamplePlanner;
import io.shardlight.data.OverridesBuilder;
import io.shardlight.data.Prompt;
import io.shardlight.data.PromptSource;
import io.shardlight.data.ShardKey;
import io.shardlight.data.TestSettings;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;
import org.apache.beam.sdk.Pipeline;
import org.apache.beam.sdk.testing.PAssert;
import org.apache.beam.sdk.testing.TestPipeline;
import org.apache.beam.sdk.transforms.Create;
import org.apache.beam.sdk.transforms.SerializableFunction;
import org.apache.beam.sdk.values.KV;
import org.apache.beam.sdk.values.TypeDescriptor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PlanShardsTest {
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 7, 100})
  void shardsAreNumberedWithoutGapsAndHoldOneShape(int size) {
    List<Example> examples = examples(41);

    plan(
        examples,
        size,
        keyed -> {
          Map<Integer, BatchShape> shapes = new TreeMap<>();
          int count = 0;
          for (KV<ShardKey, Example> one : keyed) {
            assertThat(one.getValue().shape()).isEqualTo(one.getKey().shape());
            BatchShape other = shapes.put(one.getKey().number(), one.getKey().shape());
            assertThat(other == null || other.equals(one.getKey().shape())).isTrue();
            count++;
          }
          assertThat(count).isEqualTo(41);
          int shards = shapes.size();
          assertThat(shapes.keySet()).first().isEqualTo(0);
          assertThat(shapes.keySet()).last().isEqualTo(shards - 1);
          assertThat(List.copyOf(shapes.values())).isSorted();
          assertThat(shards).isGreaterThanOrEqualTo(3).isLessThanOrEqualTo(2 + 41 / size + 1);
          if (size == 100) {
            assertThat(shards).isEqualTo(3);
          }
          if (size == 1) {
            assertThat(shards).isGreaterThan(15);
          }
          return null;
        });
  }

  @Test
  void theOrderOfExamplesDoesNotMatter() {
    List<Example> examples = examples(30);
    List<Example> shuffled = new ArrayList<>(examples);
    Collections.shuffle(shuffled, new Random(5));

    List<KV<ShardKey, Example>> first = plan(examples);
    List<KV<ShardKey, Example>> second = plan(shuffled);

    assertThat(first).hasSize(30);
    assertThat(second).containsExactlyInAnyOrderElementsOf(first);
  }

  @Test
  void noExamplesMakeNoShards() {
    plan(
        List.of(),
        4,
        keyed -> {
          assertThat(keyed).isEmpty();
          return null;
        });
  }

  @Test
  void refusesAShardWithoutExamples() {
    assertThatThrownBy(() -> PlanShards.ofSize(0))
        .hasMessage("shardSize must be at least 1, but was 0");
  }

  /** PAssert runs a copy of its check in this JVM, so results come back by this door. */
  private static final List<KV<ShardKey, Example>> PLANNED = new CopyOnWriteArrayList<>();

  private static List<KV<ShardKey, Example>> plan(List<Example> examples) {
    PLANNED.clear();
    plan(
        examples,
        4,
        keyed -> {
          keyed.forEach(PLANNED::add);
          return null;
        });
    return List.copyOf(PLANNED);
  }

  private static void plan(
      List<Example> examples,
      int size,
      SerializableFunction<Iterable<KV<ShardKey, Example>>, Void> check) {
    Pipeline pipeline = TestPipeline.create().enableAbandonedNodeEnforcement(false);
    PAssert.that(
            pipeline
                .apply(Create.of(examples).withType(TypeDescriptor.of(Example.class)))
                .apply(PlanShards.ofSize(size)))
        .satisfies(check);
    pipeline.run().waitUntilFinish();
  }

  /** Examples of three shapes. */
  private static List<Example> examples(int count) {
    ExamplePlanner planner = new ExamplePlanner(TestSettings.builder().build());
    List<Example> examples = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      PromptSource source = new PromptSource("prompts.txt", i + 1);
      OverridesBuilder overrides = new OverridesBuilder().seed(i);
      if (i % 5 == 0) {
        overrides.width(128);
      } else if (i % 5 == 1) {
        overrides.guidanceScale(1);
      }
      planner.plan(
          new Prompt(source, Prompt.defaultId(source), "p" + i, overrides.build(), Map.of()),
          examples::add);
    }
    return examples;
  }
}
