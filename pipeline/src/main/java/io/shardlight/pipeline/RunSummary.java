package io.shardlight.pipeline;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.shardlight.data.DatasetPaths;
import io.shardlight.data.ObjectStore;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * What a run did, for people and for programs, from the report that it leaves in the output.
 *
 * @param report content of {@code runs/<runId>/report.json}
 * @param output root of the dataset
 * @param gallery whether it has one
 * @param wall from start to end, model and files included
 */
record RunSummary(JsonNode report, String output, boolean gallery, Duration wall) {

  /** Reads the report that a run left. */
  static RunSummary read(ObjectStore store, String runId, Duration wall) {
    String name = DatasetPaths.report(runId);
    try (InputStream in = store.read(name)) {
      return new RunSummary(
          new ObjectMapper().readTree(in), store.root(), store.exists(DatasetPaths.GALLERY), wall);
    } catch (IOException e) {
      throw new UncheckedIOException(
          "cannot read the run's report " + name + " in " + store.root(), e);
    }
  }

  /** The summary's lines. */
  List<String> lines() {
    JsonNode counts = report.path("counts");
    List<String> lines = new ArrayList<>();
    lines.add(
        String.format(
            Locale.ROOT,
            "%s made in %s, %s images/s while drawing",
            count(counts.path("generated").asLong(), "image", "images"),
            Progress.duration(wall),
            Progress.rate(report.path("images_per_second").asDouble())));
    add(lines, counts, "already_present", "image was already there", "images were already there");
    String why = " failed; error_class in the manifest says why";
    add(lines, counts, "failed", "image" + why, "images" + why);
    String blocked = " blocked by the safety checker";
    add(lines, counts, "blocked", "image was" + blocked, "images were" + blocked);
    long flagged = counts.path("flagged").asLong() - counts.path("blocked").asLong();
    if (flagged > 0) {
      lines.add(
          count(flagged, "image is", "images are")
              + " flagged by the safety checker; nsfw in the manifest says which");
    }
    add(
        lines,
        counts,
        "duplicates",
        "duplicate of another image asked for was not made again",
        "duplicates of other images asked for were not made again");
    String see = " could not be used; see " + output + "/rejected";
    add(lines, counts, "rejected", "record" + see, "records" + see);
    lines.add(
        String.format(
            Locale.ROOT,
            "%s, %s (%.1f %%)",
            count(report.path("batches").asLong(), "batch", "batches"),
            count(report.path("padded_slots").asLong(), "padded slot", "padded slots"),
            100 * report.path("padding_ratio").asDouble()));
    if (report.has("device_busy_ratio")) {
      lines.add(
          String.format(
              Locale.ROOT,
              "Devices were busy %.0f %% of the time",
              100 * report.path("device_busy_ratio").asDouble()));
    }
    add(lines, report, "retries", "call was tried again", "calls were tried again");
    String split = " halved to find what could not be drawn";
    add(lines, report, "splits", "batch was" + split, "batches were" + split);
    String halved = " too large for the devices' memory; set batchPerDevice lower to save the time";
    add(lines, report, "oom_halvings", "batch was" + halved, "batches were" + halved);
    if (gallery) {
      lines.add("Gallery: " + output + "/" + DatasetPaths.GALLERY);
    }
    lines.add("Dataset: " + output);
    return lines;
  }

  private static void add(
      List<String> lines, JsonNode counts, String field, String one, String many) {
    long count = counts.path(field).asLong();
    if (count > 0) {
      lines.add(count(count, one, many));
    }
  }

  /** {@code 1 image}, {@code 2 images}. */
  static String count(long count, String one, String many) {
    return count + " " + (count == 1 ? one : many);
  }

  /** The report with {@code output} and {@code wall_millis}. */
  ObjectNode json() {
    ObjectNode json = report.deepCopy();
    json.put("output", output);
    json.put("wall_millis", wall.toMillis());
    return json;
  }
}
