package io.shardlight.verify;

import com.fasterxml.jackson.databind.JsonNode;
import io.shardlight.data.DatasetPaths;
import io.shardlight.data.ExamplePlanner;
import io.shardlight.data.ExampleStatus;
import io.shardlight.data.GenerationSettings;
import io.shardlight.data.Layout;
import io.shardlight.data.ManifestJson;
import io.shardlight.data.ManifestRow;
import io.shardlight.data.SafetyPolicy;
import io.shardlight.data.Sampling;
import io.shardlight.data.SeedPolicy;
import io.shardlight.diffusion.random.PrngKey;
import io.shardlight.diffusion.scheduler.SchedulerKind;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.apache.avro.generic.GenericRecord;
import org.jspecify.annotations.Nullable;

/** Compares a shard's rows with the dataset's settings and with one another. Not thread-safe. */
final class RowCheck {
  private final int shard;
  private final Optional<GenerationSettings> settings;
  private final String fingerprint;
  private final Map<String, String> constants = new TreeMap<>();
  private String lastId = "";

  /**
   * @param settings of the dataset, if its plan can be read
   */
  RowCheck(int shard, Optional<GenerationSettings> settings) {
    this.shard = shard;
    this.settings = settings;
    this.fingerprint = settings.map(GenerationSettings::configFingerprint).orElse("");
    settings.ifPresent(
        s -> {
          constants.put("format", s.imageFormat().optionName());
          constants.put("model_id", s.model().id());
          constants.put("model_revision", s.model().revision());
          constants.put("model_sha256", s.model().sha256());
          constants.put("license", s.model().license());
          constants.put("dtype", s.engine().dtype());
          constants.put("engine", s.engine().engine());
          constants.put("device_kind", s.engine().deviceKind());
          constants.put("config_fingerprint", fingerprint);
        });
    constants.put("digital_source_type", ManifestRow.DIGITAL_SOURCE_TYPE);
  }

  /** What is wrong with the next row, the first thing only; empty if nothing is. */
  Optional<String> problem(GenericRecord row) {
    String id = text(row, "example_id");
    if (!ExampleIds.isId(id)) {
      return wrong("example_id", "32 hexadecimal digits", id);
    }
    if (id.compareTo(lastId) <= 0) {
      return Optional.of("example_id must come after " + lastId + ", but is " + id);
    }
    lastId = id;
    if (!text(row, "key").equals(id)) {
      return wrong("key", id, text(row, "key"));
    }
    if (!row.get("shard").equals(shard)) {
      return wrong("shard", String.valueOf(shard), row.get("shard"));
    }
    for (Map.Entry<String, String> constant : constants.entrySet()) {
      String found = text(row, constant.getKey());
      if (!found.equals(constant.getValue())) {
        return wrong(constant.getKey(), constant.getValue(), found);
      }
    }
    return status(row, id).or(() -> settings.flatMap(s -> identity(row, id, s)));
  }

  private Optional<String> status(GenericRecord row, String id) {
    String status = text(row, "status");
    boolean image = row.get("file_name") != null;
    for (String column : new String[] {"bytes", "sha256", "crc32c"}) {
      if ((row.get(column) != null) != image) {
        return wrong(
            column, image ? "there, with file_name" : "null, as file_name", row.get(column));
      }
    }
    if (status.equals(ExampleStatus.OK.optionName())) {
      if (!image) {
        return wrong("file_name", "there, as status is ok", null);
      }
      if (row.get("error_class") != null) {
        return wrong("error_class", "null, as status is ok", row.get("error_class"));
      }
    } else if (status.equals(ExampleStatus.FAILED.optionName())) {
      if (image) {
        return wrong("file_name", "null, as status is failed", row.get("file_name"));
      }
      if (row.get("error_class") == null) {
        return wrong("error_class", "there, as status is failed", null);
      }
    } else if (!status.equals(ExampleStatus.BLOCKED.optionName())) {
      return wrong("status", "ok, failed or blocked", status);
    } else if (image) {
      return wrong("file_name", "null, as status is blocked", row.get("file_name"));
    } else if (row.get("error_class") != null) {
      return wrong("error_class", "null, as status is blocked", row.get("error_class"));
    }
    Optional<String> unsafe = safety(row, status);
    if (unsafe.isPresent()) {
      return unsafe;
    }
    if (image && settings.isPresent()) {
      GenerationSettings s = settings.get();
      String wanted =
          s.layout() == Layout.WEBDATASET
              ? DatasetPaths.archived(shard, id, s.imageFormat())
              : DatasetPaths.image(id, s.imageFormat());
      if (!text(row, "file_name").equals(wanted)) {
        return wrong("file_name", wanted, row.get("file_name"));
      }
    }
    return Optional.empty();
  }

  /** A checker looks at all that was drawn, or at nothing; its score says whether it found much. */
  private Optional<String> safety(GenericRecord row, String status) {
    if (settings.isEmpty()) {
      return Optional.empty();
    }
    SafetyPolicy policy = settings.get().safety().policy();
    String because = ", as status is " + status + " and safety is " + policy.optionName();
    boolean looked =
        policy != SafetyPolicy.OFF && !status.equals(ExampleStatus.FAILED.optionName());
    for (String column : new String[] {"nsfw", "nsfw_score"}) {
      if ((row.get(column) != null) != looked) {
        return wrong(column, (looked ? "there" : "null") + because, row.get(column));
      }
    }
    boolean blocked = status.equals(ExampleStatus.BLOCKED.optionName());
    if (!looked) {
      return blocked ? wrong("status", "ok or failed, as safety is off", status) : Optional.empty();
    }
    boolean nsfw = (Boolean) row.get("nsfw");
    if (nsfw != (Float) row.get("nsfw_score") > 0) {
      return wrong("nsfw", !nsfw + ", as nsfw_score is " + row.get("nsfw_score"), nsfw);
    }
    return blocked == (nsfw && policy == SafetyPolicy.DROP)
        ? Optional.empty()
        : wrong("status", blocked ? "ok" : "blocked", status + " with nsfw " + nsfw + because);
  }

  /** Ids are hashes of what shapes the image; with jaxSplit a part of that is in no column. */
  private Optional<String> identity(GenericRecord row, String id, GenerationSettings s) {
    try {
      Sampling sampling =
          new Sampling(
              SchedulerKind.fromOption(text(row, "scheduler")),
              (Integer) row.get("steps"),
              (Float) row.get("guidance_scale"),
              (Integer) row.get("width"),
              (Integer) row.get("height"));
      if (s.seedPolicy() != SeedPolicy.PER_IMAGE) {
        return Optional.empty();
      }
      long seed = (Long) row.get("seed");
      String wanted =
          ExamplePlanner.id(
              fingerprint,
              text(row, "prompt"),
              text(row, "negative_prompt"),
              sampling,
              seed,
              (Integer) row.get("image_index"),
              PrngKey.ofSeed(seed));
      return wanted.equals(id)
          ? Optional.empty()
          : Optional.of(
              "example_id must be the hash of prompt, seed and parameters, "
                  + wanted
                  + ", but is "
                  + id);
    } catch (IllegalArgumentException e) {
      return Optional.of(String.valueOf(e.getMessage()));
    }
  }

  private static String text(GenericRecord row, String column) {
    JsonNode value = ManifestJson.node(row.get(column));
    return value.isTextual() ? value.textValue() : value.toString();
  }

  private static Optional<String> wrong(String column, String wanted, @Nullable Object found) {
    return Optional.of(column + " must be " + wanted + ", but is " + found);
  }
}
