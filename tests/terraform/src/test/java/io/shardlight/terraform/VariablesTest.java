package io.shardlight.terraform;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Variables, locals and outputs: described, typed, there where they are named, and used. */
class VariablesTest {
  private static final String MODULES = "io.shardlight.terraform.TerraformModule#all";

  @ParameterizedTest
  @MethodSource(MODULES)
  void variablesHaveTypesAndSayWhatTheyAre(TerraformModule module) {
    assertThat(module.named("variable")).isNotEmpty();
    module
        .named("variable")
        .forEach(
            (name, variable) -> {
              assertThat(variable.attributes()).as(variable.where()).containsKey("type");
              assertThat(sentence(variable)).as(variable.where()).hasSizeGreaterThan(10);
            });
    module
        .named("output")
        .forEach(
            (name, output) ->
                assertThat(sentence(output)).as(output.where()).hasSizeGreaterThan(10));
  }

  private static String sentence(HclBlock block) {
    return block
        .attribute("description")
        .map(text -> text.literals().get(text.literals().size() - 1))
        .orElse("");
  }

  @ParameterizedTest
  @MethodSource(MODULES)
  void variablesAreUsed(TerraformModule module) {
    // That a variable checks itself is no use.
    Set<String> used =
        module.blocks().stream()
            .filter(block -> !block.type().equals("variable"))
            .flatMap(HclBlock::expressions)
            .flatMap(expression -> expression.names("var").stream())
            .collect(Collectors.toCollection(TreeSet::new));

    assertThat(used).isEqualTo(module.named("variable").keySet());
  }

  @ParameterizedTest
  @MethodSource(MODULES)
  void localsAreThereAndUsed(TerraformModule module) {
    Set<String> there =
        module
            .blocks("locals")
            .flatMap(block -> block.attributes().keySet().stream())
            .collect(Collectors.toCollection(TreeSet::new));
    Set<String> used =
        module
            .expressions()
            .flatMap(expression -> expression.names("local").stream())
            .collect(Collectors.toCollection(TreeSet::new));

    assertThat(used).isEqualTo(there);
  }

  @Test
  void theExampleGivesWhatIsRequiredAndNothingUnknown() throws IOException {
    Map<String, HclBlock> variables = TerraformModule.root().named("variable");
    Set<String> required =
        variables.entrySet().stream()
            .filter(entry -> entry.getValue().attribute("default").isEmpty())
            .map(Map.Entry::getKey)
            .collect(Collectors.toSet());
    HclBlock example = HclReader.read(TerraformModule.ROOT.resolve("terraform.tfvars.example"));

    assertThat(required).contains("project_id", "region", "release");
    assertThat(example.attributes().keySet()).containsAll(required).isSubsetOf(variables.keySet());
    assertThat(example.blocks()).isEmpty();
  }
}
