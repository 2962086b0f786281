package io.shardlight.diffusion.scheduler;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.shardlight.fixtures.Golden;
import io.shardlight.fixtures.NpyArray;
import io.shardlight.fixtures.NpzArchive;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Against golden/sched: the schedulers of diffusers 0.5.1, 0.21.4 and 0.40 and the Flax one, run
 * with given network outputs and noise. golden/README.md states the tolerance.
 */
final class SchedulerGoldenTest {
  private static final double RELATIVE_TOLERANCE = 1e-5;

  /**
   * Of σ at the beginning, where latents are up to three of it. Matters where that is 4096, as
   * there is no signal.
   */
  private static final double ROUNDING = 5e-7;

  private static final Map<String, NpzArchive> ARCHIVES = new ConcurrentHashMap<>();
  private static final Map<String, JsonNode> META = new ConcurrentHashMap<>();

  private static final NpyArray INIT = Golden.array("sched/init_sample.npy");
  private static final NpyArray OUTPUTS = Golden.array("sched/model_output.npy");
  private static final NpyArray NOISE = Golden.array("sched/ancestral_noise.npy");

  /** A run of one diffusers scheduler: its version, its name in the file and its steps. */
  record Run(String version, String name, int steps) {
    NpzArchive arrays() {
      return ARCHIVES.computeIfAbsent("sched/sched_" + version + ".npz", Golden::archive);
    }

    JsonNode meta(String key) {
      return META.computeIfAbsent("sched/sched_" + version + ".json", Golden::json)
          .get("meta")
          .get(key);
    }

    Scheduler scheduler() {
      SchedulerConfig config = SchedulerConfig.read(config());
      return kind().create(config, steps);
    }

    JsonNode config() {
      ObjectNode config = meta(name).get("config").deepCopy();
      config.put("_class_name", meta(name).get("class").asText());
      if (version.equals("0.21.4") && config.has("solver_order")) {
        // It had no such key, and did what is called this since 0.25.
        config.put("final_sigmas_type", "sigma_min");
      }
      return config;
    }

    SchedulerKind kind() {
      return SchedulerConfig.read(config()).kind();
    }

    String prefix() {
      return name + "/" + steps + "/";
    }
  }

  /** Every run in the files of a scheduler that is built, but those that failed in diffusers. */
  static List<Run> runs() {
    List<Run> runs = new ArrayList<>();
    for (String version : new String[] {"0.5.1", "0.21.4", "0.40"}) {
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
    // the noise of n=1 by another sigma than 0.5.1, which is followed here; since 0.21.4 also
    // euler, euler_a, dpmpp2m: 4 each; in 0.40, 42 configs.
    assertThat(runs()).hasSize(15 + 14 + 12 + 127);
    assertThat(runs().stream().map(Run::kind)).contains(SchedulerKind.values());
  }

  /** Whether the run is at timesteps of given noise levels, which need not be whole. */
  private static boolean betweenTimesteps(Run run) {
    return run.config().path("use_karras_sigmas").asBoolean()
        && run.kind() != SchedulerKind.DPMPP_2M_KARRAS;
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
      if (betweenTimesteps(run)) {
        // NumPy's logarithms of float32 are a unit in the last place off now and then.
        assertThat((double) scheduler.timestep(step)).isCloseTo(wanted, within(2e-4));
      } else {
        assertThat(scheduler.timestep(step)).isEqualTo((float) wanted);
      }
    }
  }

  static Stream<String> spacings() {
    return Golden.archive("sched/sched_0.40.npz").names().stream()
        .filter(name -> name.endsWith("/timesteps_crc32"))
        .map(name -> name.substring(0, name.indexOf('/')));
  }

  @ParameterizedTest
  @MethodSource("spacings")
  void visitsTheTimestepsOfDiffusersForAnyNumberOfSteps(String name) {
    long[] wanted = new Run("0.40", name, 1).arrays().array(name + "/timesteps_crc32").longs();
    assertThat(wanted).hasSize(250);
    for (int steps = 1; steps <= wanted.length; steps++) {
      Scheduler scheduler = new Run("0.40", name, steps).scheduler();
      ByteBuffer bytes = ByteBuffer.allocate(4 * steps).order(ByteOrder.LITTLE_ENDIAN);
      assertThat(scheduler.stepCount()).isEqualTo(steps);
      for (int step = 0; step < steps; step++) {
        bytes.putFloat(scheduler.timestep(step));
      }
      CRC32 checksum = new CRC32();
      checksum.update(bytes.flip());
      assertThat(checksum.getValue()).as("%d steps", steps).isEqualTo(wanted[steps - 1]);
    }
  }

  @ParameterizedTest
  @MethodSource("runs")
  void movesTheLatentsAsDiffusers(Run run) {
    Scheduler scheduler = run.scheduler();
    NpzArchive golden = run.arrays();
    double sigma = run.meta(run.name() + "/" + run.steps()).get("init_noise_sigma").asDouble();
    // Ran with another torch than the others, whose linspace rounds otherwise.
    double ulps = run.version().equals("0.40") ? 4 * Math.ulp((float) sigma) : 0;
    assertThat((double) scheduler.initNoiseSigma()).isCloseTo(sigma, within(ulps));
    float[] latents = times(INIT.floats(), scheduler.initNoiseSigma());

    assertClose(
        scheduler.scaleModelInput(latents, 0),
        golden.array(run.prefix() + "scaled_input_step0").floats());
    List<float[]> all = run(scheduler, scheduler.stepCount());

    NpyArray wanted = golden.array(run.prefix() + "prev_samples");
    int[] index = golden.array(run.prefix() + "prev_samples_index").ints();
    assertThat(index[index.length - 1]).isEqualTo(scheduler.stepCount() - 1);
    for (int i = 0; i < index.length; i++) {
      assertClose(all.get(index[i]), wanted.at(i).floats(), ROUNDING * sigma);
    }
  }

  static Stream<Run> olderRuns() {
    return runs().stream().filter(run -> !run.version().equals("0.40"));
  }

  @ParameterizedTest
  @MethodSource("olderRuns")
  void hasTheNoiseOfDiffusersBitForBit(Run run) {
    NoiseSchedule noise = NoiseSchedule.of(SchedulerConfig.read(run.config()));
    NpzArchive golden = run.arrays();

    assertThat(noise.betas()).containsExactly(golden.array(run.name() + "/betas").floats());
    assertThat(noise.alphasCumprod())
        .containsExactly(golden.array(run.name() + "/alphas_cumprod").floats());
  }

  /** Also of a cosine schedule, and of one without signal at its end. */
  @ParameterizedTest
  @ValueSource(strings = {"euler", "dpmpp2m_cosine_karras", "ddim_zero_snr"})
  void hasTheNoiseOfDiffusersWithAnotherTorch(String name) {
    Run run = new Run("0.40", name, 5);
    float[] wanted = run.arrays().array(name + "/alphas_cumprod").floats();
    float[] alphas = NoiseSchedule.of(SchedulerConfig.read(run.config())).alphasCumprod();

    assertThat(alphas).hasSameSizeAs(wanted);
    for (int i = 0; i < wanted.length; i++) {
      assertThat(alphas[i]).as("timestep %d", i).isCloseTo(wanted[i], within(1e-6f));
    }
    assertThat(alphas[999] == 0).isEqualTo(wanted[999] == 0);
  }

  static Stream<Run> runsWithSigmas() {
    return olderRuns()
        .filter(
            run ->
                Set.of(SchedulerKind.LMS, SchedulerKind.EULER, SchedulerKind.EULER_A)
                    .contains(run.kind()));
  }

  /** The input of the last step shows its sigma; the one of the first is checked above. */
  @ParameterizedTest
  @MethodSource("runsWithSigmas")
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
      float sigma = scheduler.addedNoiseSigma(step);
      float[] noise = NOISE.at(step).floats();
      for (int i = 0; i < latents.length; i++) {
        latents[i] += noise[i] * sigma;
      }
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

  /** Within the tolerance of the largest element. Of 0.40 only the first channel is kept. */
  private static void assertClose(float[] actual, float[] wanted) {
    assertClose(actual, wanted, 0);
  }

  private static void assertClose(float[] actual, float[] wanted, double rounding) {
    assertThat(actual.length).isIn(wanted.length, 4 * wanted.length);
    double largest = 0;
    double worst = 0;
    for (int i = 0; i < wanted.length; i++) {
      largest = Math.max(largest, Math.abs(wanted[i]));
      worst = Math.max(worst, Math.abs((double) actual[i] - wanted[i]));
    }
    assertThat(worst).isLessThanOrEqualTo(RELATIVE_TOLERANCE * largest + rounding);
  }
}
