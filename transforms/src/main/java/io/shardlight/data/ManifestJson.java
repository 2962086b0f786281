package io.shardlight.data;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.DecimalNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Map;
import java.util.TreeMap;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericRecord;
import org.jspecify.annotations.Nullable;

/**
 * A row of the manifest as a JSON object with all columns, null where there is no value; carried
 * columns are an object within it.
 */
public final class ManifestJson {
  private ManifestJson() {}

  /**
   * @param row in {@link AvroManifest}'s schema
   */
  public static ObjectNode of(GenericRecord row) {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    for (Schema.Field field : row.getSchema().getFields()) {
      json.set(field.name(), node(row.get(field.pos())));
    }
    return json;
  }

  /** A column's value; null gives JSON's null. */
  public static JsonNode node(@Nullable Object value) {
    JsonNodeFactory json = JsonNodeFactory.instance;
    if (value == null) {
      return json.nullNode();
    }
    if (value instanceof Boolean bool) {
      return json.booleanNode(bool);
    }
    if (value instanceof Float number) {
      return DecimalNode.valueOf(CanonicalJson.shortest(number));
    }
    if (value instanceof Number number) {
      return json.numberNode(number.longValue());
    }
    if (value instanceof Map<?, ?> map) {
      ObjectNode object = json.objectNode();
      map.forEach((name, text) -> object.put(name.toString(), text.toString()));
      return object;
    }
    return json.textNode(value.toString());
  }

  /**
   * @throws IllegalArgumentException if it isn't what {@link #of} makes
   */
  static GenericRecord parse(JsonNode json) {
    GenericRecord row = new GenericData.Record(AvroManifest.SCHEMA);
    for (Schema.Field field : AvroManifest.SCHEMA.getFields()) {
      JsonNode value = json.required(field.name());
      Schema type = field.schema();
      if (type.isUnion()) {
        if (value.isNull()) {
          continue;
        }
        type = type.getTypes().get(1);
      }
      row.put(field.pos(), value(field.name(), type, value));
    }
    return row;
  }

  private static Object value(String name, Schema type, JsonNode value) {
    boolean fits =
        switch (type.getType()) {
          case STRING -> value.isTextual();
          case INT, LONG -> value.isIntegralNumber();
          case FLOAT -> value.isNumber();
          case BOOLEAN -> value.isBoolean();
          case MAP -> value.isObject();
          default -> false;
        };
    if (!fits) {
      throw new IllegalArgumentException(
          name + " must be a " + type.getType() + ", but is a " + value.getNodeType());
    }
    return switch (type.getType()) {
      case INT -> value.intValue();
      case LONG -> value.longValue();
      case FLOAT -> value.decimalValue().floatValue();
      case BOOLEAN -> value.booleanValue();
      case MAP -> texts(value);
      default -> value.textValue();
    };
  }

  private static Map<String, String> texts(JsonNode object) {
    Map<String, String> texts = new TreeMap<>();
    object.fields().forEachRemaining(entry -> texts.put(entry.getKey(), entry.getValue().asText()));
    return texts;
  }
}
