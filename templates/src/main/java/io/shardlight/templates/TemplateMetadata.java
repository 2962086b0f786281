package io.shardlight.templates;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.util.DefaultIndenter;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.shardlight.pipeline.Option;
import io.shardlight.pipeline.OptionSpec;
import java.util.Locale;

/**
 * What Dataflow and its console know of the template: name, description, and for each parameter
 * what help says of the option. Made of the options' annotations alone.
 *
 * @see <a
 *     href="https://cloud.google.com/dataflow/docs/guides/templates/configuring-flex-templates">
 *     Configure Flex Templates</a>
 */
final class TemplateMetadata {
  private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

  private TemplateMetadata() {}

  /** The whole of {@code metadata.json}. */
  static ObjectNode json() {
    ObjectNode json = NODES.objectNode();
    json.put("name", "Prompts to images");
    json.put(
        "description",
        "Turns prompt files into a resumable, reproducible image dataset with Stable Diffusion:"
            + " images, a manifest with a row an image, and a dataset card, in Cloud Storage.");
    json.put("streaming", false);
    json.put("supportsAtLeastOnce", false);
    json.put("supportsExactlyOnce", true);
    ArrayNode parameters = json.putArray("parameters");
    for (OptionSpec spec : TemplateParameters.all()) {
      parameters.add(parameter(spec));
    }
    return json;
  }

  /**
   * The file that a template is launched by, which lies in a bucket.
   *
   * @param image of launcher and workers, by a tag of its own or a digest
   */
  static ObjectNode containerSpec(String image) {
    ObjectNode json = NODES.objectNode();
    json.put("image", image);
    json.set("metadata", json());
    json.putObject("sdkInfo").put("language", "JAVA");
    // Workers are containers of the same image, unless a launch names another one.
    json.putObject("defaultEnvironment").put("sdkContainerImage", image);
    return json;
  }

  /** Indented by two spaces, with a new line at the end. */
  static String text(JsonNode json) {
    DefaultPrettyPrinter printer = new DefaultPrettyPrinter();
    DefaultIndenter indenter = new DefaultIndenter("  ", "\n");
    printer.indentObjectsWith(indenter);
    printer.indentArraysWith(indenter);
    try {
      return new ObjectMapper().writer(printer).writeValueAsString(json) + "\n";
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a tree of JSON nodes can always be written", e);
    }
  }

  private static ObjectNode parameter(OptionSpec spec) {
    Option limits = spec.limits();
    ObjectNode json = NODES.objectNode();
    json.put("name", spec.name());
    json.put("label", label(spec));
    json.put("helpText", helpText(spec));
    json.put("groupName", limits.group().title());
    json.put("isOptional", !spec.required());
    ParameterPattern.of(spec).ifPresent(pattern -> json.putArray("regexes").add(pattern));
    json.put("paramType", type(spec));
    if (limits.values().length > 0) {
      ArrayNode values = json.putArray("enumOptions");
      for (String value : limits.values()) {
        values.addObject().put("value", value).put("label", value);
      }
    }
    spec.defaultValue()
        .filter(value -> !value.isEmpty())
        .ifPresent(value -> json.put("defaultValue", value));
    return json;
  }

  private static String type(OptionSpec spec) {
    if (spec.limits().values().length > 0) {
      return "ENUM";
    }
    return switch (spec.limits().stored()) {
      case FILES_TO_READ -> "GCS_READ_FILE";
      case FOLDER_TO_READ -> "GCS_READ_FOLDER";
      case FOLDER_TO_WRITE -> "GCS_WRITE_FOLDER";
      case NOTHING ->
          switch (spec.kind()) {
            case SWITCH -> "BOOLEAN";
            case WHOLE_NUMBER, NUMBER -> "NUMBER";
            case TEXT -> "TEXT";
          };
    };
  }

  /** {@code imagesPerPrompt} becomes "Images per prompt" where nothing better is said. */
  static String label(OptionSpec spec) {
    if (!spec.limits().label().isEmpty()) {
      return spec.limits().label();
    }
    String words = spec.name().replaceAll("([a-z])([A-Z])", "$1 $2").toLowerCase(Locale.ROOT);
    return words.substring(0, 1).toUpperCase(Locale.ROOT) + words.substring(1);
  }

  /** Description, range, default and example, as help has them. */
  private static String helpText(OptionSpec spec) {
    StringBuilder text = new StringBuilder(spec.description());
    if (spec.limits().values().length == 0 && isNumber(spec)) {
      String range = spec.rangeText();
      text.append(' ')
          .append(range.substring(0, 1).toUpperCase(Locale.ROOT))
          .append(range.substring(1))
          .append('.');
    }
    if (!spec.limits().defaultText().isEmpty()) {
      text.append(" Default: ").append(spec.limits().defaultText()).append('.');
    }
    if (spec.limits().stored() != Option.Stored.NOTHING) {
      text.append(" A template's job reads and writes gs:// only.");
    }
    String example = example(spec);
    if (!example.isEmpty()) {
      text.append(" For example, `").append(example).append("`.");
    }
    return text.toString();
  }

  private static boolean isNumber(OptionSpec spec) {
    return spec.kind() == OptionSpec.Kind.WHOLE_NUMBER || spec.kind() == OptionSpec.Kind.NUMBER;
  }

  /** A value that a launch may have; empty if help has none either. */
  static String example(OptionSpec spec) {
    String cloud = spec.limits().cloudExample();
    String example = cloud.isEmpty() ? spec.limits().example() : cloud;
    // On a command line a value with spaces stands in quotes; in a form it does not.
    return example.replaceFirst("^\"(.*)\"$", "$1");
  }
}
