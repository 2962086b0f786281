package io.shardlight.diffusion.hub;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The YAML head of a model's {@code README.md}: of YAML, what cards use to say a licence.
 *
 * @see <a href="https://huggingface.co/docs/hub/model-cards">Model cards</a>
 */
public final class ModelCard {
  public static final String NAME = "README.md";
  private static final String FENCE = "---";

  private ModelCard() {}

  /**
   * The licence that the card in a model's directory names; empty if it names none or there is no
   * card.
   *
   * @throws IOException if there is a card that can't be read
   */
  public static Optional<LicenseTerms> license(Path modelDirectory) throws IOException {
    Path card = modelDirectory.resolve(NAME);
    if (!Files.isRegularFile(card)) {
      return Optional.empty();
    }
    // Malformed bytes are somebody's prose; the head is ASCII.
    return license(new String(Files.readAllBytes(card), StandardCharsets.UTF_8));
  }

  /** The licence that a card's text names. */
  static Optional<LicenseTerms> license(String text) {
    Map<String, String> head = head(text.lines().toList());
    return LicenseTerms.of(
        head.getOrDefault("license", ""),
        head.getOrDefault("license_name", ""),
        head.getOrDefault("license_link", ""));
  }

  /** The scalars of the head, and its lists with commas between their entries. */
  private static Map<String, String> head(List<String> lines) {
    Map<String, String> values = new HashMap<>();
    if (lines.isEmpty() || !lines.get(0).replace("\uFEFF", "").strip().equals(FENCE)) {
      return values;
    }
    String key = "";
    List<String> list = new ArrayList<>();
    for (String line : lines.subList(1, lines.size())) {
      if (line.strip().equals(FENCE)) {
        break;
      }
      int colon = line.indexOf(':');
      if (line.startsWith("-") || line.stripLeading().startsWith("- ")) {
        list.add(scalar(line.stripLeading().substring(1)));
        values.put(key, String.join(",", list));
      } else if (colon > 0 && !Character.isWhitespace(line.charAt(0))) {
        key = line.substring(0, colon).strip();
        list = new ArrayList<>();
        values.putIfAbsent(key, value(line.substring(colon + 1)));
      }
    }
    return values;
  }

  private static String value(String text) {
    String bare = text.strip();
    if (bare.startsWith("[") && bare.contains("]")) {
      List<String> entries = new ArrayList<>();
      for (String entry : bare.substring(1, bare.indexOf(']')).split(",", -1)) {
        entries.add(scalar(entry));
      }
      return String.join(",", entries);
    }
    return scalar(bare);
  }

  private static String scalar(String text) {
    String bare = text.strip();
    if (bare.length() >= 2 && (bare.charAt(0) == '"' || bare.charAt(0) == '\'')) {
      int end = bare.indexOf(bare.charAt(0), 1);
      return end < 0 ? bare.substring(1) : bare.substring(1, end);
    }
    int comment = bare.startsWith("#") ? 0 : bare.indexOf(" #");
    return comment < 0 ? bare : bare.substring(0, comment).strip();
  }
}
