package io.shardlight.data;

import com.fasterxml.jackson.databind.JsonNode;
import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;

/**
 * JSON with one text for one value, to be hashed: keys sorted, no spaces, non-ASCII as it is, only
 * {@code " \} and control characters escaped (as RFC 8785 does), numbers in plain decimals without
 * trailing zeros. Python's {@code json.dumps(x, sort_keys=True, separators=(",", ":"),
 * ensure_ascii=False)} writes the same for text and integers, but not for fractions that it writes
 * with an exponent or a trailing zero ({@code 1.0}, {@code 1e-07}), nor does it order names beyond
 * the Basic Multilingual Plane as Java does, by UTF-16 units.
 */
public final class CanonicalJson {
  private record Decimal(int bits, BigDecimal decimal) {}

  /**
   * Almost all examples of a job have the same guidance scale, and finding its digits takes long.
   */
  private static volatile Decimal lastDecimal = new Decimal(0, BigDecimal.ZERO);

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
    Decimal known = lastDecimal;
    if (known.bits() != Float.floatToRawIntBits(value)) {
      known = new Decimal(Float.floatToRawIntBits(value), search(value));
      lastDecimal = known;
    }
    return known.decimal();
  }

  private static BigDecimal search(float value) {
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
        List<String> names = new ArrayList<>(value.size());
        value.fieldNames().forEachRemaining(names::add);
        Collections.sort(names);
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
      case NUMBER -> number(value, text);
      case STRING -> quote(value.textValue(), text);
      case BOOLEAN, NULL -> text.append(value.asText());
      default ->
          throw new IllegalArgumentException("no canonical JSON for a " + value.getNodeType());
    }
  }

  private static void number(JsonNode value, StringBuilder text) {
    if (value.isIntegralNumber() && value.canConvertToLong()) {
      text.append(value.longValue());
      return;
    }
    BigDecimal decimal = value.decimalValue();
    text.append(decimal.signum() == 0 ? "0" : decimal.stripTrailingZeros().toPlainString());
  }

  private static void quote(String string, StringBuilder text) {
    text.append('"');
    int from = 0;
    for (int i = 0; i < string.length(); i++) {
      char c = string.charAt(i);
      if (c >= 0x20 && c != '"' && c != '\\') {
        continue;
      }
      text.append(string, from, i);
      from = i + 1;
      switch (c) {
        case '"' -> text.append("\\\"");
        case '\\' -> text.append("\\\\");
        case '\b' -> text.append("\\b");
        case '\f' -> text.append("\\f");
        case '\n' -> text.append("\\n");
        case '\r' -> text.append("\\r");
        case '\t' -> text.append("\\t");
        default -> text.append(String.format(Locale.ROOT, "\\u%04x", (int) c));
      }
    }
    text.append(string, from, string.length()).append('"');
  }
}
