package io.shardlight.terraform;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.util.Map;
import org.junit.jupiter.api.Test;

class HclValuesTest {
  private static JsonNode value(String expression) throws IOException {
    JsonNode var =
        new ObjectMapper()
            .readTree("{\"name\": \"foxes\", \"none\": null, \"all\": {\"a\": 1, \"b\": null}}");
    HclExpression read =
        HclReader.read("value = " + expression + "\n", "some.tf").attribute("value").orElseThrow();
    return HclValues.of(read, Map.of("var", HclValues.entries(var)));
  }

  private static String json(String expression) throws IOException {
    return value(expression).toString();
  }

  @Test
  void computesWhatALaunchIsWrittenIn() throws IOException {
    assertThat(json("\"a \\\"${var.name}\\\" $${b}\"")).isEqualTo("\"a \\\"foxes\\\" ${b}\"");
    assertThat(json("var.none == null ? {} : { a = var.none }")).isEqualTo("{}");
    assertThat(json("var.name != \"foxes\" ? 1 : [true, null, 2.5]")).isEqualTo("[true,null,2.5]");
    assertThat(json("{ for k, v in var.all : \"${k}-x\" => v if v != null }"))
        .isEqualTo("{\"a-x\":1}");
    assertThat(json("{ for k in keys(var.all) : k => var.all[k] }"))
        .isEqualTo("{\"a\":1,\"b\":null}");
    assertThat(
            json(
                """
                merge(
                  { a = 1, "b" : 2 }, # not { c = 3 }
                  var.all,
                )\
                """))
        .isEqualTo("{\"a\":1,\"b\":null}");
    assertThat(json("one([{ a = 1 }][*].a)")).isEqualTo("1");
    assertThat(json("one([][*].a)")).isEqualTo("null");
  }

  @Test
  void refusesWhatItDoesNotKnow() {
    assertThatThrownBy(() -> value("regexall(\"a\", var.name)"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("some.tf:1: regexall() is not known");
    assertThatThrownBy(() -> value("var.name + 1"))
        .hasMessage("some.tf:1: not known here: \"+ 1\"");
    assertThatThrownBy(() -> value("var.nobody"))
        .hasMessageContaining("some.tf:1: var.nobody: no entry \"nobody\"");
    assertThatThrownBy(() -> value("each.key")).hasMessage("some.tf:1: nothing is called each");
    assertThatThrownBy(() -> value("\"a\\n\"")).hasMessageContaining("not known here");
    assertThatThrownBy(() -> value("var.all[\"c\"]")).hasMessageContaining("no entry \"c\"");
    assertThatThrownBy(() -> value("{ for k, v in {} : k => v }"))
        .hasMessageContaining("a loop over nothing");
  }
}
