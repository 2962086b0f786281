package io.shardlight.prompts;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.BigIntegerNode;
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
import java.nio.ByteOrder;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalTime;
import java.time.temporal.ChronoUnit;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.UUID;
import org.apache.parquet.example.data.Group;
import org.apache.parquet.schema.GroupType;
import org.apache.parquet.schema.LogicalTypeAnnotation;
import org.apache.parquet.schema.LogicalTypeAnnotation.DecimalLogicalTypeAnnotation;
import org.apache.parquet.schema.LogicalTypeAnnotation.IntLogicalTypeAnnotation;
import org.apache.parquet.schema.LogicalTypeAnnotation.ListLogicalTypeAnnotation;
import org.apache.parquet.schema.LogicalTypeAnnotation.MapLogicalTypeAnnotation;
import org.apache.parquet.schema.LogicalTypeAnnotation.StringLogicalTypeAnnotation;
import org.apache.parquet.schema.LogicalTypeAnnotation.TimeLogicalTypeAnnotation;
import org.apache.parquet.schema.LogicalTypeAnnotation.TimestampLogicalTypeAnnotation;
import org.apache.parquet.schema.LogicalTypeAnnotation.UUIDLogicalTypeAnnotation;
import org.apache.parquet.schema.Type;
import org.jspecify.annotations.Nullable;

/** Rows of a Parquet file as JSON, their lists and maps without the groups that spell them. */
final class ParquetJson {
  /** The Julian day of 1970-01-01. */
  private static final int EPOCH_DAY = 2_440_588;

  private ParquetJson() {}

  /**
   * @throws IllegalArgumentException if a text is not UTF-8
   */
  static Map<String, JsonNode> columns(GroupType schema, Group row) {
    Map<String, JsonNode> columns = new LinkedHashMap<>();
    for (int i = 0; i < schema.getFieldCount(); i++) {
      columns.put(schema.getFieldName(i), field(schema.getType(i), row, i));
    }
    return columns;
  }

  private static JsonNode field(Type type, Group group, int field) {
    int count = group.getFieldRepetitionCount(field);
    if (type.isRepetition(Type.Repetition.REPEATED)) {
      ArrayNode array = JsonNodeFactory.instance.arrayNode();
      for (int i = 0; i < count; i++) {
        array.add(value(type, group, field, i));
      }
      return array;
    }
    return count == 0 ? NullNode.getInstance() : value(type, group, field, 0);
  }

  private static JsonNode value(Type type, Group group, int field, int index) {
    if (type.isPrimitive()) {
      return primitive(type, group, field, index);
    }
    GroupType groupType = type.asGroupType();
    Group value = group.getGroup(field, index);
    LogicalTypeAnnotation logical = type.getLogicalTypeAnnotation();
    if (logical instanceof ListLogicalTypeAnnotation && groupType.getFieldCount() == 1) {
      return list(groupType.getType(0), value);
    }
    if (logical instanceof MapLogicalTypeAnnotation && groupType.getFieldCount() == 1) {
      return map(groupType.getType(0), value);
    }
    ObjectNode object = JsonNodeFactory.instance.objectNode();
    columns(groupType, value).forEach(object::set);
    return object;
  }

  /** Newer files wrap each element in a group of one field; older ones repeat the element. */
  private static JsonNode list(Type repeated, Group list) {
    ArrayNode array = JsonNodeFactory.instance.arrayNode();
    boolean wrapped = !repeated.isPrimitive() && repeated.asGroupType().getFieldCount() == 1;
    for (int i = 0; i < list.getFieldRepetitionCount(0); i++) {
      array.add(
          wrapped
              ? field(repeated.asGroupType().getType(0), list.getGroup(0, i), 0)
              : value(repeated, list, 0, i));
    }
    return array;
  }

  private static JsonNode map(Type repeated, Group map) {
    ObjectNode object = JsonNodeFactory.instance.objectNode();
    GroupType entry = repeated.asGroupType();
    for (int i = 0; i < map.getFieldRepetitionCount(0); i++) {
      Group pair = map.getGroup(0, i);
      object.set(
          field(entry.getType(0), pair, 0).asText(),
          entry.getFieldCount() < 2 ? NullNode.getInstance() : field(entry.getType(1), pair, 1));
    }
    return object;
  }

  private static JsonNode primitive(Type type, Group group, int field, int index) {
    LogicalTypeAnnotation logical = type.getLogicalTypeAnnotation();
    return switch (type.asPrimitiveType().getPrimitiveTypeName()) {
      case BOOLEAN -> BooleanNode.valueOf(group.getBoolean(field, index));
      case INT32 -> int32(logical, group.getInteger(field, index));
      case INT64 -> int64(logical, group.getLong(field, index));
      case INT96 -> int96(group.getInt96(field, index).toByteBuffer());
      case FLOAT -> ColumnValues.of(group.getFloat(field, index));
      case DOUBLE -> ColumnValues.of(group.getDouble(field, index));
      case BINARY, FIXED_LEN_BYTE_ARRAY ->
          bytes(logical, group.getBinary(field, index).toByteBuffer());
    };
  }

  private static JsonNode int32(@Nullable LogicalTypeAnnotation logical, int value) {
    if (logical instanceof LogicalTypeAnnotation.DateLogicalTypeAnnotation) {
      return TextNode.valueOf(LocalDate.ofEpochDay(value).toString());
    }
    if (logical instanceof TimeLogicalTypeAnnotation) {
      return TextNode.valueOf(LocalTime.ofNanoOfDay(value * 1_000_000L).toString());
    }
    if (logical instanceof DecimalLogicalTypeAnnotation decimal) {
      return ColumnValues.of(BigDecimal.valueOf(value, decimal.getScale()));
    }
    boolean unsigned = logical instanceof IntLogicalTypeAnnotation type && !type.isSigned();
    return unsigned ? LongNode.valueOf(Integer.toUnsignedLong(value)) : IntNode.valueOf(value);
  }

  private static JsonNode int64(@Nullable LogicalTypeAnnotation logical, long value) {
    if (logical instanceof TimestampLogicalTypeAnnotation type) {
      return type.isAdjustedToUTC()
          ? ColumnValues.instant(value, unit(type.getUnit()))
          : ColumnValues.localTime(value, unit(type.getUnit()));
    }
    if (logical instanceof TimeLogicalTypeAnnotation type) {
      return TextNode.valueOf(LocalTime.MIDNIGHT.plus(value, unit(type.getUnit())).toString());
    }
    if (logical instanceof DecimalLogicalTypeAnnotation decimal) {
      return ColumnValues.of(BigDecimal.valueOf(value, decimal.getScale()));
    }
    boolean unsigned = logical instanceof IntLogicalTypeAnnotation type && !type.isSigned();
    return unsigned
        ? BigIntegerNode.valueOf(new BigInteger(Long.toUnsignedString(value)))
        : LongNode.valueOf(value);
  }

  /** Nanoseconds of a day and the Julian day, as Impala and early Spark write instants. */
  private static JsonNode int96(ByteBuffer value) {
    ByteBuffer bytes = value.duplicate().order(ByteOrder.LITTLE_ENDIAN);
    long nanos = bytes.getLong();
    long day = bytes.getInt() - (long) EPOCH_DAY;
    return TextNode.valueOf(
        Instant.EPOCH.plus(day, ChronoUnit.DAYS).plus(nanos, ChronoUnit.NANOS).toString());
  }

  private static JsonNode bytes(@Nullable LogicalTypeAnnotation logical, ByteBuffer value) {
    if (logical instanceof StringLogicalTypeAnnotation) {
      return ColumnValues.text(value);
    }
    if (logical instanceof DecimalLogicalTypeAnnotation decimal) {
      byte[] unscaled = new byte[value.remaining()];
      value.duplicate().get(unscaled);
      return ColumnValues.of(new BigDecimal(new BigInteger(unscaled), decimal.getScale()));
    }
    if (logical instanceof UUIDLogicalTypeAnnotation) {
      ByteBuffer bytes = value.duplicate();
      return TextNode.valueOf(new UUID(bytes.getLong(), bytes.getLong()).toString());
    }
    // Old writers leave out that a column is text.
    return ColumnValues.textOrBase64(value);
  }

  private static ChronoUnit unit(LogicalTypeAnnotation.TimeUnit unit) {
    return switch (unit) {
      case MILLIS -> ChronoUnit.MILLIS;
      case MICROS -> ChronoUnit.MICROS;
      case NANOS -> ChronoUnit.NANOS;
    };
  }
}
