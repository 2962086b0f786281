package io.shardlight.diffusion.scheduler;

import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;

/**
 * What a model's {@code scheduler/scheduler_config.json} says. Keys it lacks have the defaults of
 * diffusers 0.40, but for two that diffusers' Stable Diffusion pipeline corrects: {@code
 * steps_offset} is 1 and {@code clip_sample} false unless the file has them. Keys that no scheduler
 * here reads are ignored.
 *
 * @param className diffusers' class of the model's own scheduler, which {@link #kind} maps
 * @param numTrainTimesteps timesteps of training, 1000 for Stable Diffusion
 * @param betaStart β of the first timestep
 * @param betaEnd β of the last timestep
 * @param betaSchedule how β grows between them
 * @param trainedBetas all β, instead of the three before; empty if there are none
 * @param rescaleBetasZeroSnr whether the last timestep is to have no signal left: Lin et al. 2023
 *     (arXiv:2305.08891), algorithm 1
 * @param predictionType what the network predicts
 * @param timestepSpacing if the file chooses one; each scheduler has its own default
 * @param stepsOffset added to every timestep of {@link TimestepSpacing#LEADING}
 * @param setAlphaToOne whether the last step ends without any noise left, instead of with timestep
 *     0's
 * @param clipSample whether DDIM clips its estimate of the clean latents
 * @param clipSampleRange to plus and minus this
 * @param skipPrkSteps whether PNDM starts without Runge-Kutta steps
 * @param useKarrasSigmas whether LMS and Euler are to space their noise levels after Karras et al.
 *     2022; the two DPM-Solver++ are told apart by it
 * @param finalSigma where Euler and DPM-Solver++ end
 * @param lowerOrderFinal whether DPM-Solver++ ends short runs with a step of first order
 * @param eulerAtFinal whether it does so however long the run
 * @param unsupported what the file asks for in vain; refused by the schedulers that it matters to
 */
public record SchedulerConfig(
    String className,
    int numTrainTimesteps,
    double betaStart,
    double betaEnd,
    BetaSchedule betaSchedule,
    List<Float> trainedBetas,
    boolean rescaleBetasZeroSnr,
    PredictionType predictionType,
    Optional<TimestepSpacing> timestepSpacing,
    int stepsOffset,
    boolean setAlphaToOne,
    boolean clipSample,
    float clipSampleRange,
    boolean skipPrkSteps,
    boolean useKarrasSigmas,
    FinalSigma finalSigma,
    boolean lowerOrderFinal,
    boolean eulerAtFinal,
    List<UnsupportedValue> unsupported) {

  /** diffusers writes infinities: lambda_min_clipped of DPMSolverMultistepScheduler. */
  private static final ObjectMapper JSON =
      JsonMapper.builder().enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS).build();

  /** A schedule longer than this is a damaged number. */
  private static final int MAX_TRAIN_TIMESTEPS = 1_000_000;

  public SchedulerConfig {
    trainedBetas = List.copyOf(trainedBetas);
    unsupported = List.copyOf(unsupported);
    require(
        numTrainTimesteps >= 2 && numTrainTimesteps <= MAX_TRAIN_TIMESTEPS,
        "num_train_timesteps must be in [2, " + MAX_TRAIN_TIMESTEPS + "]",
        numTrainTimesteps);
    require(betaStart > 0 && betaStart < 1, "beta_start must be in (0, 1)", betaStart);
    require(betaEnd > 0 && betaEnd < 1, "beta_end must be in (0, 1)", betaEnd);
    require(
        trainedBetas.isEmpty() || trainedBetas.size() == numTrainTimesteps,
        "trained_betas must have num_train_timesteps = " + numTrainTimesteps + " entries",
        trainedBetas.size());
    require(
        trainedBetas.stream().allMatch(beta -> beta > 0 && beta < 1),
        "trained_betas must all be in (0, 1)",
        trainedBetas.isEmpty() ? "none" : "[" + trainedBetas.get(0) + ", …]");
    require(stepsOffset >= 0, "steps_offset must not be negative", stepsOffset);
    require(clipSampleRange > 0, "clip_sample_range must be above 0", clipSampleRange);
  }

  /**
   * Reads {@code scheduler_config.json}.
   *
   * @throws IOException if the file cannot be read, is no JSON, or has a value that makes no sense;
   *     the message names the file and the key
   */
  public static SchedulerConfig read(Path file) throws IOException {
    if (!Files.isRegularFile(file)) {
      throw new IOException(
          file + ": no such file, but every model has one; is the model folder complete?");
    }
    try {
      return read(JSON.readTree(Files.readAllBytes(file)));
    } catch (IOException | IllegalArgumentException e) {
      throw new IOException(file + ": " + e.getMessage(), e);
    }
  }

  /**
   * As {@link #read(Path)}, from JSON that was read before.
   *
   * @throws IllegalArgumentException naming the key that makes no sense
   */
  public static SchedulerConfig read(JsonNode config) {
    require(config.isObject(), "a scheduler config must be a JSON object", config.getNodeType());
    ConfigFields fields = new ConfigFields(config);
    fields.refuseTrue("thresholding");
    String className = fields.text("_class_name", "");
    // DDIMScheduler's own default is true, all others' false.
    boolean isDdim = SchedulerKind.ofClass(className).equals(Optional.of(SchedulerKind.DDIM));
    List<Float> trainedBetas = fields.floats("trained_betas");
    return new SchedulerConfig(
        className,
        fields.integer("num_train_timesteps", 1000),
        fields.number("beta_start", 0.0001),
        fields.number("beta_end", 0.02),
        fields
            .choice("beta_schedule", BetaSchedule.values(), BetaSchedule::configName)
            .orElse(BetaSchedule.LINEAR),
        trainedBetas,
        fields.flag("rescale_betas_zero_snr", false),
        fields
            .choice("prediction_type", PredictionType.values(), PredictionType::configName)
            .orElse(PredictionType.EPSILON),
        fields.choice("timestep_spacing", TimestepSpacing.values(), TimestepSpacing::configName),
        fields.integer("steps_offset", 1),
        fields.flag("set_alpha_to_one", isDdim),
        fields.flag("clip_sample", false),
        (float) fields.number("clip_sample_range", 1),
        fields.flag("skip_prk_steps", false),
        fields.flag("use_karras_sigmas", false),
        fields
            .choice("final_sigmas_type", FinalSigma.values(), FinalSigma::configName)
            .orElse(FinalSigma.ZERO),
        fields.flag("lower_order_final", true),
        fields.flag("euler_at_final", false),
        UnsupportedValue.of(config));
  }

  /**
   * The model's own scheduler.
   *
   * @throws IllegalArgumentException if its class is none of those built here
   */
  public SchedulerKind kind() {
    return SchedulerKind.ofClass(className)
        .map(
            kind ->
                kind == SchedulerKind.DPMPP_2M && useKarrasSigmas
                    ? SchedulerKind.DPMPP_2M_KARRAS
                    : kind)
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "the model's scheduler is \""
                        + className
                        + "\" (_class_name in"
                        + " scheduler_config.json), which is not built; choose one of "
                        + SchedulerKind.optionNames(EnumSet.allOf(SchedulerKind.class))
                        + " with --scheduler"));
  }

  TimestepSpacing spacing(TimestepSpacing fallback) {
    return timestepSpacing.orElse(fallback);
  }

  float[] betas() {
    if (trainedBetas.isEmpty()) {
      return betaSchedule.betas(betaStart, betaEnd, numTrainTimesteps);
    }
    float[] betas = new float[numTrainTimesteps];
    for (int i = 0; i < betas.length; i++) {
      betas[i] = trainedBetas.get(i);
    }
    return betas;
  }

  /** The timesteps of a run, the noisiest first. */
  double[] timesteps(TimestepSpacing fallback, int numInferenceSteps) {
    double[] timesteps =
        spacing(fallback).descending(numTrainTimesteps, numInferenceSteps, stepsOffset);
    if (timesteps[0] >= numTrainTimesteps) {
      throw new IllegalArgumentException(
          numInferenceSteps
              + " steps begin at timestep "
              + (int) timesteps[0]
              + " with steps_offset "
              + stepsOffset
              + ", but training had "
              + numTrainTimesteps
              + " timesteps; ask for fewer steps");
    }
    return timesteps;
  }

  /** The same rounded as NumPy does, half to even. */
  int[] wholeTimesteps(TimestepSpacing fallback, int numInferenceSteps) {
    return Arrays.stream(timesteps(fallback, numInferenceSteps))
        .mapToInt(t -> (int) Math.rint(t))
        .toArray();
  }

  private static void require(boolean holds, String wanted, Object found) {
    if (!holds) {
      throw new IllegalArgumentException(wanted + ", but was " + found);
    }
  }
}
