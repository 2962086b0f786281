package io.shardlight.diffusion.scheduler;

import static io.shardlight.diffusion.scheduler.SchedulerConfigTest.config;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Random;
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

  private static final String STABLE =
      "{\"beta_schedule\": \"scaled_linear\", \"beta_start\": 0.00085, \"beta_end\": 0.012, "
          + SKIP;

  @Test
  void namesIgnoreCase() {
    assertThat(SchedulerKind.fromOption("PnDm")).isEqualTo(SchedulerKind.PNDM);
    assertThat(SchedulerKind.fromOption(" ddim ")).isEqualTo(SchedulerKind.DDIM);
    assertThat(SchedulerKind.fromOption("lms").optionName()).isEqualTo("lms");
    assertThatThrownBy(() -> SchedulerKind.fromOption("heun"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "scheduler must be one of pndm, ddim, lms, euler, euler_a, dpmpp_2m, dpmpp_2m_karras,"
                + " but was \"heun\"");
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

  @Test
  void theClassInTheConfigChoosesTheScheduler() throws IOException {
    Map<String, SchedulerKind> kinds =
        Map.of(
            "PNDMScheduler", SchedulerKind.PNDM,
            "DDIMScheduler", SchedulerKind.DDIM,
            "LMSDiscreteScheduler", SchedulerKind.LMS,
            "EulerDiscreteScheduler", SchedulerKind.EULER,
            "EulerAncestralDiscreteScheduler", SchedulerKind.EULER_A,
            "DPMSolverMultistepScheduler", SchedulerKind.DPMPP_2M);
    for (Map.Entry<String, SchedulerKind> entry : kinds.entrySet()) {
      String name = "{\"_class_name\": \"" + entry.getKey() + "\"";
      assertThat(config(name + "}").kind()).isEqualTo(entry.getValue());
      assertThat(config(name + ", \"use_karras_sigmas\": true}").kind())
          .isEqualTo(
              entry.getValue() == SchedulerKind.DPMPP_2M
                  ? SchedulerKind.DPMPP_2M_KARRAS
                  : entry.getValue());
    }
    assertThat(config("{\"_class_name\": \"FlaxDPMSolverMultistepScheduler\"}").kind())
        .isEqualTo(SchedulerKind.DPMPP_2M);
  }

  /** What LMS and Euler take from the config, the name of a DPM-Solver++ says itself. */
  @Test
  void theNameOfTheSchedulerSaysWhetherItIsOfKarras() throws IOException {
    SchedulerConfig even = config(STABLE + "}");
    SchedulerConfig karras = config(STABLE + ", \"use_karras_sigmas\": true}");

    assertThat(timesteps(SchedulerKind.DPMPP_2M.create(karras, 8)))
        .isEqualTo(timesteps(SchedulerKind.DPMPP_2M.create(even, 8)))
        .isNotEqualTo(timesteps(SchedulerKind.DPMPP_2M_KARRAS.create(even, 8)));
    assertThat(timesteps(SchedulerKind.DPMPP_2M_KARRAS.create(karras, 8)))
        .isEqualTo(timesteps(SchedulerKind.DPMPP_2M_KARRAS.create(even, 8)));
    for (SchedulerKind kind : List.of(SchedulerKind.LMS, SchedulerKind.EULER)) {
      assertThat(timesteps(kind.create(karras, 8))).isNotEqualTo(timesteps(kind.create(even, 8)));
    }
    for (SchedulerKind kind :
        List.of(SchedulerKind.PNDM, SchedulerKind.DDIM, SchedulerKind.EULER_A)) {
      assertThat(timesteps(kind.create(karras, 8))).isEqualTo(timesteps(kind.create(even, 8)));
    }
  }

  private static List<Float> timesteps(Scheduler scheduler) {
    return IntStream.range(0, scheduler.stepCount()).mapToObj(scheduler::timestep).toList();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "'solver_order': 3 | dpmpp_2m dpmpp_2m_karras | 2",
        "'solver_order': 1 | dpmpp_2m dpmpp_2m_karras | 2",
        "'algorithm_type': 'sde-dpmsolver++' | dpmpp_2m dpmpp_2m_karras | \"dpmsolver++\"",
        "'solver_type': 'heun' | dpmpp_2m dpmpp_2m_karras | \"midpoint\"",
        "'lambda_min_clipped': -5.1 | dpmpp_2m dpmpp_2m_karras | -Infinity",
        "'variance_type': 'learned' | dpmpp_2m dpmpp_2m_karras | null",
        "'use_lu_lambdas': true | dpmpp_2m dpmpp_2m_karras | false",
        "'use_flow_sigmas': true | dpmpp_2m dpmpp_2m_karras | false",
        "'use_exponential_sigmas': true | lms euler dpmpp_2m dpmpp_2m_karras | false",
        "'use_beta_sigmas': true | lms euler dpmpp_2m dpmpp_2m_karras | false",
        "'sigma_min': 0.002 | euler dpmpp_2m_karras | null",
        "'sigma_max': 700.0 | euler dpmpp_2m_karras | null",
        "'interpolation_type': 'log_linear' | euler | \"linear\"",
        "'timestep_type': 'continuous' | euler | \"discrete\"",
        "'rescale_betas_zero_snr': true | pndm lms | false"
      })
  void refusesByNameWhatItWouldHaveToIgnore(String entry, String names, String supported)
      throws IOException {
    String json = entry.replace('\'', '"');
    SchedulerConfig config =
        config("{\"prediction_type\": \"v_prediction\", " + SKIP + ", " + json + "}");
    List<String> refusing = List.of(names.split(" "));
    for (SchedulerKind kind : SchedulerKind.values()) {
      if (refusing.contains(kind.optionName())) {
        assertThatThrownBy(() -> kind.create(config, 5))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessageStartingWith(
                "scheduler_config.json has "
                    + json.replace("\": ", " ").substring(1)
                    + ", but "
                    + kind.optionName()
                    + " is built for "
                    + supported
                    + " only; choose one of ");
      } else {
        assertThat(kind.create(config, 5).stepCount()).isGreaterThanOrEqualTo(5);
      }
    }
  }

  @Test
  void takesConfigsOfOtherSolversAsDiffusersDoes() throws IOException {
    SchedulerConfig config =
        config("{\"solver_order\": 2, \"solver_type\": \"bh2\", \"algorithm_type\": \"deis\"}");

    assertThat(SchedulerKind.DPMPP_2M.create(config, 5).stepCount()).isEqualTo(5);
  }

  /** At ᾱ = 0 the noise says nothing about the image. */
  @Test
  void withoutSignalDdimNeedsV() throws IOException {
    String zero = "{\"rescale_betas_zero_snr\": true, \"timestep_spacing\": ";

    assertThatThrownBy(() -> SchedulerKind.DDIM.create(config(zero + "\"trailing\"}"), 5))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("timestep 999")
        .hasMessageContaining("rescale_betas_zero_snr")
        .hasMessageContaining("v_prediction");
    assertThat(SchedulerKind.DDIM.create(config(zero + "\"leading\"}"), 5).timestep(0))
        .isEqualTo(801);
  }

  @Test
  void addsNoiseOnlyIfAncestralAndNeverAfterTheLastStep() throws IOException {
    for (SchedulerKind kind : SchedulerKind.values()) {
      Scheduler scheduler = kind.create(config("{" + SKIP + "}"), 4);
      for (int step = 0; step < scheduler.stepCount(); step++) {
        boolean adds = kind == SchedulerKind.EULER_A && step < 3;
        assertThat(scheduler.addedNoiseSigma(step) > 0).as(kind + " " + step).isEqualTo(adds);
      }
    }
  }

  @Test
  void dpmSolverNeedsATimestepToEndAt() throws IOException {
    SchedulerConfig leading = config("{\"timestep_spacing\": \"leading\", \"steps_offset\": 0}");

    assertThat(SchedulerKind.DPMPP_2M.create(leading, 999).timestep(0)).isEqualTo(999);
    assertThatThrownBy(() -> SchedulerKind.DPMPP_2M.create(leading, 1000))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("timestep_spacing leading")
        .hasMessageContaining("at most 999 steps, but steps is 1000");
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
    for (PredictionType type : PredictionType.values()) {
      for (TimestepSpacing spacing : TimestepSpacing.values()) {
        SchedulerConfig config =
            config(
                STABLE
                    + ", \"steps_offset\": 0, \"set_alpha_to_one\": true, \"timestep_spacing\": \""
                    + spacing.configName()
                    + "\", \"prediction_type\": \""
                    + type.configName()
                    + "\"}");
        Random random = new Random(1);
        Scheduler scheduler = kind.create(config, 50);
        NoiseLevels levels = NoiseLevels.of(config);
        float clean = 0.6f;
        float[] latents = {1.3f * scheduler.initNoiseSigma()};
        for (int step = 0; step < scheduler.stepCount(); step++) {
          float input = scheduler.scaleModelInput(latents, step)[0];
          double level = levels.at(scheduler.timestep(step));
          double alpha = 1 / Math.sqrt(level * level + 1);
          double epsilon = (input - alpha * clean) / (level * alpha);
          double truth =
              switch (type) {
                case EPSILON -> epsilon;
                case V_PREDICTION -> alpha * epsilon - level * alpha * clean;
              };
          latents = scheduler.step(new float[] {(float) truth}, step, latents);
          latents[0] += scheduler.addedNoiseSigma(step) * (float) random.nextGaussian();
        }

        assertThat(latents[0]).as("%s, %s", type, spacing).isBetween(0.59f, 0.61f);
      }
    }
  }
}
