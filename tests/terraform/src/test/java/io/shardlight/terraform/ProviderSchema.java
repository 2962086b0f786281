package io.shardlight.terraform;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;

/**
 * What the Google provider's resources take and give, of the resources that are used here.
 *
 * @param version of the provider
 */
record ProviderSchema(
    String source,
    String version,
    Block provider,
    Map<String, Block> resources,
    Map<String, Block> data) {

  /** Arguments and blocks of a resource, or of a block within one. */
  record Block(Map<String, Attribute> attributes, Map<String, Nested> blocks) {}

  /**
   * @param type as terraform writes types in JSON
   * @param computed whether only the provider sets it
   */
  record Attribute(JsonNode type, boolean required, boolean computed) {}

  /**
   * @param nesting {@code list}, {@code set} or {@code single}
   */
  record Nested(String nesting, boolean atMostOne, boolean required, Block block) {}

  static ProviderSchema load() {
    try (InputStream in =
        Objects.requireNonNull(ProviderSchema.class.getResourceAsStream("provider-schema.json"))) {
      JsonNode json = new ObjectMapper().readTree(in);
      return new ProviderSchema(
          json.at("/source").asText(),
          json.at("/version").asText(),
          block(json.at("/provider")),
          blocks(json.at("/resources")),
          blocks(json.at("/data")));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * @param kind {@code resource}, {@code data}, or {@code provider}
   */
  Block of(String kind, String type) {
    Block found =
        switch (kind) {
          case "resource" -> resources.get(type);
          case "data" -> data.get(type);
          case "provider" -> type.equals("google") ? provider : null;
          default -> null;
        };
    if (found == null) {
      throw new IllegalArgumentException(
          "wanted the schema of "
              + kind
              + " "
              + type
              + ", but provider-schema.json has none; run"
              + " tests/terraform/provider-schema/extract.mjs again if the provider has it");
    }
    return found;
  }

  private static Map<String, Block> blocks(JsonNode json) {
    Map<String, Block> blocks = new TreeMap<>();
    json.fields().forEachRemaining(field -> blocks.put(field.getKey(), block(field.getValue())));
    return blocks;
  }

  private static Block block(JsonNode json) {
    Map<String, Attribute> attributes = new TreeMap<>();
    json.path("attributes")
        .fields()
        .forEachRemaining(
            field ->
                attributes.put(
                    field.getKey(),
                    new Attribute(
                        field.getValue().path("type"),
                        field.getValue().path("required").asBoolean(),
                        field.getValue().path("computed").asBoolean())));
    Map<String, Nested> nested = new TreeMap<>();
    json.path("blocks")
        .fields()
        .forEachRemaining(
            field ->
                nested.put(
                    field.getKey(),
                    new Nested(
                        field.getValue().path("nesting").asText(),
                        field.getValue().path("atMostOne").asBoolean(),
                        field.getValue().path("required").asBoolean(),
                        block(field.getValue()))));
    return new Block(attributes, nested);
  }
}
