package io.shardlight.engines.onnxruntime;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class EngineStartTest {
  /** Starts the engine in a process of its own. */
  static final class Child {
    private Child() {}

    public static void main(String[] words) {
      System.out.println(new OnnxLowering().runtimeVersion());
    }
  }

  @Test
  void survivesLongCommandLine() throws IOException, InterruptedException {
    ProcessBuilder builder =
        new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-Xss1m",
            "-Dpadding=" + "x".repeat(100_000),
            Child.class.getName());
    builder
        .environment()
        .put(
            "CLASSPATH",
            System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")));
    Process process = builder.redirectError(ProcessBuilder.Redirect.DISCARD).start();
    String printed = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);

    assertThat(process.waitFor(1, TimeUnit.MINUTES)).isTrue();
    assertThat(process.exitValue()).isZero();
    assertThat(printed).matches("1\\.[0-9]+\\.[0-9]+\\R");
  }

  @Test
  void tellsTheVersionOfTheLibraryNotThatOfDjl() {
    assertThat(new OnnxLowering().runtimeVersion()).isEqualTo("1.29.0");
  }
}
