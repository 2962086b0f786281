package io.shardlight.terraform;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * What terraform makes of {@code terraform/} and some variables: the state after an apply, in which
 * every expression has its value.
 */
final class Installation {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final TerraformProgram terraform;
  private final Path folder;

  private Installation(TerraformProgram terraform, Path folder) {
    this.terraform = terraform;
    this.folder = folder;
  }

  /**
   * A copy of the files in {@code folder}, initialised, and not applied yet.
   *
   * @param provider must stay open
   */
  static Installation in(Path folder, SchemaProvider provider)
      throws IOException, InterruptedException {
    Installation installation =
        new Installation(
            provider.attach(TerraformProgram.installed()), TerraformProgram.copy(folder));
    installation.succeed("init");
    return installation;
  }

  /** Those of {@code terraform.tfvars.example}. */
  Installation withTheExamplesVariables() throws IOException {
    Files.copy(
        TerraformModule.ROOT.resolve("terraform.tfvars.example"),
        folder.resolve("terraform.tfvars"));
    return this;
  }

  /** Variables beside or in the place of others. */
  Installation with(String variables) throws IOException {
    Files.writeString(folder.resolve("zz.auto.tfvars"), variables);
    return this;
  }

  Path folder() {
    return folder;
  }

  TerraformProgram.Result run(String command, String... more)
      throws IOException, InterruptedException {
    List<String> arguments = new ArrayList<>(List.of(command, "-no-color"));
    arguments.addAll(List.of(more));
    return terraform.run(folder, arguments.toArray(String[]::new));
  }

  private String succeed(String command, String... more) throws IOException, InterruptedException {
    TerraformProgram.Result result = run(command, more);
    if (result.status() != 0) {
      throw new AssertionError(command + " failed: " + result.output());
    }
    return result.output();
  }

  /** Makes it so, and tells what there is. */
  State apply() throws IOException, InterruptedException {
    succeed("apply", "-auto-approve");
    return new State(JSON.readTree(succeed("show", "-json")).at("/values"));
  }

  /** All resources with all their values, and the outputs. */
  record State(JsonNode values) {
    /** By type, of all modules, each with {@code address} and {@code values}. */
    List<JsonNode> resources(String type) {
      return resources(values.at("/root_module"))
          .filter(resource -> resource.at("/type").asText().matches(type))
          .toList();
    }

    private static Stream<JsonNode> resources(JsonNode module) {
      return Stream.concat(
          elements(module.at("/resources")),
          elements(module.at("/child_modules")).flatMap(State::resources));
    }

    private static Stream<JsonNode> elements(JsonNode array) {
      List<JsonNode> elements = new ArrayList<>();
      array.forEach(elements::add);
      return elements.stream();
    }

    JsonNode output(String name) {
      return values.at("/outputs/" + name + "/value");
    }
  }
}
