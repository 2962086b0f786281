package io.shardlight.prompts;

import com.fasterxml.jackson.databind.JsonNode;
import io.shardlight.data.Prompt;
import io.shardlight.data.PromptSource;
import io.shardlight.data.Rejection;
import java.io.IOException;
import java.nio.channels.ReadableByteChannel;
import java.util.Map;
import java.util.Optional;

/** The records of one prompt file, for a pipeline and for programs without one. */
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
      PromptFormats.of(name);
      return Optional.empty();
    } catch (IllegalArgumentException e) {
      return Optional.of(String.valueOf(e.getMessage()));
    }
  }

  /**
   * Reads a file to its end; the caller closes it.
   *
   * @param name path or URI of the file, whose end tells the format
   * @param channel the file's content, decompressed; of a Parquet file a {@link
   *     java.nio.channels.SeekableByteChannel}
   * @throws IOException if bytes can't be had, or make no sense from some place on; what is merely
   *     wrong in a record is rejected
   */
  public static void read(String name, ReadableByteChannel channel, Records records)
      throws IOException {
    PromptFormats.of(name)
        .read(
            channel,
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
