package io.shardlight.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ModelLicenseTest {
  private final Path model;

  ModelLicenseTest(@TempDir Path model) {
    this.model = model;
  }

  private Optional<String> license(String card) throws IOException {
    Files.writeString(model.resolve("README.md"), card);
    return ModelLicense.read(model);
  }

  @Test
  void readsTheHeadOfTheCard() throws IOException {
    assertThat(license("---\nlicense: creativeml-openrail-m\ntags:\n- x\n---\n# Card"))
        .contains("creativeml-openrail-m");
    assertThat(license("---\r\ntags: [a]\r\nlicense: \"mit\"\r\n---\r\n")).contains("mit");
  }

  @Test
  void findsNoneWhereNoneIsNamed() throws IOException {
    assertThat(ModelLicense.read(model)).isEmpty();
    assertThat(license("")).isEmpty();
    assertThat(license("# Card\nlicense: mit\n")).isEmpty();
    assertThat(license("---\ntags: x\n---\nlicense: mit\n")).isEmpty();
    assertThat(license("---\nlicense:\n---\n")).isEmpty();
  }
}
