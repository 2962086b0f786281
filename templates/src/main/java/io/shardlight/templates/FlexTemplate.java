package io.shardlight.templates;

import io.shardlight.pipeline.JobSubmission;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * What the launcher of the Flex Template starts: the job of {@code ./shardlight generate}, handed
 * to Dataflow. It ends as soon as the job is handed over; a launch that waits is never run.
 *
 * <p>Dataflow shows of a launch that fails a link to its log and nothing else, so everything that
 * is wrong is told there at once, a line a problem.
 */
public final class FlexTemplate {
  private static final String RUNNER = "DataflowRunner";

  /** Names the jar of this template within its image, to the launcher. */
  private static final String CLASS_PATH = "FLEX_TEMPLATE_JAVA_CLASSPATH";

  private FlexTemplate() {}

  /** Takes {@code --name=value} for each parameter, and what the launcher adds for Beam. */
  public static void main(String[] words) {
    int status =
        run(
            List.of(words),
            System.getenv(),
            new PrintStream(System.err, true, StandardCharsets.UTF_8));
    System.err.flush();
    System.exit(status);
  }

  /**
   * @return 0 if Dataflow has the job, 1 if it did not take it, 2 if something is wrong with the
   *     parameters or with what they name
   */
  static int run(List<String> words, Map<String, String> environment, PrintStream err) {
    Map<String, String> refused = new HashMap<>(TemplateParameters.leftOut());
    List<String> runners = words.stream().filter(w -> w.startsWith("--runner=")).toList();
    if (runners.stream().allMatch(("--runner=" + RUNNER)::equals)) {
      refused.remove("runner");
    }
    return JobSubmission.submit(complete(words, environment), refused, err);
  }

  /** The words without empty ones, and with what a job of this image needs and nobody said. */
  static List<String> complete(List<String> words, Map<String, String> environment) {
    List<String> all = new ArrayList<>();
    for (String word : words) {
      // A form sends a field that was left empty as an empty value.
      if (!word.matches("--[A-Za-z0-9]+=")) {
        all.add(word);
      }
    }
    if (isAbsent("runner", all)) {
      all.add("--runner=" + RUNNER);
    }
    // The workers' image has the libraries already, in the same place; their 180 MB need not be
    // uploaded at each launch, nor fetched by each worker.
    String jar = Objects.requireNonNullElse(environment.get(CLASS_PATH), "");
    if (!jar.isEmpty() && isAbsent("filesToStage", all)) {
      all.add("--filesToStage=" + jar);
    }
    return all;
  }

  private static boolean isAbsent(String name, List<String> words) {
    return words.stream().noneMatch(w -> w.startsWith("--" + name + "="));
  }
}
