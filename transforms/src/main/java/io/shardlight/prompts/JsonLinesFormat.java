package io.shardlight.prompts;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.cfg.JsonNodeFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.channels.Channels;
import java.nio.channels.ReadableByteChannel;
import java.util.LinkedHashMap;
import java.util.Map;

/** {@code .jsonl}: a JSON object a line, its members being the columns; blank lines are skipped. */
final class JsonLinesFormat implements PromptFormat {
  /** Numbers stay as they are written, since columns may only be passing through. */
  static final ObjectReader JSON =
      JsonMapper.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
          .disable(JsonNodeFeature.STRIP_TRAILING_BIGDECIMAL_ZEROES)
          .build()
          .readerFor(JsonNode.class);

  @Override
  public String extension() {
    return ".jsonl";
  }

  @Override
  public void read(ReadableByteChannel channel, Records records) throws IOException {
    Utf8Lines.read(
        Channels.newInputStream(channel),
        (number, text) -> {
          if (!text.isBlank()) {
            parse(number, text, records);
          }
        },
        records::reject);
  }

  private static void parse(long number, String text, Records records) {
    JsonNode object;
    try {
      object = JSON.readTree(text);
    } catch (JsonProcessingException e) {
      records.reject(number, "wanted a JSON object, but found bad JSON: " + e.getOriginalMessage());
      return;
    }
    if (!object.isObject()) {
      records.reject(
          number, "wanted a JSON object, but found JSON of type " + object.getNodeType());
      return;
    }
    Map<String, JsonNode> columns = new LinkedHashMap<>();
    object.fields().forEachRemaining(field -> columns.put(field.getKey(), field.getValue()));
    records.record(number, columns);
  }
}
