package io.shardlight.transforms;

import com.fasterxml.jackson.databind.JsonNode;
import io.shardlight.data.Prompt;
import io.shardlight.data.PromptSource;
import io.shardlight.data.Rejection;
import java.io.IOException;
import java.io.InputStream;
import java.util.Map;
import java.util.Optional;

/** The records of one prompt file, for {@link ReadPrompts} and for programs without a pipeline. */
public final class PromptFile {
  /** Takes what a file holds, in order. */
  public interface Records {
    void prompt(Prompt prompt);

    void rejection(Rejection rejection);
  }

  private PromptFile() {}

  /** What is wrong with a file's name, on one line; empty if its end tells a format. */
  public static Optional<String> problem(String name) {
    try {
      PromptFormat.of(name);
      return Optional.empty();
    } catch (IllegalArgumentException e) {
      return Optional.of(String.valueOf(e.getMessage()));
    }
  }

  /**
   * Reads a file to its end; the caller closes it.
   *
   * @param name path or URI of the file, whose end tells the format
   * @param in the file's content, decompressed
   * @throws IOException if bytes can't be had; what is merely wrong in them is rejected
   */
  public static void read(String name, InputStream in, Records records) throws IOException {
    PromptFormat.of(name)
        .read(
            in,
            new PromptFormat.Records() {
              @Override
              public void record(long line, Map<String, JsonNode> columns) {
                PromptSource source = new PromptSource(name, line);
                Prompt prompt;
                try {
                  prompt = PromptColumns.parse(source, columns);
                } catch (IllegalArgumentException e) {
                  reject(line, String.valueOf(e.getMessage()));
                  return;
                }
                records.prompt(prompt);
              }

              @Override
              public void reject(long line, String reason) {
                records.rejection(new Rejection(new PromptSource(name, line), reason));
              }
            });
  }
}
