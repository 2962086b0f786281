package io.shardlight.terraform;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.shardlight.templates.FlexTemplate;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;

/**
 * The parameters of the Flex Template, as its metadata tells Dataflow, which looks at them first.
 */
final class TemplateForm {
  private final Map<String, JsonNode> parameters = new TreeMap<>();

  private TemplateForm() {}

  static TemplateForm read() throws IOException {
    TemplateForm form = new TemplateForm();
    try (InputStream in =
        Objects.requireNonNull(FlexTemplate.class.getResourceAsStream("/metadata.json"))) {
      for (JsonNode parameter : new ObjectMapper().readTree(in).get("parameters")) {
        form.parameters.put(parameter.get("name").textValue(), parameter);
      }
    }
    return form;
  }

  Set<String> names() {
    return parameters.keySet();
  }

  /** A line for each parameter that Dataflow would refuse, and for each that is missing. */
  List<String> problems(Map<String, String> launch) {
    List<String> problems = new ArrayList<>();
    launch.forEach(
        (name, value) -> {
          JsonNode parameter = parameters.get(name);
          if (parameter == null) {
            problems.add(name + ": no parameter of the template");
            return;
          }
          for (JsonNode expression : parameter.path("regexes")) {
            if (!value.matches(expression.textValue())) {
              problems.add(name + "=" + value + ": does not match " + expression.textValue());
            }
          }
        });
    parameters.forEach(
        (name, parameter) -> {
          if (!parameter.path("isOptional").booleanValue() && !launch.containsKey(name)) {
            problems.add(name + ": missing");
          }
        });
    return problems;
  }
}
