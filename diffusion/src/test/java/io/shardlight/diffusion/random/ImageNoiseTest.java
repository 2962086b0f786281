package io.shardlight.diffusion.random;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

final class ImageNoiseTest {
  private static final PrngKey KEY = PrngKey.ofSeed(7);
  private static final int COUNT = 4 * 8 * 8;

  @Test
  void theInitialNoiseIsThatOfTheKeyItself() {
    assertThat(ImageNoise.initial(KEY, COUNT))
        .isEqualTo(JaxRandom.normal(KEY, COUNT, ThreefryMode.ORIGINAL));
  }

  /** The words are jax.random.fold_in's of PRNGKey(7), by another implementation. */
  @Test
  void theNoiseOfAStepIsThatOfAKeyFoldedTwice() {
    assertThat(JaxRandom.foldIn(KEY, 1))
        .isEqualTo(new PrngKey((int) 195045567L, (int) 4062205631L));
    assertThat(ImageNoise.ofStep(KEY, 3, COUNT))
        .isEqualTo(
            JaxRandom.normal(
                new PrngKey((int) 2645361454L, (int) 4044176579L), COUNT, ThreefryMode.ORIGINAL));
  }

  @Test
  void everyStepAndEveryImageHasNoiseOfItsOwn() {
    Set<Float> first = new HashSet<>();
    for (int seed = 0; seed < 10; seed++) {
      PrngKey key = PrngKey.ofSeed(seed);
      first.add(ImageNoise.initial(key, COUNT)[0]);
      for (int step = 0; step < 100; step++) {
        first.add(ImageNoise.ofStep(key, step, COUNT)[0]);
      }
    }
    // Of 2²³ values, some thousand seldom meet.
    assertThat(first).hasSizeGreaterThan(10 * 101 - 3);
  }
}
