package io.shardlight.pipeline;

import io.shardlight.diffusion.hub.LicenseTerms;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** Says what a model's licence is, and asks for it to be accepted. */
final class ModelLicense {
  /**
   * @param text one sentence on what it is
   * @param link where it stands, for models that don't say it
   */
  private record Known(String text, String link) {}

  /** The restrictions of Attachment A, which the licences of the RAIL family share. */
  private static final String RESTRICTIONS =
      "you may use, change, share and sell the model and what you make with it, but not to break"
          + " the law, harm or exploit minors or others, defame, harass or discriminate, spread"
          + " false information or personal data to harm somebody, give medical advice, or decide"
          + " on people's rights, and whoever gets the model from you must be bound by the same";

  private static final Map<String, Known> KNOWN =
      Map.of(
          "creativeml-openrail-m",
          new Known(
              "CreativeML Open RAIL-M: " + RESTRICTIONS,
              "https://huggingface.co/spaces/CompVis/stable-diffusion-license"),
          "openrail++",
          new Known(
              "CreativeML Open RAIL++-M: " + RESTRICTIONS,
              "https://huggingface.co/stabilityai/stable-diffusion-2/blob/main/LICENSE-MODEL"),
          "openrail",
          new Known(
              "an Open RAIL licence: open, with restrictions of use that pass on to whoever gets"
                  + " the model from you",
              "https://www.licenses.ai/ai-licenses"),
          "mit",
          new Known(
              "the MIT licence: do as you like, and keep the notice",
              "https://opensource.org/license/mit"),
          "apache-2.0",
          new Known(
              "the Apache License 2.0: do as you like, and keep the notices",
              "https://www.apache.org/licenses/LICENSE-2.0"));

  private ModelLicense() {}

  /**
   * A line that asks for the licence, unless it is accepted or there is none.
   *
   * @param model as the user named it
   * @param page where people read about the model; empty if that is not known
   */
  static Optional<String> problem(
      String model, Optional<LicenseTerms> terms, Optional<String> accepted, String page) {
    if (terms.isEmpty() || terms.get().id().equals(accepted.orElse(""))) {
      return Optional.empty();
    }
    String id = terms.get().id();
    Optional<Known> known = Optional.ofNullable(KNOWN.get(id.toLowerCase(Locale.ROOT)));
    return Optional.of(
        "--acceptLicense"
            + accepted.map(a -> "=" + a).orElse("")
            + ": the licence of "
            + model
            + " is "
            + id
            + known.map(k -> " (" + k.text() + ")").orElse("")
            + "; read it at "
            + where(terms.get(), known, page)
            + " and accept it by --acceptLicense="
            + id);
  }

  private static String where(LicenseTerms terms, Optional<Known> known, String page) {
    if (terms.link().matches("https?://.*")) {
      return terms.link();
    }
    if (!terms.link().isEmpty() && !page.isEmpty()) {
      return page + "/blob/main/" + terms.link();
    }
    return known.map(Known::link).orElse(page.isEmpty() ? "its README.md" : page);
  }
}
