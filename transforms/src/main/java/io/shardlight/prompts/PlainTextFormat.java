package io.shardlight.prompts;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.TextNode;
import java.io.IOException;
import java.nio.channels.Channels;
import java.nio.channels.ReadableByteChannel;
import java.util.Map;

/**
 * {@code .txt}: a prompt a line; lines that begin with {@code #} and blank ones are skipped, and
 * those that begin with two dashes are read as {@link OptionLine}s.
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
          if (OptionLine.is(prompt)) {
            options(number, prompt, records);
          } else if (!prompt.isEmpty() && !prompt.startsWith("#")) {
            records.record(number, Map.of("prompt", TextNode.valueOf(prompt)));
          }
        },
        records::reject);
  }

  private static void options(long number, String line, Records records) {
    Map<String, JsonNode> columns;
    try {
      columns = OptionLine.columns(line);
    } catch (IllegalArgumentException e) {
      records.reject(number, String.valueOf(e.getMessage()));
      return;
    }
    records.record(number, columns);
  }
}
