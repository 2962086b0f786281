package io.shardlight.data;

import io.shardlight.diffusion.scheduler.SchedulerKind;

/** Settings of a small run, for tests to vary. */
public final class TestSettings {
  private TestSettings() {}

  public static GenerationSettings.Builder builder() {
    return GenerationSettings.builder()
        .model(new ModelIdentity("tiny-sd", "main", "ab".repeat(32), "creativeml-openrail-m"))
        .engine(new EngineIdentity("OnnxRuntime", "cpu", "float32", "torch"))
        .sampling(new Sampling(SchedulerKind.PNDM, 20, 7.5f, 64, 64))
        .pipelineVersion("0.1.0");
  }
}
