package io.shardlight.templates;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PrintMetadataTest {
  private static final String IMAGE = "us-central1-docker.pkg.dev/my-project/shardlight/gpu:1";

  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();

  @Test
  void printsTheMetadata() throws Exception {
    assertThat(run()).isZero();
    assertThat(new ObjectMapper().readTree(out.toByteArray())).isEqualTo(TemplateMetadata.json());
    assertThat(out.toString(StandardCharsets.UTF_8)).endsWith("}\n");
  }

  @Test
  void printsTheContainerSpecOfAnImage() throws Exception {
    assertThat(run("--image=" + IMAGE)).isZero();
    JsonNode spec = new ObjectMapper().readTree(out.toByteArray());
    assertThat(spec.fieldNames())
        .toIterable()
        .containsExactly("image", "metadata", "sdkInfo", "defaultEnvironment");
    assertThat(spec.get("image").asText()).isEqualTo(IMAGE);
    assertThat(spec.get("metadata")).isEqualTo(TemplateMetadata.json());
    assertThat(spec.at("/sdkInfo/language").asText()).isEqualTo("JAVA");
    // Workers run the launcher's image.
    assertThat(spec.at("/defaultEnvironment/sdkContainerImage").asText()).isEqualTo(IMAGE);
  }

  @Test
  void takesADigest() {
    assertThat(run("--image=europe-docker.pkg.dev/p/r/cpu@sha256:" + "0a".repeat(32))).isZero();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "--image=",
        "--image= ",
        "--image=us-docker.pkg.dev/p/r/cpu",
        "--image=localhost:5000/cpu",
        "--image=us-docker.pkg.dev/p/r/cpu:latest",
        "--image=us-docker.pkg.dev/p/r/cpu@sha256:12",
        "--picture=x",
        "us-docker.pkg.dev/p/r/cpu:1"
      })
  void refusesAnImageThatMayBecomeAnother(String word) {
    assertThat(run(word)).isEqualTo(2);
    assertThat(out.toString(StandardCharsets.UTF_8)).isEmpty();
    assertThat(err.toString(StandardCharsets.UTF_8).lines()).hasSize(1);
  }

  private int run(String... words) {
    return PrintMetadata.run(List.of(words), stream(out), stream(err));
  }

  private static PrintStream stream(ByteArrayOutputStream bytes) {
    return new PrintStream(bytes, true, StandardCharsets.UTF_8);
  }
}
