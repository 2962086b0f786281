package io.shardlight.pipeline;

import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.SplittableRandom;

/** Prompts by formula, some 60 characters long as people write them, all different. */
final class PromptSupply {
  private static final String[] STYLES = {
    "a painting of", "a photograph of", "a woodcut of", "a sketch in ink of", "a watercolour of"
  };
  private static final String[] COLOURS = {"red", "blue", "white", "yellow", "green", "black"};
  private static final String[] THINGS = {
    "lighthouse",
    "sailing boat",
    "farmhouse",
    "windmill",
    "hot-air balloon",
    "bridge",
    "steam train"
  };
  private static final String[] PLACES = {
    "by the sea", "in the hills", "under a starry sky", "in the snow", "on a meadow at noon"
  };

  private PromptSupply() {}

  /** Writes a prompt a line. */
  static void write(Path file, int prompts) throws IOException {
    try (BufferedWriter lines = Files.newBufferedWriter(file)) {
      for (int i = 0; i < prompts; i++) {
        lines.write(prompt(i));
        lines.newLine();
      }
    }
  }

  static String prompt(int number) {
    SplittableRandom random = new SplittableRandom(number);
    return pick(STYLES, random)
        + " a "
        + pick(COLOURS, random)
        + " "
        + pick(THINGS, random)
        + " "
        + pick(PLACES, random)
        + ", number "
        + number;
  }

  private static String pick(String[] words, SplittableRandom random) {
    return words[random.nextInt(words.length)];
  }
}
