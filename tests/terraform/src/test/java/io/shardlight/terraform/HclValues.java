package io.shardlight.terraform;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.BooleanNode;
import com.fasterxml.jackson.databind.node.DecimalNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.NullNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Computes the values of expressions, for machines without terraform. It knows the part of the
 * language that a launch request is written in and refuses all else; where terraform is installed,
 * a test holds the two to the same values.
 */
final class HclValues {
  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;
  private static final Pattern NAME = Pattern.compile("[A-Za-z_][\\w-]*");
  private static final Pattern NUMBER = Pattern.compile("[0-9]+(\\.[0-9]+)?");

  private final String text;
  private final String where;
  private final Map<String, Function<String, JsonNode>> roots;
  private int at;

  private HclValues(String text, String where, Map<String, Function<String, JsonNode>> roots) {
    this.text = text;
    this.where = where;
    this.roots = roots;
  }

  /**
   * @param roots of references, {@code var} and the like, each from the second part of a name to
   *     its value
   * @throws IllegalArgumentException if the expression has what is not known here, with its place
   */
  static JsonNode of(HclExpression expression, Map<String, Function<String, JsonNode>> roots) {
    HclValues values = new HclValues(expression.text(), expression.where(), roots);
    JsonNode value = values.conditional();
    values.space();
    if (values.at < values.text.length()) {
      throw values.unknown();
    }
    return value;
  }

  /** The root of names that are entries of an object; without one they are an error. */
  static Function<String, JsonNode> entries(JsonNode object) {
    return name -> {
      JsonNode value = object.get(name);
      if (value == null) {
        throw new IllegalArgumentException("no entry \"" + name + "\" in " + object);
      }
      return value;
    };
  }

  /** The locals of a module, each computed when it is asked for. */
  static Function<String, JsonNode> locals(
      TerraformModule module, Map<String, Function<String, JsonNode>> others) {
    Map<String, HclExpression> all = new LinkedHashMap<>();
    module.blocks("locals").forEach(block -> all.putAll(block.attributes()));
    Map<String, Function<String, JsonNode>> roots = new LinkedHashMap<>(others);
    Function<String, JsonNode> locals =
        name -> {
          HclExpression local = all.get(name);
          if (local == null) {
            throw new IllegalArgumentException(module + " has no local." + name);
          }
          return of(local, roots);
        };
    roots.put("local", locals);
    return locals;
  }

  /** Of a condition both sides are computed, so that neither may name what is not there. */
  private JsonNode conditional() {
    JsonNode condition = comparison();
    if (!take("?")) {
      return condition;
    }
    JsonNode yes = conditional();
    expect(":");
    JsonNode no = conditional();
    return condition.booleanValue() ? yes : no;
  }

  private JsonNode comparison() {
    JsonNode left = traversal();
    if (take("==")) {
      return BooleanNode.valueOf(left.equals(traversal()));
    }
    if (take("!=")) {
      return BooleanNode.valueOf(!left.equals(traversal()));
    }
    return left;
  }

  private JsonNode traversal() {
    JsonNode value = primary();
    while (true) {
      if (take("[*].")) {
        String name = name();
        ArrayNode all = JSON.arrayNode();
        value.forEach(one -> all.add(entries(one).apply(name)));
        value = all;
      } else if (take("[")) {
        JsonNode index = conditional();
        expect("]");
        value = entries(value).apply(index.textValue());
      } else if (take(".")) {
        value = entries(value).apply(name());
      } else {
        return value;
      }
    }
  }

  private JsonNode primary() {
    space();
    if (take("\"")) {
      return string();
    }
    if (take("{")) {
      return take("for ") ? objectOfAll() : object();
    }
    if (take("[")) {
      return list();
    }
    if (take("(")) {
      JsonNode value = conditional();
      expect(")");
      return value;
    }
    Matcher number = NUMBER.matcher(text).region(at, text.length());
    if (number.lookingAt()) {
      at = number.end();
      return DecimalNode.valueOf(new BigDecimal(number.group()));
    }
    String name = name();
    return switch (name) {
      case "true" -> BooleanNode.TRUE;
      case "false" -> BooleanNode.FALSE;
      case "null" -> NullNode.instance;
      default -> take("(") ? call(name) : reference(name);
    };
  }

  private JsonNode reference(String root) {
    Function<String, JsonNode> names = roots.get(root);
    if (names == null) {
      throw new IllegalArgumentException(where + ": nothing is called " + root);
    }
    if (!take(".")) {
      return names.apply(""); // A variable of a loop.
    }
    String name = name();
    try {
      return names.apply(name);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(where + ": " + root + "." + name + ": " + e.getMessage());
    }
  }

  private JsonNode call(String function) {
    List<JsonNode> arguments = new ArrayList<>();
    while (!take(")")) {
      arguments.add(conditional());
      take(",");
    }
    return switch (function) {
      case "merge" -> {
        ObjectNode all = JSON.objectNode();
        arguments.forEach(one -> all.setAll((ObjectNode) one));
        yield all;
      }
      case "keys" -> {
        ArrayNode names = JSON.arrayNode();
        List<String> sorted = new ArrayList<>();
        arguments.get(0).fieldNames().forEachRemaining(sorted::add);
        sorted.stream().sorted().forEach(names::add);
        yield names;
      }
      case "one" -> arguments.get(0).isEmpty() ? NullNode.instance : arguments.get(0).get(0);
      default -> throw new IllegalArgumentException(where + ": " + function + "() is not known");
    };
  }

  private JsonNode object() {
    ObjectNode object = JSON.objectNode();
    while (!take("}")) {
      String key = take("\"") ? string().textValue() : name();
      if (!take("=")) {
        expect(":");
      }
      object.set(key, conditional());
      take(",");
    }
    return object;
  }

  private JsonNode list() {
    ArrayNode list = JSON.arrayNode();
    while (!take("]")) {
      list.add(conditional());
      take(",");
    }
    return list;
  }

  /** Behind the brace and {@code for}: {@code key, value in all : key => value if …}. */
  private JsonNode objectOfAll() {
    String first = name();
    boolean two = take(",");
    String second = two ? name() : first;
    expect("in ");
    JsonNode all = conditional();
    expect(":");
    int body = at;
    ObjectNode object = JSON.objectNode();
    List<Map.Entry<JsonNode, JsonNode>> items = new ArrayList<>();
    if (all.isObject()) {
      all.fields()
          .forEachRemaining(
              field -> items.add(Map.entry(TextNode.valueOf(field.getKey()), field.getValue())));
    } else {
      all.forEach(one -> items.add(Map.entry(one, one)));
    }
    if (items.isEmpty()) {
      throw new IllegalArgumentException(where + ": a loop over nothing is not known here");
    }
    for (Map.Entry<JsonNode, JsonNode> item : items) {
      Map<String, Function<String, JsonNode>> inner = new LinkedHashMap<>(roots);
      inner.put(first, variable(two ? item.getKey() : item.getValue()));
      inner.put(second, variable(item.getValue()));
      HclValues loop = new HclValues(text, where, inner);
      loop.at = body;
      String key = loop.conditional().textValue();
      loop.expect("=>");
      JsonNode value = loop.conditional();
      if (!loop.take("if ") || loop.conditional().booleanValue()) {
        object.set(key, value);
      }
      loop.expect("}");
      at = loop.at;
    }
    return object;
  }

  private static Function<String, JsonNode> variable(JsonNode value) {
    return name -> name.isEmpty() ? value : entries(value).apply(name);
  }

  /** Behind the quote. */
  private JsonNode string() {
    StringBuilder string = new StringBuilder();
    while (!text.startsWith("\"", at)) {
      if (at >= text.length()) {
        throw unknown();
      }
      if (text.startsWith("$${", at)) {
        string.append("${");
        at += 3;
      } else if (text.startsWith("${", at)) {
        at += 2;
        string.append(conditional().asText());
        expect("}");
      } else if (text.startsWith("\\\"", at) || text.startsWith("\\\\", at)) {
        string.append(text.charAt(at + 1));
        at += 2;
      } else if (text.startsWith("\\", at)) {
        throw unknown();
      } else {
        string.append(text.charAt(at));
        at += 1;
      }
    }
    at += 1;
    return TextNode.valueOf(string.toString());
  }

  private String name() {
    space();
    Matcher name = NAME.matcher(text).region(at, text.length());
    if (!name.lookingAt()) {
      throw unknown();
    }
    at = name.end();
    return name.group();
  }

  private boolean take(String wanted) {
    space();
    if (!text.startsWith(wanted, at)) {
      return false;
    }
    at += wanted.length();
    return true;
  }

  private void expect(String wanted) {
    if (!take(wanted)) {
      throw unknown();
    }
  }

  private void space() {
    while (at < text.length()) {
      if (text.charAt(at) == '#') {
        int end = text.indexOf('\n', at);
        at = end < 0 ? text.length() : end;
      } else if (Character.isWhitespace(text.charAt(at))) {
        at += 1;
      } else {
        return;
      }
    }
  }

  private IllegalArgumentException unknown() {
    String rest = text.substring(at, Math.min(text.length(), at + 20));
    return new IllegalArgumentException(where + ": not known here: \"" + rest + "\"");
  }
}
