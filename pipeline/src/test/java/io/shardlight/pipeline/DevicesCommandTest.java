package io.shardlight.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DevicesCommandTest {
  private final Path home;

  DevicesCommandTest(@TempDir Path home) {
    this.home = home;
  }

  @Test
  void tellsWhatEachEngineHas() throws IOException {
    Terminal terminal = Terminal.at(home);

    assertThat(terminal.run("devices", "--json")).isZero();

    JsonNode report = new ObjectMapper().readTree(terminal.out());
    assertThat(report.get("processors").asInt()).isPositive();
    assertThat(report.get("memory_bytes").asLong()).isGreaterThan(1 << 20);
    JsonNode onnxRuntime = report.get("engines").get(0);
    assertThat(onnxRuntime.get("engine").asText()).isEqualTo("OnnxRuntime");
    assertThat(onnxRuntime.get("available").asBoolean()).isTrue();
    assertThat(onnxRuntime.get("version").asText()).isEqualTo("1.29.0");
    assertThat(onnxRuntime.get("djl").asText()).isEqualTo("0.38.0");
    assertThat(onnxRuntime.get("devices").get("cpu").asInt()).isEqualTo(1);
    JsonNode pjrt = report.get("engines").get(1);
    assertThat(pjrt.get("engine").asText()).isEqualTo("PJRT");
    assertThat(pjrt.get("available").asBoolean()).isFalse();
  }

  @Test
  void saysItInWordsToo() {
    Terminal terminal = Terminal.at(home);

    assertThat(terminal.run("devices")).isZero();

    assertThat(terminal.outLines())
        .anyMatch(line -> line.startsWith("This machine: "))
        .contains("OnnxRuntime 1.29.0, by DJL 0.38.0", "  gpu: none", "  tpu: none")
        .anyMatch(line -> line.startsWith("PJRT: not available"));
  }
}
