package io.shardlight.prompts;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.apache.parquet.format.ConvertedType;
import org.apache.parquet.format.LogicalType;
import org.apache.parquet.format.SchemaElement;
import org.apache.parquet.format.TimeUnit;
import org.apache.parquet.schema.LogicalTypeAnnotation;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.PrimitiveType.PrimitiveTypeName;
import org.apache.parquet.schema.Type;
import org.apache.parquet.schema.Types;
import org.jspecify.annotations.Nullable;

/**
 * The schema of a Parquet file, from the list that its footer has: each group is followed by its
 * children. Of the logical types only those that change what a value looks like are kept.
 */
final class ParquetSchema {
  private static final int MAX_DEPTH = 100;

  private final Iterator<SchemaElement> elements;

  private ParquetSchema(List<SchemaElement> elements) {
    this.elements = elements.iterator();
  }

  static MessageType of(List<SchemaElement> elements) throws IOException {
    ParquetSchema schema = new ParquetSchema(elements);
    SchemaElement root = schema.next();
    return new MessageType(root.getName(), schema.children(root, 0));
  }

  private List<Type> children(SchemaElement group, int depth) throws IOException {
    if (depth > MAX_DEPTH) {
      throw new IOException("wanted at most " + MAX_DEPTH + " groups one within the other");
    }
    List<Type> children = new ArrayList<>();
    for (int i = 0; i < group.getNum_children(); i++) {
      SchemaElement element = next();
      Type.Repetition repetition = Type.Repetition.valueOf(element.getRepetition_type().name());
      children.add(
          element.isSetType()
              ? Types.primitive(ofPrimitive(element.getType()), repetition)
                  .length(element.getType_length())
                  .as(logical(element))
                  .named(element.getName())
              : Types.buildGroup(repetition)
                  .as(logical(element))
                  .addFields(children(element, depth + 1).toArray(Type[]::new))
                  .named(element.getName()));
    }
    return children;
  }

  private static PrimitiveTypeName ofPrimitive(org.apache.parquet.format.Type type) {
    return type == org.apache.parquet.format.Type.BYTE_ARRAY
        ? PrimitiveTypeName.BINARY
        : PrimitiveTypeName.valueOf(type.name());
  }

  private SchemaElement next() throws IOException {
    if (!elements.hasNext()) {
      throw new IOException("the schema ends before its last group is full");
    }
    return elements.next();
  }

  private static @Nullable LogicalTypeAnnotation logical(SchemaElement element) {
    if (element.isSetLogicalType()) {
      LogicalType type = element.getLogicalType();
      if (type.isSetTIMESTAMP()) {
        return LogicalTypeAnnotation.timestampType(
            type.getTIMESTAMP().isIsAdjustedToUTC(), unit(type.getTIMESTAMP().getUnit()));
      }
      if (type.isSetTIME()) {
        return LogicalTypeAnnotation.timeType(
            type.getTIME().isIsAdjustedToUTC(), unit(type.getTIME().getUnit()));
      }
      if (type.isSetINTEGER()) {
        return LogicalTypeAnnotation.intType(
            type.getINTEGER().getBitWidth(), type.getINTEGER().isIsSigned());
      }
      if (type.isSetUUID()) {
        return LogicalTypeAnnotation.uuidType();
      }
    }
    return element.isSetConverted_type() ? converted(element) : null;
  }

  /** What writers of before 2018 say, and those of today as well. */
  private static @Nullable LogicalTypeAnnotation converted(SchemaElement element) {
    ConvertedType type = element.getConverted_type();
    return switch (type) {
      case UTF8, ENUM, JSON -> LogicalTypeAnnotation.stringType();
      case LIST -> LogicalTypeAnnotation.listType();
      case MAP, MAP_KEY_VALUE -> LogicalTypeAnnotation.mapType();
      case DECIMAL -> LogicalTypeAnnotation.decimalType(element.getScale(), element.getPrecision());
      case DATE -> LogicalTypeAnnotation.dateType();
      case TIME_MILLIS ->
          LogicalTypeAnnotation.timeType(true, LogicalTypeAnnotation.TimeUnit.MILLIS);
      case TIME_MICROS ->
          LogicalTypeAnnotation.timeType(true, LogicalTypeAnnotation.TimeUnit.MICROS);
      case TIMESTAMP_MILLIS ->
          LogicalTypeAnnotation.timestampType(true, LogicalTypeAnnotation.TimeUnit.MILLIS);
      case TIMESTAMP_MICROS ->
          LogicalTypeAnnotation.timestampType(true, LogicalTypeAnnotation.TimeUnit.MICROS);
      case UINT_8 -> LogicalTypeAnnotation.intType(8, false);
      case UINT_16 -> LogicalTypeAnnotation.intType(16, false);
      case UINT_32 -> LogicalTypeAnnotation.intType(32, false);
      case UINT_64 -> LogicalTypeAnnotation.intType(64, false);
      case INT_8, INT_16, INT_32, INT_64, BSON, INTERVAL -> null;
    };
  }

  private static LogicalTypeAnnotation.TimeUnit unit(TimeUnit unit) {
    if (unit.isSetMILLIS()) {
      return LogicalTypeAnnotation.TimeUnit.MILLIS;
    }
    return unit.isSetMICROS()
        ? LogicalTypeAnnotation.TimeUnit.MICROS
        : LogicalTypeAnnotation.TimeUnit.NANOS;
  }
}
