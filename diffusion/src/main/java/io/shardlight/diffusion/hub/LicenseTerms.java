package io.shardlight.diffusion.hub;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The licence of a model.
 *
 * @param id as the Hub names it, {@code creativeml-openrail-m}, or as its owner does if the Hub has
 *     no name for it
 * @param link where it stands, as the card says; empty if it doesn't
 * @see <a href="https://huggingface.co/docs/hub/repositories-licenses">Licences on the Hub</a>
 */
public record LicenseTerms(String id, String link) {
  private static final String OTHER = "other";

  /**
   * @param license the card's {@code license}
   * @param name the card's {@code license_name}, which is used when that is {@code other}
   * @param link the card's {@code license_link}
   * @return empty if there is no licence
   */
  static Optional<LicenseTerms> of(String license, String name, String link) {
    String id = license.equalsIgnoreCase(OTHER) && !name.isBlank() ? name : license;
    // It is printed, and typed after --acceptLicense.
    String word = Answers.printable(id).replaceAll("[^A-Za-z0-9._+,:/-]+", "-");
    return word.isBlank() || word.equals("-")
        ? Optional.empty()
        : Optional.of(new LicenseTerms(word, Answers.printable(link)));
  }

  /** From the Hub's description of a model: its card's data, else its tags. */
  static Optional<LicenseTerms> of(JsonNode info) {
    JsonNode card = info.path("cardData");
    List<String> ids = new ArrayList<>();
    JsonNode license = card.path("license");
    if (license.isArray()) {
      license.forEach(one -> ids.add(one.asText()));
    } else if (license.isTextual()) {
      ids.add(license.asText());
    } else {
      for (JsonNode tag : info.path("tags")) {
        if (tag.asText().startsWith("license:")) {
          ids.add(tag.asText().substring("license:".length()));
        }
      }
    }
    return of(
        String.join(",", ids),
        card.path("license_name").asText(""),
        card.path("license_link").asText(""));
  }
}
