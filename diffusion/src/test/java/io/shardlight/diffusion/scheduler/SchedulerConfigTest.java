package io.shardlight.diffusion.scheduler;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.shardlight.fixtures.TinyModels;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class SchedulerConfigTest {
  private static final String FILE = "scheduler/scheduler_config.json";

  @Test
  void readsTheModelsOwnScheduler() throws IOException {
    SchedulerConfig torch = SchedulerConfig.read(TinyModels.torch().resolve(FILE));
    SchedulerConfig flax = SchedulerConfig.read(TinyModels.flax().resolve(FILE));

    assertThat(torch.kind()).isEqualTo(SchedulerKind.PNDM);
    assertThat(flax.kind()).isEqualTo(SchedulerKind.PNDM);
    assertThat(flax.className()).isEqualTo("FlaxPNDMScheduler");
    assertThat(torch.betaStart()).isEqualTo(0.00085);
    assertThat(torch.betaEnd()).isEqualTo(0.012);
    assertThat(torch.betaSchedule()).isEqualTo(BetaSchedule.SCALED_LINEAR);
    assertThat(torch.stepsOffset()).isEqualTo(1);
    assertThat(torch.skipPrkSteps()).isTrue();
    assertThat(torch.setAlphaToOne()).isFalse();
  }

  @Test
  void absentAndNullKeysHaveDefaults() throws IOException {
    SchedulerConfig empty = config("{}");

    assertThat(empty.numTrainTimesteps()).isEqualTo(1000);
    assertThat(empty.betaSchedule()).isEqualTo(BetaSchedule.LINEAR);
    assertThat(empty.predictionType()).isEqualTo(PredictionType.EPSILON);
    assertThat(empty.stepsOffset()).isEqualTo(1);
    assertThat(empty.clipSample()).isFalse();
    assertThat(empty.setAlphaToOne()).isFalse();
    assertThat(empty.timestepSpacing()).isEmpty();
    assertThat(config("{\"trained_betas\": null, \"steps_offset\": null}")).isEqualTo(empty);
    assertThat(config("{\"_class_name\": \"DDIMScheduler\"}").setAlphaToOne()).isTrue();
  }

  @Test
  void ignoresKeysOfOtherSchedulers(@TempDir Path temp) throws IOException {
    Path file = temp.resolve("scheduler_config.json");
    Files.writeString(file, "{\"solver_order\": 2, \"lambda_min_clipped\": -Infinity}");

    assertThat(SchedulerConfig.read(file)).isEqualTo(config("{}"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{'num_train_timesteps': 'x'} | num_train_timesteps must be an integer, but was \"x\"",
        "{'num_train_timesteps': 1} | num_train_timesteps must be in [2, 1000000], but was 1",
        "{'num_train_timesteps': 99999999999} | num_train_timesteps must be an integer of 32 bits",
        "{'beta_start': 0} | beta_start must be in (0, 1), but was 0.0",
        "{'beta_end': 1.5} | beta_end must be in (0, 1), but was 1.5",
        "{'beta_end': true} | beta_end must be a number, but was true",
        "{'beta_schedule': 'wavy'} | beta_schedule must be one of [linear, scaled_linear,"
            + " squaredcos_cap_v2], but was \"wavy\"",
        "{'trained_betas': [0.1]} | trained_betas must have num_train_timesteps = 1000 entries, but"
            + " was 1",
        "{'trained_betas': [0.1, 'a'], 'num_train_timesteps': 2} | trained_betas must be a list of"
            + " numbers, but has \"a\"",
        "{'trained_betas': [0.1, 2], 'num_train_timesteps': 2} | trained_betas must all be in (0,"
            + " 1)",
        "{'timestep_spacing': 'log'} | timestep_spacing must be one of [linspace, leading,"
            + " trailing]",
        "{'steps_offset': -1} | steps_offset must not be negative, but was -1",
        "{'clip_sample': 1} | clip_sample must be true or false, but was 1",
        "{'clip_sample_range': 0} | clip_sample_range must be above 0",
        "{'thresholding': true} | thresholding is true",
        "{'prediction_type': 'sample'} | prediction_type must be one of [epsilon, v_prediction],"
            + " but was \"sample\"",
        "{'final_sigmas_type': 'one'} | final_sigmas_type must be one of [zero, sigma_min]",
        "[1] | must be a JSON object",
      })
  void rejectsWhatMakesNoSense(String json, String message) {
    assertThatThrownBy(() -> config(json.replace('\'', '"')))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(message);
  }

  @Test
  void namesTheFile(@TempDir Path temp) throws IOException {
    Path broken = temp.resolve("broken.json");
    Path wrong = temp.resolve("wrong.json");
    Files.writeString(broken, "{\"beta_start\": ");
    Files.writeString(wrong, "{\"beta_start\": 7}");

    assertThatThrownBy(() -> SchedulerConfig.read(temp.resolve("none.json")))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("none.json")
        .hasMessageContaining("no such file");
    assertThatThrownBy(() -> SchedulerConfig.read(broken))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("broken.json");
    assertThatThrownBy(() -> SchedulerConfig.read(wrong))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("wrong.json")
        .hasMessageContaining("beta_start must be in (0, 1), but was 7.0");
  }

  @Test
  void anUnknownClassIsAnErrorOnlyWhereItIsNeeded() throws IOException {
    SchedulerConfig config = config("{\"_class_name\": \"HeunDiscreteScheduler\"}");

    assertThat(SchedulerKind.DDIM.create(config, 10).stepCount()).isEqualTo(10);
    assertThatThrownBy(config::kind)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("HeunDiscreteScheduler")
        .hasMessageContaining("pndm, ddim, lms, euler, euler_a, dpmpp_2m, dpmpp_2m_karras");
  }

  @Test
  void trainedBetasReplaceTheSchedule() throws IOException {
    SchedulerConfig config =
        config("{\"num_train_timesteps\": 3, \"trained_betas\": [0.5, 0.25, 0.75]}");

    assertThat(NoiseSchedule.of(config).alphasCumprod()).containsExactly(0.5f, 0.375f, 0.09375f);
  }

  /** The product of all (1 - β) is ᾱ(t) of the paper, until β is capped at the end. */
  @Test
  void cosineScheduleFollowsItsFormula() throws IOException {
    NoiseSchedule noise = NoiseSchedule.of(config("{\"beta_schedule\": \"squaredcos_cap_v2\"}"));

    double start = Math.pow(Math.cos(0.008 / 1.008 * Math.PI / 2), 2);
    for (int t : new int[] {0, 10, 500, 900, 990}) {
      double phase = ((t + 1) / 1000.0 + 0.008) / 1.008 * Math.PI / 2;
      double wanted = Math.pow(Math.cos(phase), 2) / start;
      assertThat((double) noise.alphaCumprod(t)).isCloseTo(wanted, within(2e-6));
    }
    assertThat(noise.betas()[999]).isEqualTo(0.999f);
  }

  @Test
  void linearScheduleRunsFromStartToEnd() throws IOException {
    float[] betas =
        NoiseSchedule.of(config("{\"beta_start\": 0.001, \"beta_end\": 0.011}")).betas();

    assertThat(betas[0]).isEqualTo(0.001f);
    assertThat(betas[999]).isCloseTo(0.011f, within(2e-9f));
    assertThat(betas[333]).isCloseTo(0.004333333f, within(2e-9f));
  }

  static SchedulerConfig config(String json) throws JsonProcessingException {
    return SchedulerConfig.read(new ObjectMapper().readTree(json));
  }
}
