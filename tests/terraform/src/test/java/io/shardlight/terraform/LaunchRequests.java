package io.shardlight.terraform;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The bodies of launches, read off {@code terraform/}: variables go through the root's call of
 * module {@code schedule} to the module's locals, as terraform lets them.
 */
final class LaunchRequests {
  private static final Pattern OPTIONAL =
      Pattern.compile("(?m)^\\s*(\\w+)\\s*= optional\\(\\w+(?:, (.+))?\\)$");

  private final TerraformModule root = TerraformModule.root();
  private final TerraformModule schedule =
      Objects.requireNonNull(TerraformModule.children().get("schedule"));

  /**
   * @param variables in the words of {@code terraform.tfvars}, beside or in the place of the
   *     example's
   * @return by dataset
   */
  static Map<String, JsonNode> of(String variables) throws IOException {
    return new LaunchRequests().read(variables);
  }

  private Map<String, JsonNode> read(String variables) throws IOException {
    ObjectNode var = JsonNodeFactory.instance.objectNode();
    root.named("variable")
        .forEach(
            (name, variable) ->
                variable
                    .attribute("default")
                    .ifPresent(value -> var.set(name, HclValues.of(value, Map.of()))));
    setAll(var, HclReader.read(TerraformModule.ROOT.resolve("terraform.tfvars.example")));
    setAll(var, HclReader.read(variables, "variables"));
    var.path("datasets").forEach(dataset -> complete((ObjectNode) dataset));
    Map<String, Function<String, JsonNode>> roots = new LinkedHashMap<>();
    roots.put("var", HclValues.entries(var));
    roots.put("module", HclValues.entries(made(var)));
    roots.put("local", HclValues.locals(root, roots));
    Map<String, JsonNode> requests = new LinkedHashMap<>();
    var.path("datasets")
        .fields()
        .forEachRemaining(
            dataset -> {
              ObjectNode each = JsonNodeFactory.instance.objectNode();
              each.put("key", dataset.getKey());
              each.set("value", dataset.getValue());
              Map<String, Function<String, JsonNode>> one = new LinkedHashMap<>(roots);
              one.put("each", HclValues.entries(each));
              requests.put(dataset.getKey(), request(one));
            });
    return requests;
  }

  private JsonNode request(Map<String, Function<String, JsonNode>> roots) {
    HclBlock call = Objects.requireNonNull(root.named("module").get("schedule"));
    ObjectNode inputs = JsonNodeFactory.instance.objectNode();
    schedule
        .named("variable")
        .keySet()
        .forEach(name -> inputs.set(name, HclValues.of(call.attribute(name).orElseThrow(), roots)));
    Map<String, Function<String, JsonNode>> own = Map.of("var", HclValues.entries(inputs));
    return HclValues.locals(schedule, own).apply("request");
  }

  private static void setAll(ObjectNode var, HclBlock file) {
    file.attributes().forEach((name, value) -> var.set(name, HclValues.of(value, Map.of())));
  }

  /** What a dataset leaves out. */
  private void complete(ObjectNode dataset) {
    HclBlock variable = Objects.requireNonNull(root.named("variable").get("datasets"));
    HclExpression type = variable.attribute("type").orElseThrow();
    Matcher optional = OPTIONAL.matcher(type.text());
    while (optional.find()) {
      if (!dataset.has(optional.group(1))) {
        String value = Objects.requireNonNullElse(optional.group(2), "null");
        HclBlock line = HclReader.read("value = " + value + "\n", type.where());
        dataset.set(
            optional.group(1), HclValues.of(line.attribute("value").orElseThrow(), Map.of()));
      }
    }
  }

  /** What the other modules give, in the pretended cloud's words. */
  private static ObjectNode made(ObjectNode var) {
    String project = var.path("project_id").asText();
    String name = var.path("name").asText();
    String region = var.path("region").asText();
    String buckets = "gs://" + project + "-" + name + "-";
    String accounts = "@" + project + ".iam.gserviceaccount.com";
    ObjectNode made = JsonNodeFactory.instance.objectNode();
    made.putObject("registry")
        .put("repository", region + "-docker.pkg.dev/" + project + "/" + name);
    made.putObject("storage")
        .put("template_folder", buckets + "artifacts/templates")
        .put("staging_folder", buckets + "staging");
    made.putObject("network")
        .put(
            "subnetwork",
            "https://www.googleapis.com/compute/v1/projects/"
                + project
                + "/regions/"
                + region
                + "/subnetworks/"
                + name
                + "-workers");
    made.putObject("accounts")
        .put("worker_email", name + "-worker" + accounts)
        .put("launcher_email", name + "-launcher" + accounts);
    var token = made.putArray("hub_token");
    if (var.path("hub_access").booleanValue()) {
      token
          .addObject()
          .put(
              "version_name",
              "projects/" + project + "/secrets/" + name + "-hub-token/versions/latest");
    }
    return made;
  }
}
