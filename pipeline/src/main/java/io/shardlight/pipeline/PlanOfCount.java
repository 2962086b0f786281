package io.shardlight.pipeline;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.shardlight.data.ImageFormat;
import io.shardlight.data.Layout;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** {@code plan} for a number of images, of which there are no prompts yet. */
final class PlanOfCount {
  /** What matters of the options of {@code generate}. */
  private static final Set<String> USED =
      Set.of(
          "width",
          "height",
          "steps",
          "guidanceScale",
          "imageFormat",
          "layout",
          "shardSize",
          "manifestFormat",
          "json",
          "verbose");

  private PlanOfCount() {}

  /** Whether it is asked for. */
  static boolean isAskedFor(List<String> words) {
    return words.stream().anyMatch(word -> word.equals("--images") || word.startsWith("--images="));
  }

  /**
   * Reckons.
   *
   * @param line read with no option required
   * @param problems gets what is wrong with it; then the result is empty
   */
  static Optional<JobEstimate> estimate(
      CommandLine line, OptionCatalog catalog, List<String> problems) {
    EstimateChoice choice = EstimateChoice.of(line, problems);
    for (String name : catalog.names()) {
      if (line.isGiven(name) && !USED.contains(name) && !EstimateChoice.OPTIONS.contains(name)) {
        problems.add(
            "--%s=%s: of no use with --images, which stands for prompts; leave one of them out"
                .formatted(name, line.value(name).orElse("")));
      }
    }
    return problems.isEmpty() ? choice.estimate(job(line), problems) : Optional.empty();
  }

  private static JobEstimate.Job job(CommandLine line) {
    long images = Long.parseLong(line.value("images").orElseThrow());
    int width = number(line, "width", 512);
    int height = number(line, "height", 512);
    boolean guided = line.value("guidanceScale").map(Double::valueOf).orElse(7.5) > 1;
    double references =
        images * ImageWork.references(width, height, number(line, "steps", 50), guided);
    long size = number(line, "shardSize", 1000);
    ImageFormat format = ImageFormat.fromOption(line.value("imageFormat").orElse("png"));
    return new JobEstimate.Job(
        images,
        (images + size - 1) / size,
        references,
        Math.round(images * PlanSummary.bytesPerPixel(format) * width * height),
        Layout.fromOption(line.value("layout").orElse("webdataset")),
        line.value("manifestFormat").orElse("avro").split(",", -1).length);
  }

  private static int number(CommandLine line, String option, int otherwise) {
    return line.value(option).map(Integer::valueOf).orElse(otherwise);
  }

  /** With the heading that a plan has. */
  static List<String> lines(JobEstimate estimate) {
    List<String> lines = new ArrayList<>();
    lines.add(
        "%s images to make, in %s shards"
            .formatted(
                JobEstimate.number(estimate.job().images()),
                JobEstimate.number(estimate.job().shards())));
    lines.addAll(estimate.lines());
    return lines;
  }

  static ObjectNode json(JobEstimate estimate) {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.put("images", estimate.job().images());
    json.put("shards", estimate.job().shards());
    json.put("estimated_bytes", estimate.job().imageBytes());
    json.set("estimate", estimate.json());
    return json;
  }
}
