package io.shardlight.prompts;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.BooleanNode;
import com.fasterxml.jackson.databind.node.IntNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.LongNode;
import com.fasterxml.jackson.databind.node.NullNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.time.LocalDate;
import java.time.LocalTime;
import java.time.temporal.ChronoUnit;
import java.util.Collection;
import java.util.Map;
import org.apache.avro.LogicalType;
import org.apache.avro.LogicalTypes;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericFixed;
import org.apache.avro.generic.IndexedRecord;
import org.apache.avro.util.Utf8;
import org.jspecify.annotations.Nullable;

/**
 * Avro values as JSON: unions as what they hold, dates, times and decimals as their logical type
 * says, bytes in base 64.
 */
final class AvroJson {
  private AvroJson() {}

  static JsonNode of(Schema schema, @Nullable Object value) {
    if (value == null) {
      return NullNode.getInstance();
    }
    return switch (schema.getType()) {
      case NULL -> NullNode.getInstance();
      case BOOLEAN -> BooleanNode.valueOf((Boolean) value);
      case INT -> ofInt(schema.getLogicalType(), (Integer) value);
      case LONG -> ofLong(schema.getLogicalType(), (Long) value);
      case FLOAT -> ColumnValues.of((Float) value);
      case DOUBLE -> ColumnValues.of((Double) value);
      case STRING ->
          value instanceof Utf8 text
              ? ColumnValues.text(ByteBuffer.wrap(text.getBytes(), 0, text.getByteLength()))
              : TextNode.valueOf(value.toString());
      case ENUM -> TextNode.valueOf(value.toString());
      case BYTES -> ofBytes(schema.getLogicalType(), (ByteBuffer) value);
      case FIXED ->
          ofBytes(schema.getLogicalType(), ByteBuffer.wrap(((GenericFixed) value).bytes()));
      case UNION -> of(schema.getTypes().get(GenericData.get().resolveUnion(schema, value)), value);
      case ARRAY -> {
        ArrayNode array = JsonNodeFactory.instance.arrayNode();
        ((Collection<?>) value).forEach(item -> array.add(of(schema.getElementType(), item)));
        yield array;
      }
      case MAP -> {
        ObjectNode object = JsonNodeFactory.instance.objectNode();
        ((Map<?, ?>) value)
            .forEach((key, item) -> object.set(key.toString(), of(schema.getValueType(), item)));
        yield object;
      }
      case RECORD -> {
        ObjectNode object = JsonNodeFactory.instance.objectNode();
        for (Schema.Field field : schema.getFields()) {
          object.set(field.name(), of(field.schema(), ((IndexedRecord) value).get(field.pos())));
        }
        yield object;
      }
    };
  }

  private static JsonNode ofInt(@Nullable LogicalType type, int value) {
    if (type instanceof LogicalTypes.Date) {
      return TextNode.valueOf(LocalDate.ofEpochDay(value).toString());
    }
    if (type instanceof LogicalTypes.TimeMillis) {
      return TextNode.valueOf(LocalTime.ofNanoOfDay(value * 1_000_000L).toString());
    }
    return IntNode.valueOf(value);
  }

  private static JsonNode ofLong(@Nullable LogicalType type, long value) {
    if (type instanceof LogicalTypes.TimeMicros) {
      return TextNode.valueOf(LocalTime.ofNanoOfDay(value * 1000).toString());
    }
    if (type instanceof LogicalTypes.TimestampMillis) {
      return ColumnValues.instant(value, ChronoUnit.MILLIS);
    }
    if (type instanceof LogicalTypes.TimestampMicros) {
      return ColumnValues.instant(value, ChronoUnit.MICROS);
    }
    if (type instanceof LogicalTypes.LocalTimestampMillis) {
      return ColumnValues.localTime(value, ChronoUnit.MILLIS);
    }
    if (type instanceof LogicalTypes.LocalTimestampMicros) {
      return ColumnValues.localTime(value, ChronoUnit.MICROS);
    }
    return LongNode.valueOf(value);
  }

  private static JsonNode ofBytes(@Nullable LogicalType type, ByteBuffer value) {
    if (type instanceof LogicalTypes.Decimal decimal) {
      byte[] unscaled = new byte[value.remaining()];
      value.duplicate().get(unscaled);
      return ColumnValues.of(new BigDecimal(new BigInteger(unscaled), decimal.getScale()));
    }
    return ColumnValues.base64(value);
  }
}
