package io.shardlight.data;

import com.fasterxml.jackson.databind.JsonNode;
import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;
import java.util.Iterator;
import java.util.Locale;
import java.util.TreeSet;

/**
 * JSON with one text for one value, to be hashed: keys sorted, no spaces, non-ASCII as it is, only
 * {@code " \} and control characters escaped (as RFC 8785 does), numbers in plain decimals without
 * trailing zeros. Python's {@code json.dumps(x, sort_keys=True, separators=(",", ":"),
 * ensure_ascii=False)} writes the same for text and integers, but not for fractions that it writes
 * with an exponent or a trailing zero ({@code 1.0}, {@code 1e-07}), nor does it order names beyond
 * the Basic Multilingual Plane as Java does, by UTF-16 units.
 */
public final class CanonicalJson {
  private CanonicalJson() {}

  public static String write(JsonNode value) {
    StringBuilder text = new StringBuilder();
    append(value, text);
    return text.toString();
  }

  /**
   * The fewest decimals that give back the float, on every Java version, which {@link
   * Float#toString} does not promise.
   */
  public static BigDecimal shortest(float value) {
    BigDecimal exact = new BigDecimal(value);
    for (int digits = 1; digits < 9; digits++) {
      BigDecimal rounded = exact.round(new MathContext(digits, RoundingMode.HALF_EVEN));
      if (rounded.floatValue() == value) {
        return plain(rounded);
      }
    }
    return plain(exact.round(new MathContext(9, RoundingMode.HALF_EVEN)));
  }

  /** Without trailing zeros behind the point, and without an exponent. */
  private static BigDecimal plain(BigDecimal value) {
    BigDecimal stripped = value.stripTrailingZeros();
    return stripped.scale() < 0 ? stripped.setScale(0) : stripped;
  }

  private static void append(JsonNode value, StringBuilder text) {
    switch (value.getNodeType()) {
      case OBJECT -> {
        TreeSet<String> names = new TreeSet<>();
        value.fieldNames().forEachRemaining(names::add);
        String separator = "{";
        for (String name : names) {
          text.append(separator);
          quote(name, text);
          text.append(':');
          append(value.get(name), text);
          separator = ",";
        }
        text.append(names.isEmpty() ? "{}" : "}");
      }
      case ARRAY -> {
        text.append('[');
        for (Iterator<JsonNode> items = value.elements(); items.hasNext(); ) {
          append(items.next(), text);
          text.append(items.hasNext() ? "," : "");
        }
        text.append(']');
      }
      case NUMBER -> text.append(number(value));
      case STRING -> quote(value.textValue(), text);
      case BOOLEAN, NULL -> text.append(value.asText());
      default ->
          throw new IllegalArgumentException("no canonical JSON for a " + value.getNodeType());
    }
  }

  private static String number(JsonNode value) {
    BigDecimal decimal = value.decimalValue();
    return decimal.signum() == 0 ? "0" : decimal.stripTrailingZeros().toPlainString();
  }

  private static void quote(String string, StringBuilder text) {
    text.append('"');
    for (int i = 0; i < string.length(); i++) {
      char c = string.charAt(i);
      switch (c) {
        case '"' -> text.append("\\\"");
        case '\\' -> text.append("\\\\");
        case '\b' -> text.append("\\b");
        case '\f' -> text.append("\\f");
        case '\n' -> text.append("\\n");
        case '\r' -> text.append("\\r");
        case '\t' -> text.append("\\t");
        default -> {
          if (c < 0x20) {
            text.append(String.format(Locale.ROOT, "\\u%04x", (int) c));
          } else {
            text.append(c);
          }
        }
      }
    }
    text.append('"');
  }
}
