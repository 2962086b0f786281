package io.shardlight.prompts;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.LongNode;
import com.fasterxml.jackson.databind.node.TextNode;
import io.shardlight.data.Prompt;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A line of options as AUTOMATIC1111's script "Prompts from file or textbox" reads it, turned into
 * columns: {@code --prompt "a red fox" --seed 7 --steps 30 --sampler_name "Euler a"}. Words are cut
 * by {@link ShellWords}; the prompts may do without quotes, up to the next word that begins with
 * two dashes. Of an option given twice the last holds. Where the script draws a line that it can't
 * read as if it were the prompt, we reject it: nobody wants pictures of a typing error.
 */
final class OptionLine {
  /** Options that take one value each, and the columns they become. */
  private static final Map<String, String> COLUMNS =
      Map.of(
          "seed", "seed",
          "steps", "steps",
          "cfg_scale", "guidance_scale",
          "width", "width",
          "height", "height");

  /** Options that only say where files go; ours go where the dataset has them. */
  private static final Set<String> IGNORED =
      Set.of(
          "outpath_samples",
          "outpath_grids",
          "prompt_for_display",
          "do_not_save_samples",
          "do_not_save_grid");

  /** Options that we have nothing for, and their values that change nothing. */
  private static final Map<String, Set<String>> WITHOUT_EFFECT =
      Map.of(
          "restore_faces", Set.of("false"),
          "tiling", Set.of("false"),
          "subseed_strength", Set.of("0", "0.0"),
          "subseed", Set.of("-1"),
          "seed_resize_from_h", Set.of("0", "-1"),
          "seed_resize_from_w", Set.of("0", "-1"),
          "styles", Set.of(""),
          "sd_model", Set.of());

  private final Deque<String> words;
  private final Map<String, JsonNode> columns = new LinkedHashMap<>();
  private long batchSize = 1;
  private long batches = 1;
  private boolean countsImages;

  private OptionLine(List<String> words) {
    this.words = new ArrayDeque<>(words);
  }

  /** Whether a line is one of options rather than a prompt. */
  static boolean is(String line) {
    return line.startsWith("--");
  }

  /**
   * @return columns by their names in other formats
   * @throws IllegalArgumentException if the line can't be used; its message is the reason
   */
  static Map<String, JsonNode> columns(String line) {
    return new OptionLine(ShellWords.split(line)).read();
  }

  private Map<String, JsonNode> read() {
    while (!words.isEmpty()) {
      String word = words.remove();
      if (!word.startsWith("--")) {
        throw new IllegalArgumentException(
            "wanted an option that begins with two dashes, but found \""
                + word
                + "\"; put values with spaces between quotes");
      }
      option(word.substring(2));
    }
    if (countsImages) {
      columns.put("images", LongNode.valueOf(batchSize * batches));
    }
    return columns;
  }

  private void option(String name) {
    switch (name) {
      case "prompt", "negative_prompt" -> columns.put(name, TextNode.valueOf(prompt(name)));
      case "sampler_name" ->
          columns.put("scheduler", TextNode.valueOf(SamplerNames.scheduler(value(name))));
      case "sampler_index" ->
          throw new IllegalArgumentException(
              "--sampler_index counts the samplers of one version of A1111; use --sampler_name");
      case "batch_size" -> batchSize = count(name);
      case "n_iter" -> batches = count(name);
      default -> simple(name);
    }
  }

  private void simple(String name) {
    if (COLUMNS.containsKey(name)) {
      String value = value(name);
      // The script's word for "any seed".
      boolean any = name.equals("seed") && value.equals("-1");
      columns.put(COLUMNS.get(name), TextNode.valueOf(any ? "" : value));
    } else if (IGNORED.contains(name)) {
      value(name);
    } else if (WITHOUT_EFFECT.containsKey(name)) {
      if (!WITHOUT_EFFECT.get(name).contains(value(name))) {
        throw new IllegalArgumentException("--" + name + " is not available here; leave it out");
      }
    } else {
      throw new IllegalArgumentException(
          "--"
              + name
              + " is not an option of a prompt; use --prompt, --negative_prompt, --seed, --steps,"
              + " --cfg_scale, --width, --height, --sampler_name, --batch_size, --n_iter, each"
              + " followed by a space and its value");
    }
  }

  private String value(String name) {
    if (words.isEmpty()) {
      throw new IllegalArgumentException("--" + name + " must be followed by a value");
    }
    return words.remove();
  }

  /** All words up to the next option, so that prompts may do without quotes. */
  private String prompt(String name) {
    StringBuilder text = new StringBuilder(value(name));
    while (!words.isEmpty() && !words.element().startsWith("--")) {
      text.append(' ').append(words.remove());
    }
    return text.toString();
  }

  private long count(String name) {
    String value = value(name);
    countsImages = true;
    if (!value.matches("[1-9][0-9]{0,6}")) {
      throw new IllegalArgumentException(
          "--" + name + " must be in [1, " + Prompt.MAX_IMAGES + "], but was " + value);
    }
    return Long.parseLong(value);
  }
}
