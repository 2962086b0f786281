package io.shardlight.templates;

import io.shardlight.pipeline.JobSubmission;
import io.shardlight.pipeline.OptionSpec;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Which options of {@code generate} the template has: all but the few of this table. */
final class TemplateParameters {
  private TemplateParameters() {}

  /** The options that are no parameters, each with the reason, in the words of a refusal. */
  static Map<String, String> leftOut() {
    Map<String, String> reasons = new LinkedHashMap<>();
    reasons.put("json", "shapes what a terminal shows; a template prints nothing but problems");
    reasons.put("verbose", "shapes what a terminal shows; Cloud Logging has the log of a job");
    reasons.put("help", "for a terminal; templates/README.md and the metadata explain");
    reasons.put("targetParallelism", "of the DirectRunner, not of Dataflow, which has workers");
    reasons.put("flinkMaster", "of the FlinkRunner, not of Dataflow");
    reasons.put("parallelism", "of the FlinkRunner, not of Dataflow, which has workers");
    reasons.put("runner", "the runner of a template is DataflowRunner");
    reasons.put("pjrtPlugin", "the image of the workers has its plugin and names it to them");
    reasons.put("lora", "files on the workers' own disks only can be merged, and these have none");
    reasons.put("vae", "a directory on the workers' own disks only can be read");
    return Map.copyOf(reasons);
  }

  /** The others, in the order of help. */
  static List<OptionSpec> all() {
    Map<String, String> leftOut = leftOut();
    return JobSubmission.options().stream()
        .filter(spec -> !leftOut.containsKey(spec.name()))
        .toList();
  }
}
