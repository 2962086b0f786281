package io.shardlight.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import io.shardlight.diffusion.hub.LicenseTerms;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class ModelLicenseTest {
  private static final String PAGE = "https://hub/owner/name";

  private static Optional<String> problem(String id, String link, String accepted) {
    return ModelLicense.problem(
        "hf://owner/name",
        Optional.of(new LicenseTerms(id, link)),
        Optional.of(accepted).filter(a -> !a.isEmpty()),
        PAGE);
  }

  @Test
  void whatIsAcceptedIsNoProblem() {
    assertThat(problem("mit", "", "mit")).isEmpty();
    assertThat(ModelLicense.problem("m", Optional.empty(), Optional.empty(), "")).isEmpty();
    assertThat(ModelLicense.problem("m", Optional.empty(), Optional.of("mit"), "")).isEmpty();
  }

  @Test
  void aLicenceThatNobodyKnowsIsReadWhereItsModelSays() {
    assertThat(problem("our-own", "https://example.org/terms", ""))
        .contains(
            "--acceptLicense: the licence of hf://owner/name is our-own; read it at"
                + " https://example.org/terms and accept it by --acceptLicense=our-own");
    assertThat(problem("our-own", "LICENSE.md", "").orElseThrow())
        .contains("; read it at https://hub/owner/name/blob/main/LICENSE.md and");
    assertThat(problem("our-own", "", "").orElseThrow())
        .contains("; read it at https://hub/owner/name and");
  }

  @Test
  void whatIsAcceptedMustBeTheLicence() {
    assertThat(problem("creativeml-openrail-m", "", "mit").orElseThrow())
        .startsWith(
            "--acceptLicense=mit: the licence of hf://owner/name is creativeml-openrail-m"
                + " (CreativeML Open RAIL-M: you may ")
        .endsWith(
            "; read it at https://huggingface.co/spaces/CompVis/stable-diffusion-license and accept"
                + " it by --acceptLicense=creativeml-openrail-m");
  }
}
