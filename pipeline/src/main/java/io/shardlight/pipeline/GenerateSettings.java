package io.shardlight.pipeline;

import io.shardlight.data.EngineIdentity;
import io.shardlight.data.GenerationSettings;
import io.shardlight.data.ImageFormat;
import io.shardlight.data.Layout;
import io.shardlight.data.ManifestFormat;
import io.shardlight.data.Sampling;
import io.shardlight.data.SeedPolicy;
import io.shardlight.data.TemplateSettings;
import io.shardlight.diffusion.StableDiffusion;
import io.shardlight.diffusion.scheduler.SchedulerKind;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;

/** Options and model together: nothing is left to default. */
final class GenerateSettings {
  private GenerateSettings() {}

  static GenerationSettings of(
      GenerateOptions options, PreparedModel prepared, TemplateSettings templates) {
    StableDiffusion model = prepared.model();
    return GenerationSettings.builder()
        .model(prepared.identity())
        .additions(prepared.additions())
        .engine(
            new EngineIdentity(
                prepared.engine(),
                prepared.deviceKind(),
                prepared.dtype(),
                LoadModel.option(model.numerics())))
        .sampling(sampling(options, model))
        .negativePrompt(options.getNegativePrompt())
        .seed(options.getSeed())
        .seedPolicy(SeedPolicy.fromOption(options.getSeedPolicy()))
        .imagesPerPrompt(options.getImagesPerPrompt())
        .imageFormat(ImageFormat.fromOption(options.getImageFormat()))
        .imageQuality(
            Objects.requireNonNullElse(
                options.getImageQuality(), GenerationSettings.DEFAULT_IMAGE_QUALITY))
        .layout(Layout.fromOption(options.getLayout()))
        .shardSize(options.getShardSize())
        .manifestFormats(manifestFormats(options.getManifestFormat()))
        .maxFailureRatio(options.getMaxFailureRatio())
        .saveAdditionalColumns(options.isSaveAdditionalColumns())
        .templates(templates)
        .safety(prepared.safety())
        .pipelineVersion(Version.text())
        .build();
  }

  private static Sampling sampling(GenerateOptions options, StableDiffusion model) {
    String scheduler = options.getScheduler();
    Double guidanceScale = options.getGuidanceScale();
    return new Sampling(
        scheduler == null ? model.schedulerConfig().kind() : SchedulerKind.fromOption(scheduler),
        Objects.requireNonNullElse(
            options.getSteps(), model.generationConfig().numInferenceSteps()),
        guidanceScale == null
            ? model.generationConfig().guidanceScale()
            : guidanceScale.floatValue(),
        Objects.requireNonNullElse(options.getWidth(), model.defaultWidthPixels()),
        Objects.requireNonNullElse(options.getHeight(), model.defaultHeightPixels()));
  }

  private static List<ManifestFormat> manifestFormats(String value) {
    return Arrays.stream(value.split(",")).map(ManifestFormat::fromOption).toList();
  }
}
