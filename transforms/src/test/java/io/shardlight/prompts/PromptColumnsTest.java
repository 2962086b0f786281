package io.shardlight.prompts;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import io.shardlight.data.Overrides;
import io.shardlight.data.OverridesBuilder;
import io.shardlight.data.Prompt;
import io.shardlight.data.PromptSource;
import io.shardlight.diffusion.scheduler.SchedulerKind;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PromptColumnsTest {
  private static final Overrides ALL =
      new OverridesBuilder()
          .negativePrompt("blurry")
          .seed(4294967295L)
          .images(4)
          .scheduler(SchedulerKind.DDIM)
          .steps(30)
          .guidanceScale(5.5f)
          .width(512)
          .height(768)
          .build();

  @Test
  void everyColumnHasItsPlace() throws Exception {
    Prompt prompt =
        parse(
            """
            {"id": "p1", "prompt": " a fox ", "negative_prompt": "blurry", "seed": 4294967295,
             "images": 4, "steps": 30, "guidance_scale": 5.5, "width": 512, "height": 768,
             "scheduler": "DDIM", "caption": "kept", "score": 100000.0, "tags": ["a", "b"], "gone": null}
            """);

    assertThat(prompt.id()).isEqualTo("p1");
    assertThat(prompt.text()).isEqualTo("a fox");
    assertThat(prompt.overrides()).isEqualTo(ALL);
    assertThat(prompt.carried())
        .containsExactly(
            Map.entry("caption", "kept"),
            Map.entry("score", "100000.0"),
            Map.entry("tags", "[\"a\",\"b\"]"));
  }

  @Test
  void numbersMayComeAsTextOrWithAZeroFraction() throws Exception {
    assertThat(
            parse(
                    """
                    {"text": "a fox", "negative_prompt": "blurry", "seed": "4294967295",
                     "images": 4.0, "steps": "30", "guidance_scale": "5.5", "width": 512.0,
                     "height": "768", "scheduler": "ddim"}
                    """)
                .overrides())
        .isEqualTo(ALL);
  }

  @Test
  void absentNullAndEmptyColumnsHaveNoValue() throws Exception {
    Prompt prompt = parse("{\"prompt\": \"a fox\", \"id\": null, \"seed\": null, \"width\": \"\"}");

    assertThat(prompt.overrides()).isEqualTo(Overrides.NONE);
    assertThat(prompt.id()).isEqualTo("p.jsonl:3");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          "prompt": "  "                          | prompt is empty
          "prompt": 7                             | prompt must be text, but was JSON of type NUMBER
          "prompt": "a\\u0000b"                   | prompt must not hold the character U+0000
          "prompt": "a\\ud800b"                   | prompt must be Unicode, but has half a surrogate
          "prompt": "a", "width": 100             | width must be a multiple of 8 in [8, 2048], but was 100
          "prompt": "a", "height": 4096           | height must be a multiple of 8 in [8, 2048], but was 4096
          "prompt": "a", "height": 0              | height must be a multiple of 8 in [8, 2048], but was 0
          "prompt": "a", "seed": 4294967296       | seed must be in [0, 4294967295], but was 4294967296
          "prompt": "a", "seed": -1               | seed must be in [0, 4294967295], but was -1
          "prompt": "a", "seed": 1.5              | seed must be a whole number in range, but was 1.5
          "prompt": "a", "seed": 1e40             | seed must be a whole number in range, but was 1E+40
          "prompt": "a", "seed": true             | seed must be a number, but was true
          "prompt": "a", "seed": "abc"            | seed must be a number, but was "abc"
          "prompt": "a", "seed": "1e999999999"    | seed must be a whole number in range, but was 1E+999999999
          "prompt": "a", "images": 0              | images must be in [1, 1000000], but was 0
          "prompt": "a", "steps": 0               | steps must be in [1, 1000], but was 0
          "prompt": "a", "steps": 1001            | steps must be in [1, 1000], but was 1001
          "prompt": "a", "guidance_scale": -1     | guidance scale must be in [0, 30], but was -1.0
          "prompt": "a", "guidance_scale": 1e999  | guidance_scale must be a number, but was "Infinity"
          """)
  void whatCannotBeUsedIsRejectedByName(String columns, String reason) {
    assertThatThrownBy(() -> parse("{" + columns + "}"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(reason);
  }

  @Test
  void anUnknownSchedulerIsRejectedWithTheOnesThereAre() {
    assertThatThrownBy(() -> parse("{\"prompt\": \"a\", \"scheduler\": \"heun\"}"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("pndm")
        .hasMessageContaining("heun");
  }

  private static Prompt parse(String json) throws Exception {
    Map<String, JsonNode> columns = new LinkedHashMap<>();
    JsonLinesFormat.JSON
        .readTree(json)
        .fields()
        .forEachRemaining(field -> columns.put(field.getKey(), field.getValue()));
    return PromptColumns.parse(new PromptSource("/in/p.jsonl", 3), columns);
  }
}
