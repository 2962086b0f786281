package io.shardlight.prompts;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.DecimalNode;
import com.fasterxml.jackson.databind.node.NullNode;
import com.fasterxml.jackson.databind.node.TextNode;
import io.shardlight.data.CanonicalJson;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Base64;
import java.util.Optional;

/**
 * Values of binary formats as JSON would spell them, so that every format gives the same columns.
 */
final class ColumnValues {
  private ColumnValues() {}

  /** As Python and JSON write it: {@code 7.0}, {@code 0.25}. Not a number is no value. */
  static JsonNode of(double number) {
    return Double.isFinite(number) ? decimal(BigDecimal.valueOf(number)) : notFinite(number);
  }

  /** With the fewest digits that give back the float. */
  static JsonNode of(float number) {
    return Float.isFinite(number) ? decimal(CanonicalJson.shortest(number)) : notFinite(number);
  }

  static JsonNode of(BigDecimal number) {
    return DecimalNode.valueOf(number);
  }

  /**
   * @throws IllegalArgumentException if the bytes are not UTF-8
   */
  static JsonNode text(ByteBuffer bytes) {
    return decoded(bytes)
        .orElseThrow(() -> new IllegalArgumentException("wanted UTF-8, but found other bytes"));
  }

  /** Text where it is UTF-8, and otherwise base 64, as JSON has no bytes. */
  static JsonNode textOrBase64(ByteBuffer bytes) {
    return decoded(bytes).orElseGet(() -> base64(bytes));
  }

  static JsonNode base64(ByteBuffer bytes) {
    byte[] copy = new byte[bytes.remaining()];
    bytes.duplicate().get(copy);
    return TextNode.valueOf(Base64.getEncoder().encodeToString(copy));
  }

  /** A point in time, counted from 1970 in UTC: {@code 2026-01-31T12:00:00Z}. */
  static JsonNode instant(long count, ChronoUnit unit) {
    return TextNode.valueOf(Instant.EPOCH.plus(count, unit).toString());
  }

  /** A date and time of day in no particular zone: {@code 2026-01-31T12:00:00}. */
  static JsonNode localTime(long count, ChronoUnit unit) {
    String instant = Instant.EPOCH.plus(count, unit).toString();
    return TextNode.valueOf(instant.substring(0, instant.length() - 1));
  }

  private static Optional<JsonNode> decoded(ByteBuffer bytes) {
    try {
      // A new decoder reports what it can't decode.
      return Optional.of(
          TextNode.valueOf(
              StandardCharsets.UTF_8.newDecoder().decode(bytes.duplicate()).toString()));
    } catch (CharacterCodingException e) {
      return Optional.empty();
    }
  }

  private static JsonNode decimal(BigDecimal number) {
    BigDecimal magnitude = number.abs();
    boolean plain =
        magnitude.signum() == 0
            || (magnitude.compareTo(new BigDecimal("1e-4")) >= 0
                && magnitude.compareTo(new BigDecimal("1e16")) < 0);
    return DecimalNode.valueOf(plain ? number.setScale(Math.max(1, number.scale())) : number);
  }

  private static JsonNode notFinite(double number) {
    return Double.isNaN(number)
        ? NullNode.getInstance()
        : TextNode.valueOf(Double.toString(number));
  }
}
