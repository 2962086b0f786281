package io.shardlight.terraform;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The root module calls every module, with what each takes, and reads what each gives. */
class CompositionTest {
  private static final Set<String> META =
      Set.of("source", "count", "for_each", "depends_on", "providers", "version");

  private final TerraformModule root = TerraformModule.root();
  private final Map<String, TerraformModule> children = TerraformModule.children();

  private TerraformModule called(HclBlock call) {
    String source = call.attribute("source").flatMap(HclExpression::literal).orElseThrow();
    assertThat(source).as(call.where()).startsWith("./");
    TerraformModule module = children.get(source.substring(2));
    assertThat(module).as(call.where() + ": " + source).isNotNull();
    return Objects.requireNonNull(module);
  }

  @Test
  void theRootComposesEveryDirectory() {
    assertThat(children)
        .containsOnlyKeys(
            "accounts",
            "alerts",
            "apis",
            "budget",
            "hub-token",
            "network",
            "registry",
            "schedule",
            "storage");
    assertThat(root.named("module").values().stream().map(call -> called(call).name()))
        .containsExactlyInAnyOrderElementsOf(children.keySet());
  }

  @Test
  void callsGiveWhatModulesTake() {
    for (HclBlock call : root.named("module").values()) {
      Map<String, HclBlock> variables = called(call).named("variable");
      Set<String> given = new TreeSet<>(call.attributes().keySet());
      given.removeAll(META);
      Set<String> required =
          variables.entrySet().stream()
              .filter(entry -> entry.getValue().attribute("default").isEmpty())
              .map(Map.Entry::getKey)
              .collect(Collectors.toSet());

      assertThat(given).as(call.where()).containsAll(required).isSubsetOf(variables.keySet());
    }
  }

  @Test
  void outputsAreThereAndRead() {
    Set<String> there =
        root.named("module").entrySet().stream()
            .flatMap(
                call ->
                    called(call.getValue()).named("output").keySet().stream()
                        .map(output -> call.getKey() + "." + output))
            .collect(Collectors.toCollection(TreeSet::new));
    // What goes through for_each or a for has its output's name behind the loop's variable.
    Set<String> read =
        root.expressions()
            .flatMap(expression -> expression.references().stream())
            .filter(
                reference ->
                    reference.startsWith("module.") && reference.split("\\.", -1).length > 2)
            .map(reference -> reference.split("\\.", -1)[1] + "." + reference.split("\\.", -1)[2])
            .collect(Collectors.toCollection(TreeSet::new));
    root.expressions()
        .filter(expression -> expression.names("module").contains("schedule"))
        .flatMap(expression -> expression.references().stream())
        .filter(reference -> reference.startsWith("dataset."))
        .forEach(reference -> read.add("schedule." + reference.split("\\.", -1)[1]));

    assertThat(read).isEqualTo(there);
  }

  @ParameterizedTest
  @MethodSource("io.shardlight.terraform.TerraformModule#all")
  void referencesLeadToResourcesAndWhatTheyHave(TerraformModule module) {
    ProviderSchema schema = ProviderSchema.load();
    module
        .expressions()
        .forEach(
            expression -> {
              for (String reference : expression.references()) {
                String[] parts = reference.split("\\.", -1);
                boolean data = parts[0].equals("data");
                if (!data && !parts[0].startsWith("google_")) {
                  continue;
                }
                int type = data ? 1 : 0;
                String kind = data ? "data" : "resource";
                assertThat(
                        module
                            .blocks(kind)
                            .filter(block -> block.label(0).equals(parts[type]))
                            .map(block -> block.label(1)))
                    .as(expression.where() + ": " + reference)
                    .contains(parts[type + 1]);
                if (parts.length > type + 2) {
                  assertThat(schema.of(kind, parts[type]).attributes().keySet())
                      .as(expression.where() + ": " + reference)
                      .contains(parts[type + 2]);
                }
              }
            });
  }
}
