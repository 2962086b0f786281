package io.shardlight.data;

import java.util.Map;
import java.util.Optional;

/** What the prompt of a record becomes for each of its images. */
@FunctionalInterface
public interface PromptExpansion {
  /** As it is written. */
  PromptExpansion NONE =
      (prompt, imageIndex) ->
          new Expanded(prompt.text(), prompt.overrides().negativePrompt(), Map.of());

  /**
   * @param templates what was expanded, by the column that carries it
   */
  record Expanded(String text, Optional<String> negativePrompt, Map<String, String> templates) {}

  /** The same for the same prompt and index, wherever and however often it is asked for. */
  Expanded of(Prompt prompt, int imageIndex);
}
