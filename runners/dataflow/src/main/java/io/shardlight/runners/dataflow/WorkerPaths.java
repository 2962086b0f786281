package io.shardlight.runners.dataflow;

import com.fasterxml.jackson.databind.JsonNode;
import io.shardlight.pipeline.JobSubmission;
import io.shardlight.pipeline.Option.Stored;
import io.shardlight.pipeline.OptionSpec;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What options name must be where workers on Dataflow find it: none has a disk of the user's. */
final class WorkerPaths {
  private static final String BUCKET = "gs://";
  private static final String LOCAL = ": workers on Dataflow have no disk of yours; ";

  private WorkerPaths() {}

  /**
   * Paths that workers cannot read, a line each.
   *
   * @param given values by the names of their options, without Beam's defaults
   */
  static List<String> check(JsonNode given) {
    List<String> problems = new ArrayList<>();
    for (OptionSpec option : JobSubmission.options()) {
      String value = given.path(option.name()).asText(null);
      Stored stored = option.limits().stored();
      if (value != null && stored != Stored.NOTHING) {
        option.places(value).stream()
            // Nothing between two commas is told with the files.
            .filter(place -> stored != Stored.FILES_TO_READ || !place.isBlank())
            .forEach(place -> inBucket(option.name(), place, remedy(stored), problems));
      }
    }
    String model = given.path("model").asText("demo");
    if (!model.equals("demo") && !model.startsWith("hf://")) {
      inBucket(
          "model",
          model,
          "put it in a bucket by ./shardlight stage --model="
              + model
              + " --to=gs://bucket/folder, and give that",
          problems);
    }
    String merge = "only local ones can be merged, so leave it out";
    refuse("lora", given.path("lora").asText(null), merge, problems);
    refuse("vae", given.path("vae").asText(null), merge, problems);
    return problems;
  }

  private static String remedy(Stored stored) {
    return switch (stored) {
      case FILES_TO_READ -> "copy the file to a bucket and give gs://…";
      case FOLDER_TO_READ -> "copy them to gs://bucket/folder";
      case FOLDER_TO_WRITE, NOTHING -> "give gs://bucket/folder";
    };
  }

  private static void inBucket(String option, String place, String remedy, List<String> problems) {
    if (!place.startsWith(BUCKET)) {
      refuse(option, place, remedy, problems);
    }
  }

  private static void refuse(
      String option, @Nullable String value, String remedy, List<String> problems) {
    if (value != null) {
      problems.add("--" + option + "=" + value + LOCAL + remedy);
    }
  }
}
