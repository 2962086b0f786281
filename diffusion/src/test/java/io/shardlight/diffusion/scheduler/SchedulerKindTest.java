package io.shardlight.diffusion.scheduler;

import static io.shardlight.diffusion.scheduler.SchedulerConfigTest.config;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What holds for schedulers of every kind, and what one asks them for. */
final class SchedulerKindTest {
  /** As in Stable Diffusion's own file. */
  private static final String SKIP = "\"skip_prk_steps\": true";

  @Test
  void namesIgnoreCase() {
    assertThat(SchedulerKind.fromOption("PnDm")).isEqualTo(SchedulerKind.PNDM);
    assertThat(SchedulerKind.fromOption(" ddim ")).isEqualTo(SchedulerKind.DDIM);
    assertThat(SchedulerKind.fromOption("lms").optionName()).isEqualTo("lms");
    assertThatThrownBy(() -> SchedulerKind.fromOption("heun"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("scheduler must be one of pndm, ddim, lms, but was \"heun\"");
  }

  @ParameterizedTest
  @EnumSource(SchedulerKind.class)
  void stepsAreTakenInOrderEachOnce(SchedulerKind kind) throws IOException {
    Scheduler scheduler = kind.create(config("{" + SKIP + "}"), 2);
    float[] latents = {1f};

    assertThatThrownBy(() -> scheduler.step(latents, 1, latents))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("expected step 0");
    for (int step = 0; step < scheduler.stepCount(); step++) {
      int again = step;
      scheduler.step(latents, step, latents);
      assertThatThrownBy(() -> scheduler.step(latents, again, latents))
          .isInstanceOf(IllegalStateException.class);
    }
    assertThatThrownBy(() -> scheduler.step(latents, scheduler.stepCount(), latents))
        .isInstanceOf(IllegalStateException.class);
  }

  @ParameterizedTest
  @EnumSource(SchedulerKind.class)
  void predictionsMustFitTheLatents(SchedulerKind kind) throws IOException {
    Scheduler scheduler = kind.create(config("{" + SKIP + "}"), 2);

    assertThatThrownBy(() -> scheduler.step(new float[3], 0, new float[4]))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("3 elements, but latents have 4");
  }

  @ParameterizedTest
  @EnumSource(SchedulerKind.class)
  void doesNotChangeTheArraysItIsGiven(SchedulerKind kind) throws IOException {
    Scheduler scheduler = kind.create(config("{" + SKIP + "}"), 4);
    float[] latents = {1f, -2f};
    float[] noise = {0.5f, 0.25f};
    for (int step = 0; step < scheduler.stepCount(); step++) {
      scheduler.scaleModelInput(latents, step);
      scheduler.step(noise, step, latents);
    }

    assertThat(latents).containsExactly(1f, -2f);
    assertThat(noise).containsExactly(0.5f, 0.25f);
  }

  @ParameterizedTest
  @ValueSource(ints = {0, -3, 1001})
  void rejectsStepCountsOutsideTheTraining(int steps) {
    assertThatThrownBy(() -> SchedulerKind.DDIM.create(config("{}"), steps))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("steps must be in [1, 1000], but was " + steps);
  }

  @Test
  void rejectsStepsThatBeginAfterTheTraining() throws IOException {
    assertThat(SchedulerKind.DDIM.create(config("{\"steps_offset\": 0}"), 1000).timestep(0))
        .isEqualTo(999);
    assertThatThrownBy(() -> SchedulerKind.DDIM.create(config("{}"), 1000))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("begin at timestep 1000 with steps_offset 1");
  }

  @ParameterizedTest
  @EnumSource(SchedulerKind.class)
  void refusesOtherPredictionTypes(SchedulerKind kind) {
    assertThatThrownBy(() -> kind.create(config("{\"prediction_type\": \"v_prediction\"}"), 10))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("v_prediction")
        .hasMessageContaining("epsilon");
  }

  @Test
  void refusesKarrasSigmasWhereTheyMatter() throws IOException {
    SchedulerConfig karras = config("{\"use_karras_sigmas\": true}");

    assertThat(SchedulerKind.DDIM.create(karras, 2).stepCount()).isEqualTo(2);
    assertThatThrownBy(() -> SchedulerKind.LMS.create(karras, 2))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("use_karras_sigmas");
  }

  /** Lin et al. 2023, table 2, prints these for ten steps of 1000, counted from 1. */
  @ParameterizedTest
  @CsvSource(
      delimiter = ':',
      value = {
        "leading: 901 801 701 601 501 401 301 201 101 1",
        "linspace: 1000 889 778 667 556 445 334 223 112 1",
        "trailing: 1000 900 800 700 600 500 400 300 200 100"
      })
  void spacesTimestepsAsPublished(String spacing, String published) throws IOException {
    SchedulerConfig config =
        config("{\"timestep_spacing\": \"" + spacing.strip() + "\", \"steps_offset\": 0}");

    Scheduler scheduler = SchedulerKind.DDIM.create(config, 10);

    int[] fromOne = IntStream.range(0, 10).map(i -> (int) scheduler.timestep(i) + 1).toArray();
    assertThat(IntStream.of(fromOne).mapToObj(String::valueOf))
        .containsExactly(published.strip().split(" "));
  }

  @Test
  void lmsKeepsFractionsOfTimesteps() throws IOException {
    Scheduler scheduler = SchedulerKind.LMS.create(config("{}"), 5);

    assertThat(scheduler.timestep(1)).isEqualTo(749.25f);
  }

  @Test
  void clipsTheCleanLatentsOnlyWhereTheConfigSaysSo() throws IOException {
    // Without noise in the prediction the clean latents are 10 / √ᾱ.
    float[] latents = {10f, -10f, 0.01f};
    float[] noise = new float[3];
    SchedulerConfig clip = config("{\"clip_sample\": true, \"clip_sample_range\": 0.5}");

    float[] free = SchedulerKind.DDIM.create(config("{}"), 1).step(noise, 0, latents);
    float[] clipped = SchedulerKind.DDIM.create(clip, 1).step(noise, 0, latents);

    float sqrtAlpha0 = (float) Math.sqrt(NoiseSchedule.of(clip).alphaCumprod(0));
    assertThat(free[0]).isGreaterThan(10f);
    assertThat(clipped[0]).isEqualTo(0.5f * sqrtAlpha0);
    assertThat(clipped[1]).isEqualTo(-0.5f * sqrtAlpha0);
    assertThat(clipped[2]).isEqualTo(free[2]);
  }

  @Test
  void lastStepLeavesNoNoiseWhereAlphaIsSetToOne() throws IOException {
    float[] latents = {0.7f};
    float[] noise = {0.3f};
    SchedulerConfig one = config("{\"set_alpha_to_one\": true}");
    float alpha = NoiseSchedule.of(one).alphaCumprod(1);

    float[] out = SchedulerKind.DDIM.create(one, 1).step(noise, 0, latents);

    float clean = (0.7f - (float) Math.sqrt(1f - alpha) * 0.3f) / (float) Math.sqrt(alpha);
    assertThat(out).containsExactly(clean);
    assertThat(SchedulerKind.DDIM.create(config("{}"), 1).step(noise, 0, latents)[0])
        .isNotEqualTo(clean);
  }

  /** 14.6 for every number of steps, as diffusers 0.5.1; 0.21.4 has 0.029 for one step. */
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 50})
  void lmsStartsAtTheLargestSigmaOfTraining(int steps) throws IOException {
    SchedulerConfig config =
        config(
            "{\"beta_schedule\": \"scaled_linear\", \"beta_start\": 0.00085, \"beta_end\": 0.012}");

    assertThat(SchedulerKind.LMS.create(config, steps).initNoiseSigma()).isEqualTo(14.614645f);
  }

  /** With a network that answers truly, every scheduler finds the one clean image there is. */
  @ParameterizedTest
  @EnumSource(SchedulerKind.class)
  void findsTheImageOfAPerfectNetwork(SchedulerKind kind) throws IOException {
    SchedulerConfig config =
        config(
            "{\"beta_schedule\": \"scaled_linear\", \"beta_start\": 0.00085, \"beta_end\": 0.012,"
                + SKIP
                + ", \"steps_offset\": 0, \"set_alpha_to_one\": true}");
    Scheduler scheduler = kind.create(config, 50);
    NoiseSchedule noise = NoiseSchedule.of(config);
    float clean = 0.6f;
    float[] latents = {1.3f * scheduler.initNoiseSigma()};
    for (int step = 0; step < scheduler.stepCount(); step++) {
      float input = scheduler.scaleModelInput(latents, step)[0];
      float t = scheduler.timestep(step);
      float alpha = noise.alphaCumprod(Math.round(t));
      if (kind == SchedulerKind.LMS) { // it asks between timesteps
        float low = noise.alphaCumprod((int) t);
        float high = noise.alphaCumprod(Math.min(999, (int) t + 1));
        alpha = low + (t - (int) t) * (high - low);
      }
      float truth = (input - (float) Math.sqrt(alpha) * clean) / (float) Math.sqrt(1 - alpha);
      latents = scheduler.step(new float[] {truth}, step, latents);
    }

    assertThat(latents[0]).isBetween(0.59f, 0.61f);
  }
}
