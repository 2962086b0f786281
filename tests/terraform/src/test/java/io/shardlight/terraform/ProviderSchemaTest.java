package io.shardlight.terraform;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** Resources have arguments that the provider knows, and all that it demands. */
class ProviderSchemaTest {
  private static final Set<String> META =
      Set.of("count", "for_each", "depends_on", "provider", "lifecycle");

  private final ProviderSchema schema = ProviderSchema.load();

  private List<String> problems(HclBlock block, ProviderSchema.Block wanted) {
    List<String> problems = new ArrayList<>();
    Set<String> given = new TreeSet<>(block.attributes().keySet());
    for (String name : given) {
      ProviderSchema.Attribute attribute = wanted.attributes().get(name);
      if (attribute == null && !META.contains(name)) {
        problems.add(block.where() + ": no argument " + name);
      } else if (attribute != null && attribute.computed()) {
        problems.add(block.where() + ": only the provider sets " + name);
      }
    }
    wanted
        .attributes()
        .forEach(
            (name, attribute) -> {
              if (attribute.required() && !given.contains(name)) {
                problems.add(block.where() + ": lacks " + name);
              }
            });
    List<HclBlock> inner = block.blocks().stream().map(HclBlock::resolved).toList();
    for (HclBlock one : inner) {
      ProviderSchema.Nested nested = wanted.blocks().get(one.type());
      if (nested != null) {
        problems.addAll(problems(one, nested.block()));
      } else if (!META.contains(one.type())) {
        problems.add(one.where() + ": no block " + one.type());
      }
    }
    for (Map.Entry<String, ProviderSchema.Nested> entry : wanted.blocks().entrySet()) {
      long there = inner.stream().filter(one -> one.type().equals(entry.getKey())).count();
      if (entry.getValue().required() && there == 0) {
        problems.add(block.where() + ": lacks a block " + entry.getKey());
      }
      if (entry.getValue().atMostOne() && there > 1) {
        problems.add(block.where() + ": more than one block " + entry.getKey());
      }
    }
    return problems;
  }

  @Test
  void everyArgumentIsKnownToTheProviderAndNoneIsMissing() {
    List<String> problems =
        TerraformModule.all()
            .flatMap(module -> module.blocks().stream())
            .filter(block -> Set.of("resource", "data", "provider").contains(block.type()))
            .flatMap(block -> problems(block, schema.of(block.type(), block.label(0))).stream())
            .toList();

    assertThat(problems).isEmpty();
  }

  @Test
  void theSchemaHoldsTheUsedResourcesOnly() {
    assertThat(types("resource")).isEqualTo(schema.resources().keySet());
    assertThat(types("data")).isEqualTo(schema.data().keySet());
  }

  private static Set<String> types(String kind) {
    return TerraformModule.all()
        .flatMap(module -> module.blocks(kind))
        .map(block -> block.label(0))
        .collect(Collectors.toCollection(TreeSet::new));
  }

  @Test
  void everyModuleAsksForTheProviderThatTheSchemaIsOf() {
    assertThat(schema.version()).startsWith("6.");
    TerraformModule.all()
        .forEach(
            module -> {
              HclBlock terraform = module.blocks("terraform").findFirst().orElseThrow();
              HclExpression google =
                  terraform.blocks("required_providers").get(0).attribute("google").orElseThrow();
              assertThat(
                      "registry.terraform.io/"
                          + HclReader.entry(google, "source").literal().orElseThrow())
                  .isEqualTo(schema.source());
              assertThat(HclReader.entry(google, "version").literal().orElseThrow())
                  .as(module.toString())
                  .isEqualTo("~> " + schema.version().replaceAll("\\.[0-9]+$", ""));
            });
  }

  @Test
  void tellsWhatIsWrong() {
    HclBlock wrong =
        HclReader.read(
                """
                resource "google_storage_bucket" "this" {
                  name      = "a"
                  self_link = "b"
                  locatoin  = "c"
                  versioning {
                  }
                  versioning {
                    enabled = true
                  }
                  dynamic "lifecycle_rule" {
                    for_each = []
                    content {
                      action {
                        typ = "Delete"
                      }
                    }
                  }
                }
                """,
                "x.tf")
            .blocks()
            .get(0);

    assertThat(problems(wrong, schema.of("resource", "google_storage_bucket")))
        .containsExactlyInAnyOrder(
            "x.tf:1: only the provider sets self_link",
            "x.tf:1: no argument locatoin",
            "x.tf:1: lacks location",
            "x.tf:5: lacks enabled",
            "x.tf:1: more than one block versioning",
            "x.tf:13: no argument typ",
            "x.tf:13: lacks type",
            "x.tf:10: lacks a block condition");
  }

  @Test
  void blocksMayBeWithinBlocks() {
    // So that a schema read wrongly, without its depths, does not pass.
    ProviderSchema.Nested rule =
        Objects.requireNonNull(
            schema.of("resource", "google_storage_bucket").blocks().get("lifecycle_rule"));
    assertThat(rule.block().blocks()).containsOnlyKeys("action", "condition");
    assertThat(rule.block().blocks().values().stream().map(ProviderSchema.Nested::required))
        .containsExactly(true, true);
  }
}
