package io.shardlight.runners.dataflow;

import io.shardlight.pipeline.GenerateOptions;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What options name must be where workers on Dataflow find it: none has a disk of the user's. */
final class WorkerPaths {
  private static final String BUCKET = "gs://";
  private static final String LOCAL = ": workers on Dataflow have no disk of yours; ";

  private WorkerPaths() {}

  /** Paths that workers cannot read, a line each. */
  static List<String> check(GenerateOptions options) {
    List<String> problems = new ArrayList<>();
    if (options.getInput() != null) {
      for (String pattern : options.getInput().split(",(?![^{}]*})", -1)) {
        if (!pattern.isBlank()) {
          inBucket("input", pattern.strip(), "copy the file to a bucket and give gs://…", problems);
        }
      }
    }
    inBucket("output", options.getOutput(), "give gs://bucket/folder", problems);
    inBucket("wildcards", options.getWildcards(), "copy them to gs://bucket/folder", problems);
    inBucket("compileCache", options.getCompileCache(), "give gs://bucket/folder", problems);
    String model = options.getModel();
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
    refuse("lora", options.getLora(), merge, problems);
    refuse("vae", options.getVae(), merge, problems);
    return problems;
  }

  private static void inBucket(
      String option, @Nullable String value, String remedy, List<String> problems) {
    if (value != null && !value.startsWith(BUCKET)) {
      refuse(option, value, remedy, problems);
    }
  }

  private static void refuse(
      String option, @Nullable String value, String remedy, List<String> problems) {
    if (value != null) {
      problems.add("--" + option + "=" + value + LOCAL + remedy);
    }
  }
}
