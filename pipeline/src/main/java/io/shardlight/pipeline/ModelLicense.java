package io.shardlight.pipeline;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * The licence that a model's card names: {@code license:} in the YAML head of {@code README.md}, as
 * the Hugging Face Hub has it.
 *
 * @see <a href="https://huggingface.co/docs/hub/model-cards">Model cards</a>
 */
final class ModelLicense {
  private ModelLicense() {}

  /**
   * The licence's id, for example {@code creativeml-openrail-m}; empty if the card names none or
   * there is no card.
   *
   * @throws IOException if there is a card that can't be read
   */
  static Optional<String> read(Path modelDirectory) throws IOException {
    Path card = modelDirectory.resolve("README.md");
    if (!Files.isRegularFile(card)) {
      return Optional.empty();
    }
    // Malformed bytes are somebody's prose; the head is ASCII.
    String text = new String(Files.readAllBytes(card), StandardCharsets.UTF_8);
    List<String> lines = text.lines().toList();
    if (lines.isEmpty() || !lines.get(0).strip().equals("---")) {
      return Optional.empty();
    }
    for (String line : lines.subList(1, lines.size())) {
      if (line.strip().equals("---")) {
        break;
      }
      if (line.startsWith("license:")) {
        String id = line.substring("license:".length()).strip().replaceAll("^[\"']|[\"']$", "");
        return id.isEmpty() ? Optional.empty() : Optional.of(id);
      }
    }
    return Optional.empty();
  }
}
