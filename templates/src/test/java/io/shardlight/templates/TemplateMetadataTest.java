package io.shardlight.templates;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.shardlight.pipeline.GenerateOptions;
import io.shardlight.pipeline.JobSubmission;
import io.shardlight.pipeline.Option;
import io.shardlight.pipeline.OptionGroup;
import io.shardlight.pipeline.OptionSpec;
import java.beans.Introspector;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import org.apache.beam.sdk.options.Description;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class TemplateMetadataTest {
  /** What Dataflow's service and console read of a parameter. */
  private static final Set<String> KEYS =
      Set.of(
          "name",
          "label",
          "helpText",
          "isOptional",
          "regexes",
          "paramType",
          "enumOptions",
          "defaultValue",
          "groupName");

  private static final Set<String> TYPES =
      Set.of(
          "TEXT",
          "NUMBER",
          "BOOLEAN",
          "ENUM",
          "GCS_READ_FILE",
          "GCS_READ_FOLDER",
          "GCS_WRITE_FOLDER");

  /** What people write who did not read help, and what a shell or a form makes of it. */
  private static final List<String> CARELESS =
      List.of(
          " ",
          "-1",
          "0",
          "1",
          "2",
          "7",
          "8",
          "12",
          "100",
          "101",
          "256",
          "257",
          "500",
          "512",
          "1000",
          "1001",
          "2048",
          "2056",
          "100000",
          "100001",
          "1000000",
          "1000001",
          "4294967295",
          "4294967296",
          "1.5",
          "0.01",
          "30.5",
          "1e3",
          "0x10",
          "007",
          "+3",
          " 5",
          "5 ",
          "yes",
          "True",
          "TRUE",
          "true false",
          "none",
          "null",
          "auto,8",
          "png,jpeg",
          "avro,",
          ",avro",
          "avro,parquet",
          "avro;parquet",
          "euler a",
          "gpu|tpu",
          "prompts.txt",
          "/mnt/prompts.txt",
          "file:///prompts.txt",
          "https://example.org/prompts.txt",
          "gs://",
          "gs:///prompts",
          "gs://b/",
          "gs://bucket",
          "GS://bucket/x",
          "s3://bucket/x",
          "hf://",
          "hf_abcdefghijklmnop",
          "projects/p/secrets/s",
          "projects/p/secrets/s/versions/latest",
          "nvidia-l4;count:2",
          "--steps=5");

  private final ObjectNode metadata = TemplateMetadata.json();

  static List<OptionSpec> parameters() {
    return TemplateParameters.all();
  }

  @Test
  void everyOptionOfGenerateIsAParameterOrLeftOutForAReason() {
    Set<String> options = new HashSet<>();
    JobSubmission.options().forEach(spec -> options.add(spec.name()));
    Map<String, String> leftOut = TemplateParameters.leftOut();
    Set<String> names = new HashSet<>();
    metadata.get("parameters").forEach(parameter -> names.add(parameter.get("name").asText()));

    assertThat(names).doesNotContainAnyElementsOf(leftOut.keySet());
    names.addAll(leftOut.keySet());
    assertThat(names).isEqualTo(options);
    assertThat(leftOut.values()).allMatch(reason -> reason.length() > 20);
  }

  @Test
  void namesAreThePropertiesThatBeamReads() throws Exception {
    List<String> properties =
        Arrays.stream(Introspector.getBeanInfo(GenerateOptions.class).getPropertyDescriptors())
            .map(property -> property.getName())
            .toList();

    assertThat(parameters()).extracting(OptionSpec::name).isSubsetOf(properties);
  }

  /** Everybody who may look at a job sees its parameters. */
  @Test
  void hasTheNameOfASecretAndNoSecret() {
    assertThat(parameters())
        .extracting(OptionSpec::name)
        .contains("hfTokenSecret")
        .allMatch(
            name -> name.equals("hfTokenSecret") || !name.matches("(?i).*(token|key|pass).*"));
    assertThat(Pattern.compile(regex("hfTokenSecret")).matcher("hf_abcdefghijklmnop").find())
        .isFalse();
  }

  @Test
  void hasTheKeysThatDataflowKnowsAndNoOthers() {
    assertThat(metadata.fieldNames())
        .toIterable()
        .containsExactly(
            "name",
            "description",
            "streaming",
            "supportsAtLeastOnce",
            "supportsExactlyOnce",
            "parameters");
    List<String> labels = new ArrayList<>();
    for (JsonNode parameter : metadata.get("parameters")) {
      assertThat(parameter.fieldNames()).toIterable().isSubsetOf(KEYS);
      assertThat(parameter.fieldNames())
          .toIterable()
          .contains("name", "label", "helpText", "isOptional", "paramType", "groupName");
      assertThat(parameter.get("paramType").asText()).isIn(TYPES);
      assertThat(parameter.has("enumOptions"))
          .isEqualTo(parameter.get("paramType").asText().equals("ENUM"));
      assertThat(parameter.get("helpText").asText()).endsWith(".").doesNotContain("\n");
      labels.add(parameter.get("label").asText());
    }
    assertThat(labels).doesNotHaveDuplicates().contains("Images per prompt", "Prompt files");
  }

  @Test
  void asksForInputAndOutputOnlyAndShowsTheOthersDefaults() {
    List<String> required = new ArrayList<>();
    for (JsonNode parameter : metadata.get("parameters")) {
      if (!parameter.get("isOptional").asBoolean()) {
        required.add(parameter.get("name").asText());
      }
    }
    assertThat(required).containsExactly("input", "output");
    assertThat(parameter("shardSize").get("defaultValue").asText()).isEqualTo("1000");
    assertThat(parameter("layout").get("defaultValue").asText()).isEqualTo("webdataset");
    assertThat(parameter("saveAdditionalColumns").get("defaultValue").asText()).isEqualTo("true");
    assertThat(parameter("width").has("defaultValue")).isFalse();
    assertThat(parameter("width").get("helpText").asText()).contains("the model's own");
  }

  @Test
  void knowsWhatLiesInBuckets() {
    assertThat(parameter("input").get("paramType").asText()).isEqualTo("GCS_READ_FILE");
    assertThat(parameter("output").get("paramType").asText()).isEqualTo("GCS_WRITE_FOLDER");
    assertThat(parameter("wildcards").get("paramType").asText()).isEqualTo("GCS_READ_FOLDER");
    assertThat(parameter("imageFormat").get("enumOptions")).hasSize(3);
    assertThat(parameter("maxFailureRatio").get("paramType").asText()).isEqualTo("NUMBER");
    assertThat(parameter("expandTemplates").get("paramType").asText()).isEqualTo("BOOLEAN");
  }

  @ParameterizedTest
  @MethodSource("parameters")
  void itsOwnExampleDefaultAndValuesMatch(OptionSpec spec) throws Exception {
    List<String> right = new ArrayList<>();
    Optional.of(TemplateMetadata.example(spec)).filter(e -> !e.isEmpty()).ifPresent(right::add);
    spec.defaultValue().ifPresent(right::add);
    right.addAll(List.of(spec.limits().values()));
    if (!spec.required()) {
      right.add(""); // As a form sends a field that was left empty.
    }
    Optional<String> expression = ParameterPattern.of(spec);
    if (expression.isPresent()) {
      assertThat(Grep.matching(expression.get(), right)).isEqualTo(right);
      assertThat(right).allMatch(value -> matches(expression.get(), value));
    }
    assertThat(right).allMatch(value -> value.isEmpty() || spec.problem(value).isEmpty());
  }

  /** Else a launch that passed Dataflow's checks would fail in the launcher. */
  @ParameterizedTest
  @MethodSource("parameters")
  void refusesWhatThePipelineRefuses(OptionSpec spec) throws Exception {
    Optional<String> expression = ParameterPattern.of(spec);
    if (expression.isEmpty()) {
      assertThat(spec.kind()).isEqualTo(OptionSpec.Kind.TEXT);
      return;
    }
    List<String> accepted =
        CARELESS.stream().filter(value -> matches(expression.get(), value)).toList();

    assertThat(accepted).allMatch(value -> spec.problem(value).isEmpty());
    assertThat(Grep.matching(expression.get(), CARELESS)).isEqualTo(accepted);
    // None says so little that it takes all of these.
    assertThat(accepted.size()).isLessThan(CARELESS.size() / 2);
  }

  /** What each expression is for, seen at a value that is nearly right. */
  @Test
  void refusesWhatIsNearlyRight() throws Exception {
    Map<String, List<String>> wrong =
        Map.ofEntries(
            Map.entry("input", List.of("prompts.txt", "gs://bucket", "gs:/bucket/x", "")),
            Map.entry("output", List.of("out", "gs://", "gs://B/x", "")),
            Map.entry("wildcards", List.of("wildcards", "gs://")),
            Map.entry("model", List.of("models/sd", "CompVis/stable-diffusion-v1-4", "demo2")),
            Map.entry("width", List.of("500", "0", "2056", "512.0", "512px")),
            Map.entry("steps", List.of("0", "1001", "20.5")),
            Map.entry("guidanceScale", List.of("-1", "30.1", "seven")),
            Map.entry("seed", List.of("-1", "4294967296", "1.0")),
            Map.entry("scheduler", List.of("ddpm", "euler-a", "ddim ")),
            Map.entry("mode", List.of("retry_failed", "replace")),
            Map.entry("manifestFormat", List.of("csv", "avro,csv", "avro,,jsonl")),
            Map.entry("devices", List.of("0", "all", "10000")),
            Map.entry("saveAdditionalColumns", List.of("yes", "1")),
            Map.entry("maxFailureRatio", List.of("1.5", "10%", "-0.1")));
    for (Map.Entry<String, List<String>> entry : wrong.entrySet()) {
      String expression = regex(entry.getKey());
      assertThat(Grep.matching(expression, entry.getValue())).as(entry.getKey()).isEmpty();
      assertThat(entry.getValue()).noneMatch(value -> matches(expression, value));
    }
  }

  /** Patterns of other engines would be refused, or mean something else, in Dataflow's. */
  @Test
  void everyExpressionIsWrittenInWhatPosixHas() {
    for (OptionSpec spec : parameters()) {
      ParameterPattern.of(spec)
          .ifPresent(
              expression -> {
                assertThat(expression).startsWith("^(").matches(".*\\)\\??\\$");
                assertThat(expression).doesNotContain("\\", "(?", "*?", "+?", "[[");
              });
    }
  }

  interface Foreign {
    @Description("A number of digits.")
    @Option(group = OptionGroup.IMAGES, order = 1, pattern = "\\d+")
    String getDigits();

    @Description("As few as possible.")
    @Option(group = OptionGroup.IMAGES, order = 2, pattern = "a+?b")
    String getFew();

    @Description("Looks ahead.")
    @Option(group = OptionGroup.IMAGES, order = 3, pattern = "(?!x).*")
    String getAhead();

    @Description("Any case.")
    @Option(group = OptionGroup.IMAGES, order = 4, pattern = "(?i)(a|b)+")
    String getLetters();
  }

  @Test
  void anOptionWithAPatternOfJavasOwnStopsTheBuild() throws Exception {
    for (String getter : List.of("getDigits", "getFew", "getAhead")) {
      assertThatThrownBy(() -> ParameterPattern.of(foreign(getter)))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining(foreign(getter).name())
          .hasMessageContaining("POSIX");
    }
    assertThat(ParameterPattern.of(foreign("getLetters"))).contains("^((a|b)+)?$");
  }

  /** The file in the jar, which the build made, is of this code. */
  @Test
  void theBuildWroteIt() throws Exception {
    try (InputStream in = TemplateMetadata.class.getResourceAsStream("/metadata.json")) {
      assertThat(in).isNotNull();
      assertThat(new String(in.readAllBytes(), StandardCharsets.UTF_8))
          .isEqualTo(TemplateMetadata.text(metadata));
    }
  }

  private static OptionSpec foreign(String getter) throws NoSuchMethodException {
    var method = Foreign.class.getMethod(getter);
    return OptionSpec.of(method, method.getAnnotation(Option.class));
  }

  private static boolean matches(String expression, String value) {
    return Pattern.compile(expression).matcher(value).find();
  }

  private String regex(String name) {
    return parameter(name).get("regexes").get(0).asText();
  }

  private JsonNode parameter(String name) {
    for (JsonNode parameter : metadata.get("parameters")) {
      if (parameter.get("name").asText().equals(name)) {
        return parameter;
      }
    }
    throw new AssertionError("no parameter " + name);
  }
}
