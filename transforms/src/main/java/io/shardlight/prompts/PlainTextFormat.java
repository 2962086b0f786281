package io.shardlight.prompts;

import com.fasterxml.jackson.databind.node.TextNode;
import java.io.IOException;
import java.nio.channels.Channels;
import java.nio.channels.ReadableByteChannel;
import java.util.Map;

/**
 * {@code .txt}: a prompt a line; lines that begin with {@code #} and blank ones are skipped, and
 * those that begin with an option of A1111's prompt files are rejected.
 */
final class PlainTextFormat implements PromptFormat {
  @Override
  public String extension() {
    return ".txt";
  }

  @Override
  public void read(ReadableByteChannel channel, Records records) throws IOException {
    Utf8Lines.read(
        Channels.newInputStream(channel),
        (number, text) -> {
          String prompt = text.strip();
          if (prompt.startsWith("--prompt")) {
            records.reject(
                number,
                "wanted a prompt, but found an option line: A1111 option lines are not available"
                    + " in this version; write a .jsonl file to set options by prompt");
          } else if (!prompt.isEmpty() && !prompt.startsWith("#")) {
            records.record(number, Map.of("prompt", TextNode.valueOf(prompt)));
          }
        },
        records::reject);
  }
}
