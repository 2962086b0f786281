package io.shardlight.terraform;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class HclReaderTest {
  private static HclBlock read(String... lines) {
    return HclReader.read(String.join("\n", lines) + "\n", "some.tf");
  }

  @Test
  void readsBlocksWithinBlocks() {
    HclBlock file =
        read(
            "resource \"google_storage_bucket\" \"this\" {",
            "  name = \"a\" # not = \"b\"",
            "  /* lifecycle { */ dynamic \"lifecycle_rule\" {",
            "    for_each = local.rules",
            "    content {",
            "      age = lifecycle_rule.value",
            "    }",
            "  }",
            "}");

    HclBlock bucket = file.blocks("resource").get(0);
    assertThat(bucket.labels()).containsExactly("google_storage_bucket", "this");
    assertThat(bucket.attribute("name").orElseThrow().literal()).contains("a");
    HclBlock rule = bucket.blocks().get(0).resolved();
    assertThat(rule.type()).isEqualTo("lifecycle_rule");
    assertThat(rule.attributes()).containsOnlyKeys("age");
    assertThat(bucket.dynamics()).hasSize(1);
  }

  @Test
  void findsWhatExpressionsName() {
    HclExpression value =
        read(
                "value = concat(",
                "  [for key in keys(var.datasets) :"
                    + " \"${local.prefix}-${key}-module.no.reference\"],",
                "  module.hub_token[*].secret, google_storage_bucket.this[\"prompts\"].name,",
                "  google_storage_bucket.this[each.key].url, # var.comment",
                ")")
            .attribute("value")
            .orElseThrow();

    assertThat(value.references())
        .contains(
            "var.datasets",
            "local.prefix",
            "module.hub_token.secret",
            "google_storage_bucket.this.name",
            "google_storage_bucket.this.url",
            "each.key")
        .doesNotContain("concat", "keys", "var.comment", "module.no.reference");
    assertThat(value.literals()).contains("--module.no.reference", "prompts");
  }

  @Test
  void readsTextsInTexts() {
    HclExpression value =
        read("value = \"a ${join(\", \", [for n in var.names : \"\\\"${n}\\\"\"])} b $${c}\"")
            .attribute("value")
            .orElseThrow();

    assertThat(value.names("var")).containsExactly("names");
    assertThat(value.literals()).contains("a  b ${c}", ", ", "\"\"");
  }

  @Test
  void readsHeredocs() {
    HclBlock file =
        read("content = <<-EOT", "  It's \"quoted\", { and ${var.name}", "  EOT", "next = 1");

    assertThat(file.attributes()).containsOnlyKeys("content", "next");
    assertThat(file.attribute("content").orElseThrow().names("var")).containsExactly("name");
  }

  @Test
  void readsObjects() {
    HclExpression value =
        read(
                "jobs = {",
                "  nightly = {",
                "    steps = \"50\"",
                "  }",
                "  \"b\" : 2, c = [1, 2]",
                "}")
            .attribute("jobs")
            .orElseThrow();

    assertThat(HclReader.object(value)).containsOnlyKeys("nightly", "b", "c");
    assertThat(HclReader.entry(HclReader.entry(value, "nightly"), "steps").literal())
        .contains("50");
  }

  @Test
  void refusesWhatIsNoHcl() {
    assertThatThrownBy(() -> read("a = 1", "resource \"x\" {", "  b = 2"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("some.tf:4");
    assertThatThrownBy(() -> read("a = \"b"))
        .hasMessageContaining("expected the end of a text, but found the end");
    assertThatThrownBy(() -> read("a = 1", "a = 2")).hasMessageContaining("\"a\" is there twice");
    assertThatThrownBy(() -> read("a =")).hasMessageContaining("expected an expression");
    assertThatThrownBy(() -> read("a = 1", "}")).hasMessageContaining("some.tf:2");
  }
}
