package io.shardlight.diffusion.scheduler;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import io.shardlight.fixtures.Golden;
import io.shardlight.fixtures.NpyArray;
import io.shardlight.fixtures.NpzArchive;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Against golden/sched: the schedulers of diffusers 0.5.1 and 0.21.4 and the Flax one, run with
 * given network outputs. golden/README.md states the tolerance.
 */
final class SchedulerGoldenTest {
  private static final double RELATIVE_TOLERANCE = 1e-5;

  private static final NpyArray INIT = Golden.array("sched/init_sample.npy");
  private static final NpyArray OUTPUTS = Golden.array("sched/model_output.npy");

  /** A run of one diffusers scheduler: its version, its name in the file and its steps. */
  record Run(String version, String name, int steps) {
    NpzArchive arrays() {
      return Golden.archive("sched/sched_" + version + ".npz");
    }

    JsonNode meta(String key) {
      return Golden.json("sched/sched_" + version + ".json").get("meta").get(key);
    }

    Scheduler scheduler() {
      SchedulerConfig config = SchedulerConfig.read(config());
      return kind().create(config, steps);
    }

    JsonNode config() {
      return meta(name).get("config");
    }

    SchedulerKind kind() {
      return SchedulerKind.ofClass(meta(name).get("class").asText()).orElseThrow();
    }

    String prefix() {
      return name + "/" + steps + "/";
    }
  }

  /** Every run in the files of a scheduler that is built, but those that failed in diffusers. */
  static List<Run> runs() {
    List<Run> runs = new ArrayList<>();
    for (String version : new String[] {"0.5.1", "0.21.4"}) {
      JsonNode meta = Golden.json("sched/sched_" + version + ".json").get("meta");
      meta.fieldNames()
          .forEachRemaining(
              key -> {
                int slash = key.indexOf('/');
                if (slash < 0 || meta.get(key).has("error")) {
                  return;
                }
                Run run =
                    new Run(
                        version,
                        key.substring(0, slash),
                        Integer.parseInt(key.substring(slash + 1)));
                String className = meta.get(run.name()).get("class").asText();
                boolean newerLms =
                    run.name().equals("lms") && run.steps() == 1 && version.equals("0.21.4");
                if (SchedulerKind.ofClass(className).isPresent() && !newerLms) {
                  runs.add(run);
                }
              });
    }
    return runs;
  }

  @Test
  void everyRunInTheFilesIsChecked() {
    // pndm, ddim: 4 each; pndm_prk: 3, one fails; lms: 4 and 3, as 0.21.4 scales
    // the noise of n=1 by another sigma than 0.5.1, which is followed here.
    assertThat(runs()).hasSize(15 + 14);
  }

  @ParameterizedTest
  @MethodSource("runs")
  void visitsTheTimestepsOfDiffusers(Run run) {
    Scheduler scheduler = run.scheduler();
    NpyArray golden = run.arrays().array(run.prefix() + "timesteps");

    assertThat(scheduler.stepCount()).isEqualTo(golden.size());
    for (int step = 0; step < scheduler.stepCount(); step++) {
      double wanted =
          golden.type() == NpyArray.Type.INT64 ? golden.longs()[step] : golden.doubles()[step];
      assertThat(scheduler.timestep(step)).isEqualTo((float) wanted);
    }
  }

  @ParameterizedTest
  @MethodSource("runs")
  void movesTheLatentsAsDiffusers(Run run) {
    Scheduler scheduler = run.scheduler();
    NpzArchive golden = run.arrays();
    double sigma = run.meta(run.name() + "/" + run.steps()).get("init_noise_sigma").asDouble();
    assertThat((double) scheduler.initNoiseSigma()).isEqualTo(sigma);
    float[] latents = times(INIT.floats(), scheduler.initNoiseSigma());

    assertClose(
        scheduler.scaleModelInput(latents, 0),
        golden.array(run.prefix() + "scaled_input_step0").floats());
    List<float[]> all = run(scheduler, scheduler.stepCount());

    NpyArray wanted = golden.array(run.prefix() + "prev_samples");
    int[] index = golden.array(run.prefix() + "prev_samples_index").ints();
    assertThat(index[index.length - 1]).isEqualTo(scheduler.stepCount() - 1);
    for (int i = 0; i < index.length; i++) {
      assertClose(all.get(index[i]), wanted.at(i).floats());
    }
  }

  @ParameterizedTest
  @MethodSource("runs")
  void hasTheNoiseOfDiffusersBitForBit(Run run) {
    NoiseSchedule noise = NoiseSchedule.of(SchedulerConfig.read(run.config()));
    NpzArchive golden = run.arrays();

    assertThat(noise.betas()).containsExactly(golden.array(run.name() + "/betas").floats());
    assertThat(noise.alphasCumprod())
        .containsExactly(golden.array(run.name() + "/alphas_cumprod").floats());
  }

  static Stream<Run> lmsRuns() {
    return runs().stream().filter(run -> run.kind() == SchedulerKind.LMS);
  }

  /** The input of the last step shows its sigma; the one of the first is checked above. */
  @ParameterizedTest
  @MethodSource("lmsRuns")
  void scalesInputsByTheSigmasOfDiffusers(Run run) {
    Scheduler scheduler = run.scheduler();
    float[] sigmas = run.arrays().array(run.prefix() + "sigmas").floats();

    assertThat(sigmas).hasSize(scheduler.stepCount() + 1);
    for (int step = 0; step < scheduler.stepCount(); step++) {
      double scale = Math.sqrt((double) sigmas[step] * sigmas[step] + 1);
      assertClose(
          scheduler.scaleModelInput(new float[] {1f, -3f}, step),
          new float[] {(float) (1 / scale), (float) (-3 / scale)});
    }
  }

  /** What the Flax pipeline runs: n of the n + 1 timesteps. */
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 5, 20, 50})
  void stepsAsFlaxPndm(int steps) {
    NpzArchive golden = Golden.archive("sched/sched_flaxpndm.npz");
    JsonNode meta = Golden.json("sched/sched_flaxpndm.json").get(String.valueOf(steps));
    Run torch = new Run("0.5.1", "pndm", steps);
    Scheduler scheduler = torch.scheduler();

    int[] timesteps = golden.array(steps + "/timesteps").ints();
    assertThat(scheduler.stepCount()).isEqualTo(timesteps.length);
    for (int step = 0; step < timesteps.length; step++) {
      assertThat(scheduler.timestep(step)).isEqualTo(timesteps[step]);
    }
    int used = meta.get("used_by_pipeline").asInt();
    assertThat(used).isEqualTo(steps);
    NpyArray wanted = golden.array(steps + "/prev_samples");
    List<float[]> all = run(scheduler, timesteps.length);
    for (int step = 0; step < timesteps.length; step++) {
      assertClose(all.get(step), wanted.at(step).floats());
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3})
  void rungeKuttaStepsNeedFourInferenceSteps(int steps) {
    assertThat(new Run("0.5.1", "pndm_prk", 1).meta("pndm_prk/1").has("error")).isTrue();

    assertThatThrownBy(() -> new Run("0.5.1", "pndm_prk", steps).scheduler())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("skip_prk_steps")
        .hasMessageContaining("at least 4")
        .hasMessageContaining("steps is " + steps);
  }

  private static List<float[]> run(Scheduler scheduler, int steps) {
    float[] latents = times(INIT.floats(), scheduler.initNoiseSigma());
    List<float[]> all = new ArrayList<>();
    for (int step = 0; step < steps; step++) {
      latents = scheduler.step(OUTPUTS.at(step).floats(), step, latents);
      all.add(latents);
    }
    return all;
  }

  private static float[] times(float[] values, float factor) {
    float[] out = new float[values.length];
    for (int i = 0; i < out.length; i++) {
      out[i] = values[i] * factor;
    }
    return out;
  }

  /** Within the tolerance of the largest element. */
  private static void assertClose(float[] actual, float[] wanted) {
    assertThat(actual).hasSameSizeAs(wanted);
    double largest = 0;
    double worst = 0;
    for (int i = 0; i < wanted.length; i++) {
      largest = Math.max(largest, Math.abs(wanted[i]));
      worst = Math.max(worst, Math.abs((double) actual[i] - wanted[i]));
    }
    assertThat(worst / largest).isLessThanOrEqualTo(RELATIVE_TOLERANCE);
  }
}
