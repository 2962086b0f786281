package io.shardlight.engines.pjrt;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.shardlight.diffusion.TextToImageOptions;
import io.shardlight.engines.pjrt.client.CpuPlugin;
import io.shardlight.fixtures.TinyModels;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.io.TempDir;

/** What is to run on accelerators runs on virtual devices here. */
@EnabledIf(value = CpuPlugin.IS_WANTED, disabledReason = CpuPlugin.REASON)
class AcceleratorChecksTest {
  @Test
  void goldenImagesAreCompared() throws Exception {
    JsonNode report =
        GoldenOnDevices.run(
            TextToImageOptions.DEFAULTS.withEngine(PjrtEngine.NAME).withPlugin(CpuPlugin.library()),
            2);

    assertThat(report.get("passes").booleanValue()).isTrue();
    assertThat(report.get("torchFloat32Levels")).hasSize(2).allMatch(l -> l.intValue() <= 1);
    assertThat(report.get("flaxFloat32Levels")).hasSize(2).allMatch(l -> l.intValue() <= 1);
    assertThat(report.get("flaxBfloat16")).hasSize(2);
    // XLA's CPU kernels do not depend on the batch.
    assertThat(report.get("batchLevels").get("float32 batch 2").intValue()).isZero();
  }

  @Test
  void wholeGenerationsAreMeasured(@TempDir Path cache) throws Exception {
    JsonNode report =
        WholeGeneration.run(
            TinyModels.torch(),
            "bfloat16",
            1,
            new int[] {1, 2},
            cache,
            Optional.of(CpuPlugin.library()));

    assertThat(report.get("linkGigabytesPerSecond").doubleValue()).isPositive();
    assertThat(report.get("transferSeconds")).hasSize(3);
    assertThat(report.get("devices").intValue()).isEqualTo(8);
    assertThat(report.get("batches")).hasSize(2);
    assertThat(report.get("batches").get(1).get("batchPerDevice").intValue()).isEqualTo(2);
    assertThat(report.get("batches").get(1).get("imagesPerSecond").doubleValue()).isPositive();
  }
}
