package io.shardlight.data;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.shardlight.diffusion.random.PrngKey;
import io.shardlight.diffusion.scheduler.SchedulerKind;
import io.shardlight.fixtures.Golden;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class ExamplePlannerTest {
  private static final PromptSource SOURCE = new PromptSource("/home/me/prompts.txt", 12);
  private static final Prompt PLAIN = prompt("a red fox", Overrides.NONE);

  @Test
  void imagesOfOnePromptHaveConsecutiveSeeds() {
    Prompt prompt = prompt("a fox", seedAndImages(4294967294L, 4));

    List<Example> examples = plan(TestSettings.builder().build(), prompt);

    assertThat(examples)
        .extracting(Example::seed)
        .containsExactly(4294967294L, 4294967295L, 0L, 1L);
    assertThat(examples)
        .extracting(Example::noiseKey)
        .containsExactly(
            new PrngKey(0, -2), new PrngKey(0, -1), new PrngKey(0, 0), new PrngKey(0, 1));
    assertThat(examples).extracting(Example::imageIndex).containsExactly(0, 1, 2, 3);
  }

  @Test
  void seedOfAPromptWithoutOneFollowsRunSeedAndPromptId() {
    // sha256sum of {"prompt_id":"prompts.txt:12","run_seed":0}, last eight hex digits
    assertThat(plan(TestSettings.builder().build(), PLAIN).get(0).seed()).isEqualTo(0xfac3f4bbL);
    assertThat(plan(TestSettings.builder().seed(1).build(), PLAIN).get(0).seed())
        .isEqualTo(0x1aefa65cL);
  }

  @Test
  void jaxSplitWithTheRunSeedGivesTheKeysOfTheOriginalProgram() {
    GenerationSettings settings =
        TestSettings.builder().seedPolicy(SeedPolicy.JAX_SPLIT).imagesPerPrompt(8).build();
    JsonNode golden =
        Golden.json("jax_prng_vectors.json").at("/keys/0/partitionable_false/split_8");

    List<Example> examples = plan(settings, PLAIN);

    List<PrngKey> keys = new ArrayList<>();
    golden.forEach(
        key -> keys.add(new PrngKey((int) key.get(0).asLong(), (int) key.get(1).asLong())));
    assertThat(examples).extracting(Example::noiseKey).hasSize(8).isEqualTo(keys);
    assertThat(examples).extracting(Example::seed).containsOnly(0L);
    assertThat(examples).extracting(Example::id).doesNotHaveDuplicates();
  }

  @Test
  void jaxSplitHeedsTheSeedOfTheRecord() {
    GenerationSettings settings =
        TestSettings.builder().seedPolicy(SeedPolicy.JAX_SPLIT).seed(5).build();

    assertThat(plan(settings, prompt("a fox", seedAndImages(0, 8))))
        .extracting(Example::noiseKey)
        .first()
        .isEqualTo(new PrngKey((int) 2292653872L, (int) 4174357202L));
  }

  @Test
  void spellingOutADefaultNamesTheSameImage() {
    Overrides spelled =
        new Overrides(
            Optional.of(""),
            Optional.empty(),
            Optional.of(1),
            Optional.of(SchedulerKind.PNDM),
            Optional.of(20),
            Optional.of(7.5f),
            Optional.of(64),
            Optional.of(64));

    assertThat(plan(TestSettings.builder().build(), prompt("a red fox", spelled)))
        .isEqualTo(plan(TestSettings.builder().build(), PLAIN));
  }

  @Test
  void everythingThatShapesAnImageIsInItsId() {
    GenerationSettings settings = TestSettings.builder().build();
    List<Overrides> variants =
        List.of(
            Overrides.NONE,
            new OverridesBuilder().negativePrompt("blurry").build(),
            new OverridesBuilder().seed(1).build(),
            new OverridesBuilder().scheduler(SchedulerKind.DDIM).build(),
            new OverridesBuilder().steps(21).build(),
            new OverridesBuilder().guidanceScale(7.6f).build(),
            new OverridesBuilder().width(72).build(),
            new OverridesBuilder().height(72).build());
    List<String> ids = new ArrayList<>();
    variants.forEach(o -> ids.add(plan(settings, prompt("a red fox", o)).get(0).id()));
    ids.add(plan(settings, prompt("a red fox!", Overrides.NONE)).get(0).id());
    GenerationSettings other = TestSettings.builder().negativePrompt("dull").build();
    ids.add(plan(other, PLAIN).get(0).id());

    assertThat(ids).doesNotHaveDuplicates().allMatch(id -> id.matches("[0-9a-f]{32}"));
  }

  @Test
  void columnsAreCarriedOnlyIfWanted() {
    Prompt prompt = new Prompt(SOURCE, "i", "a fox", Overrides.NONE, Map.of("topic", "animals"));

    assertThat(plan(TestSettings.builder().build(), prompt).get(0).carried())
        .containsExactly(Map.entry("topic", "animals"));
    assertThat(
            plan(TestSettings.builder().saveAdditionalColumns(false).build(), prompt)
                .get(0)
                .carried())
        .isEmpty();
  }

  static List<Example> plan(GenerationSettings settings, Prompt prompt) {
    List<Example> examples = new ArrayList<>();
    new ExamplePlanner(settings).plan(prompt, examples::add);
    return examples;
  }

  private static Overrides seedAndImages(long seed, int images) {
    return new OverridesBuilder().seed(seed).images(images).build();
  }

  private static Prompt prompt(String text, Overrides overrides) {
    return new Prompt(SOURCE, Prompt.defaultId(SOURCE), text, overrides, Map.of());
  }
}
