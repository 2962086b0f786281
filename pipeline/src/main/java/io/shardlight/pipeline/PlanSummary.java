package io.shardlight.pipeline;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.shardlight.data.ImageFormat;
import io.shardlight.data.Layout;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * What a job would do, for people and for programs.
 *
 * @param plan what {@link io.shardlight.transforms.SummarisePlan} wrote
 * @param output root of the dataset
 * @param format of the images
 * @param imagesPerSecond of all workers together, where there is no estimate
 * @param pricePerHour of all workers together, where there is no estimate
 * @param estimate for several workers, if that was asked for and there is something to make
 */
record PlanSummary(
    JsonNode plan,
    String output,
    ImageFormat format,
    Optional<Double> imagesPerSecond,
    Optional<Double> pricePerHour,
    Optional<JobEstimate> estimate) {
  /** Of the column that names a shape, unless a name is longer. */
  private static final int NAME_WIDTH = 32;

  private static final String NUMBERS = " %9s %7s %8s %7s";

  /** Why the job would stop at once; empty if it would not. */
  Optional<String> problem() {
    if (plan.has("problem")) {
      return Optional.of(plan.get("problem").asText());
    }
    return plan.path("asked").asLong() == 0
        ? Optional.of("input must hold at least one usable prompt, but held none")
        : Optional.empty();
  }

  /** Records that cannot be used, the first ones, a line each. */
  List<String> rejections() {
    List<String> lines = new ArrayList<>();
    for (JsonNode rejection : plan.path("first_rejections")) {
      lines.add(rejection.path("source").asText() + ": " + rejection.path("reason").asText());
    }
    long more = plan.path("rejected").asLong() - lines.size();
    if (more > 0) {
      lines.add("and " + RunSummary.count(more, "more record", "more records"));
    }
    return lines;
  }

  /** The plan's lines. */
  List<String> lines() {
    List<String> lines = new ArrayList<>();
    lines.add(RunSummary.count(missing(), "image", "images") + " to make");
    add(
        lines,
        sum("already_present") + plan.path("left_alone").asLong(),
        "image is already there",
        "images are already there");
    add(
        lines,
        sum("duplicates"),
        "duplicate of another image asked for will not be made again",
        "duplicates of other images asked for will not be made again");
    add(
        lines,
        plan.path("rejected").asLong(),
        "record cannot be used and would be in rejected/",
        "records cannot be used and would be in rejected/");
    lines.add("");
    int width = NAME_WIDTH;
    for (JsonNode shape : plan.path("shapes")) {
      width = Math.max(width, name(shape).length());
    }
    String row = "%-" + width + "s" + NUMBERS;
    lines.add(String.format(Locale.ROOT, row, "shape", "images", "shards", "batches", "padded"));
    for (JsonNode shape : plan.path("shapes")) {
      lines.add(row(row, shape));
    }
    lines.add("");
    lines.add(
        "A batch is "
            + RunSummary.count(plan.path("slots").asLong(), "image", "images")
            + "; of all its slots "
            + String.format(Locale.ROOT, "%.1f %%", 100 * paddingRatio())
            + " are padding");
    lines.add("About " + Progress.bytes(estimatedBytes()) + " of images");
    seconds()
        .ifPresent(
            seconds ->
                lines.add(
                    Progress.duration(Duration.ofSeconds(seconds))
                        + " at "
                        + Progress.rate(imagesPerSecond.orElseThrow())
                        + " images/s"));
    cost()
        .ifPresent(
            cost -> lines.add("Costs " + cost.toPlainString() + " at " + price() + " an hour"));
    estimate.ifPresent(
        found -> {
          lines.add("");
          lines.addAll(found.lines());
        });
    lines.add("Dataset: " + output);
    return lines;
  }

  private static String name(JsonNode shape) {
    return shape.path("width").asInt()
        + "×"
        + shape.path("height").asInt()
        + " "
        + shape.path("scheduler").asText()
        + ", "
        + RunSummary.count(shape.path("steps").asLong(), "step", "steps")
        + (shape.path("guided").asBoolean() ? "" : ", unguided");
  }

  private static String row(String format, JsonNode shape) {
    return String.format(
        Locale.ROOT,
        format,
        name(shape),
        shape.path("images").asLong() - shape.path("already_present").asLong(),
        shape.path("shards").asLong() - shape.path("shards_already_present").asLong(),
        shape.path("batches").asLong(),
        shape.path("padded_slots").asLong());
  }

  private static void add(List<String> lines, long count, String one, String many) {
    if (count > 0) {
      lines.add(RunSummary.count(count, one, many));
    }
  }

  /** The plan, with all that follows from it. */
  ObjectNode json() {
    ObjectNode json = plan.deepCopy();
    problem().ifPresent(text -> json.put("problem", text));
    json.put("output", output);
    json.put("images", missing());
    json.put("already_present", sum("already_present"));
    json.put("duplicates", sum("duplicates"));
    json.put("shards", sum("shards") - sum("shards_already_present"));
    json.put("batches", sum("batches"));
    json.put("padded_slots", sum("padded_slots"));
    json.put("padding_ratio", paddingRatio());
    json.put("estimated_bytes", estimatedBytes());
    seconds().ifPresent(seconds -> json.put("estimated_seconds", seconds));
    cost().ifPresent(cost -> json.put("estimated_cost", cost));
    estimate.ifPresent(found -> json.set("estimate", found.json()));
    return json;
  }

  /** What would be made; empty if nothing would. */
  Optional<JobEstimate.Job> job(Layout layout, int manifests) {
    double references = 0;
    for (JsonNode shape : plan.path("shapes")) {
      long images = shape.path("images").asLong() - shape.path("already_present").asLong();
      references +=
          images
              * ImageWork.references(
                  shape.path("width").asInt(),
                  shape.path("height").asInt(),
                  shape.path("steps").asInt(),
                  shape.path("guided").asBoolean());
    }
    return missing() == 0
        ? Optional.empty()
        : Optional.of(
            new JobEstimate.Job(
                missing(),
                sum("shards") - sum("shards_already_present"),
                references,
                estimatedBytes(),
                layout,
                manifests));
  }

  PlanSummary with(JobEstimate found) {
    return new PlanSummary(
        plan, output, format, Optional.empty(), Optional.empty(), Optional.of(found));
  }

  private long missing() {
    return sum("images") - sum("already_present");
  }

  private long sum(String field) {
    long sum = 0;
    for (JsonNode shape : plan.path("shapes")) {
      sum += shape.path(field).asLong();
    }
    return sum;
  }

  private double paddingRatio() {
    long slots = sum("batches") * plan.path("slots").asLong();
    return slots == 0 ? 0 : sum("padded_slots") / (double) slots;
  }

  /** As large as those that are there, or as their pixels let expect. */
  private long estimatedBytes() {
    double bytes = 0;
    double bytesThere = 0;
    double pixelsThere = 0;
    for (JsonNode shape : plan.path("shapes")) {
      bytesThere += shape.path("bytes_already_present").asDouble();
      pixelsThere += pixels(shape) * shape.path("already_present").asDouble();
    }
    double bytesPerPixel = bytesThere > 0 ? bytesThere / pixelsThere : bytesPerPixel(format);
    for (JsonNode shape : plan.path("shapes")) {
      long images = shape.path("images").asLong() - shape.path("already_present").asLong();
      bytes += bytesPerPixel * pixels(shape) * images;
    }
    return Math.round(bytes);
  }

  private static double pixels(JsonNode shape) {
    return shape.path("width").asDouble() * shape.path("height").asDouble();
  }

  /** Of what Stable Diffusion draws; photographs at 512×512 vary by half around it. */
  static double bytesPerPixel(ImageFormat format) {
    return switch (format) {
      case PNG -> 1.7;
      case JPEG -> 0.6;
      case WEBP -> 0.4;
    };
  }

  private Optional<Long> seconds() {
    return imagesPerSecond.map(rate -> (long) Math.ceil(missing() / rate));
  }

  private Optional<BigDecimal> cost() {
    return seconds()
        .flatMap(
            seconds ->
                pricePerHour.map(
                    price ->
                        BigDecimal.valueOf(seconds * price / 3600)
                            .setScale(2, RoundingMode.HALF_UP)));
  }

  private String price() {
    return BigDecimal.valueOf(pricePerHour.orElseThrow()).stripTrailingZeros().toPlainString();
  }
}
