package io.shardlight.terraform;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.msgpack.core.MessageBufferPacker;
import org.msgpack.core.MessagePack;
import org.msgpack.value.Value;
import org.msgpack.value.ValueFactory;

/**
 * Answers as Google Cloud would to one who creates: with what was asked for, and names, addresses
 * and numbers for what the service chooses.
 */
final class PretendedCloud {
  /**
   * Optional arguments that the provider fills if they are not given. The schema's extract cannot
   * tell which those are; here they matter because something reads them.
   */
  private static final Set<String> FILLED = Set.of("id", "project", "region", "location");

  /** Terraform's "not known yet". */
  private static final Value UNKNOWN = ValueFactory.newExtension((byte) 0, new byte[1]);

  private final ProviderSchema schema;
  private volatile String project = "";
  private volatile String region = "";

  PretendedCloud(ProviderSchema schema) {
    this.schema = schema;
  }

  static boolean fills(String name, ProviderSchema.Attribute attribute) {
    return attribute.computed() || (!attribute.required() && FILLED.contains(name));
  }

  void configure(byte[] config) {
    Map<String, Value> values = object(unpack(config));
    project = text(values, "project");
    region = text(values, "region");
  }

  /** What is to be, with what the service chooses unknown. */
  byte[] plan(String type, byte[] proposed) {
    return pack(planned(schema.of("resource", type), unpack(proposed)));
  }

  /** What has become of a plan. */
  byte[] apply(String type, byte[] planned) {
    Map<String, Value> values = object(unpack(planned));
    return pack(chosen(type, schema.of("resource", type), values, values));
  }

  byte[] read(String type, byte[] config) {
    Map<String, Value> values = object(unpack(config));
    return pack(
        chosen(
            type,
            schema.of("data", type),
            object(planned(schema.of("data", type), unpack(config))),
            values));
  }

  private static Value planned(ProviderSchema.Block block, Value value) {
    Map<String, Value> values = object(value);
    block
        .attributes()
        .forEach(
            (name, attribute) -> {
              if (fills(name, attribute)
                  && values.getOrDefault(name, ValueFactory.newNil()).isNilValue()) {
                values.put(name, UNKNOWN);
              }
            });
    block
        .blocks()
        .forEach(
            (name, nested) -> {
              Value inner = values.getOrDefault(name, ValueFactory.newNil());
              if (inner.isArrayValue()) {
                values.put(
                    name,
                    ValueFactory.newArray(
                        inner.asArrayValue().list().stream()
                            .map(one -> planned(nested.block(), one))
                            .toList()));
              }
            });
    return object(values);
  }

  private Value chosen(
      String type, ProviderSchema.Block block, Map<String, Value> values, Map<String, Value> root) {
    Map<String, Value> all = new LinkedHashMap<>(values);
    all.replaceAll(
        (name, value) ->
            value.isExtensionValue()
                ? choice(type, name, block.attributes().get(name), root)
                : value);
    block
        .blocks()
        .forEach(
            (name, nested) -> {
              Value inner = all.get(name);
              if (inner != null && inner.isArrayValue()) {
                all.put(
                    name,
                    ValueFactory.newArray(
                        inner.asArrayValue().list().stream()
                            .map(one -> chosen(type, nested.block(), object(one), root))
                            .toList()));
              }
            });
    return object(all);
  }

  private Value choice(
      String type,
      String name,
      ProviderSchema.@org.jspecify.annotations.Nullable Attribute attribute,
      Map<String, Value> values) {
    String path = "projects/" + project + "/";
    String email = text(values, "account_id") + "@" + project + ".iam.gserviceaccount.com";
    String own = type + "." + name;
    String chosen =
        switch (own) {
          case "google_service_account.email" -> email;
          case "google_service_account.member" -> "serviceAccount:" + email;
          case "google_service_account.name", "google_service_account.id" ->
              path + "serviceAccounts/" + email;
          case "google_storage_bucket.url" -> "gs://" + text(values, "name");
          case "google_secret_manager_secret.id" -> path + "secrets/" + text(values, "secret_id");
          case "google_compute_subnetwork.self_link" ->
              "https://www.googleapis.com/compute/v1/"
                  + path
                  + "regions/"
                  + region
                  + "/subnetworks/"
                  + text(values, "name");
          case "google_monitoring_notification_channel.id" ->
              path + "notificationChannels/" + Integer.toHexString(values.hashCode());
          default ->
              switch (name) {
                case "project" -> project;
                case "region", "location" -> region;
                case "number" -> "123456789012";
                default -> own;
              };
        };
    String kind = attribute == null ? "\"string\"" : attribute.type().toString();
    return switch (kind) {
      case "\"string\"" -> ValueFactory.newString(chosen);
      case "\"number\"" -> ValueFactory.newInteger(1);
      case "\"bool\"" -> ValueFactory.newBoolean(false);
      default -> kind.startsWith("[\"map\"") ? ValueFactory.emptyMap() : ValueFactory.emptyArray();
    };
  }

  private static String text(Map<String, Value> values, String name) {
    Value value = values.get(name);
    return value != null && value.isStringValue() ? value.asStringValue().asString() : "";
  }

  private static Map<String, Value> object(Value value) {
    Map<String, Value> values = new LinkedHashMap<>();
    value
        .asMapValue()
        .entrySet()
        .forEach(entry -> values.put(entry.getKey().asStringValue().asString(), entry.getValue()));
    return values;
  }

  private static Value object(Map<String, Value> values) {
    ValueFactory.MapBuilder map = ValueFactory.newMapBuilder();
    values.forEach((name, value) -> map.put(ValueFactory.newString(name), value));
    return map.build();
  }

  private static Value unpack(byte[] bytes) {
    try (var unpacker = MessagePack.newDefaultUnpacker(bytes)) {
      return unpacker.unpackValue();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static byte[] pack(Value value) {
    try (MessageBufferPacker packer = MessagePack.newDefaultBufferPacker()) {
      packer.packValue(value);
      return packer.toByteArray();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
