package io.shardlight.diffusion.hub;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ModelCardTest {
  private static Optional<String> id(String card) {
    return ModelCard.license(card).map(LicenseTerms::id);
  }

  @Test
  void readsTheHeadOfTheCard() {
    assertThat(id("---\nlicense: creativeml-openrail-m\ntags:\n- x\n---\n# Card"))
        .contains("creativeml-openrail-m");
    assertThat(id("---\r\ntags: [a]\r\nlicense: \"mit\"\r\n---\r\n")).contains("mit");
    assertThat(id("\uFEFF---\nlicense: mit # as always\n---\n")).contains("mit");
    assertThat(id("---\nlicense:\n- mit\n- apache-2.0\ntags:\n- x\n---\n"))
        .contains("mit,apache-2.0");
    assertThat(id("---\nlicense: [mit, 'apache-2.0']\n---\n")).contains("mit,apache-2.0");
  }

  @Test
  void takesTheOwnersNameWhereTheHubHasNone() {
    assertThat(
            ModelCard.license(
                """
                ---
                license_name: "our-own"
                license: other
                license_link: https://example.org/terms#top
                ---
                """))
        .contains(new LicenseTerms("our-own", "https://example.org/terms#top"));
    assertThat(id("---\nlicense: other\n---\n")).contains("other");
    assertThat(id("---\nlicense: mit\nlicense_name: never-read\n---\n")).contains("mit");
  }

  @Test
  void findsNoneWhereNoneIsNamed(@TempDir Path model) throws IOException {
    assertThat(ModelCard.license(model)).isEmpty();
    assertThat(id("")).isEmpty();
    assertThat(id("# Card\nlicense: mit\n")).isEmpty();
    assertThat(id("---\ntags: x\n---\nlicense: mit\n")).isEmpty();
    assertThat(id("---\nlicense:\n---\n")).isEmpty();
    assertThat(id("---\nextra:\n  license: mit\n---\n")).isEmpty();
  }

  @Test
  void whatIsPrintedIsPrintable() {
    assertThat(id("---\nlicense: \"evil\u001b[31m red\"\n---\n")).contains("evil-31m-red");
  }
}
