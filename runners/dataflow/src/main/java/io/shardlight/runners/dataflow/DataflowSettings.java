package io.shardlight.runners.dataflow;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.shardlight.pipeline.GenerateOptions;
import io.shardlight.pipeline.WorkerDevices;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.apache.beam.runners.dataflow.DataflowRunner;
import org.apache.beam.runners.dataflow.options.DataflowPipelineOptions;
import org.apache.beam.runners.dataflow.options.DataflowPipelineOptions.FlexResourceSchedulingGoal;
import org.apache.beam.sdk.options.PipelineOptions;
import org.apache.beam.sdk.transforms.resourcehints.ResourceHintsOptions;
import org.jspecify.annotations.Nullable;

/**
 * What a job on Dataflow must be told. Whoever submits one, the command or a template's {@code
 * main}, gives the options to {@link #prepare}; if nothing is wrong with them, the pipeline that is
 * built with them goes to Dataflow by {@code pipeline.run()}, which does not wait.
 */
public final class DataflowSettings {
  private static final String RUNNER_V2 = "use_runner_v2";

  /** What would keep a job from Runner v2. */
  private static final String NO_RUNNER_V2 = "disable_runner_v2";

  /** Image, driver, a model of some GB, its transformed weights, and the shards under way. */
  private static final int DISK_WITH_DEVICES = 100;

  private static final int DISK = 50;

  /**
   * Drawn on a CPU: native memory beside the JVM's heap, which by default takes 70 % of it, and
   * AVX-512. Dataflow's own default has one or two processors.
   */
  private static final String CPU_MACHINE = "n2-standard-8";

  /** Enough for the JVM of a worker that has nothing to do. */
  private static final String IDLE_MACHINE = "e2-standard-2";

  /**
   * Shards that a worker has under way: one draws while the other commits. With one for each
   * processor, Dataflow's default, few workers would take all shards of a set and draw them in
   * turn.
   */
  private static final int THREADS = 2;

  private DataflowSettings() {}

  /**
   * Checks what can be told from options alone; asks nobody and changes nothing.
   *
   * @param options of the job, {@link GenerateOptions} among them
   * @return a line for each thing that is wrong, beginning with the option
   */
  public static List<String> check(PipelineOptions options) {
    DataflowPipelineOptions dataflow = options.as(DataflowPipelineOptions.class);
    List<String> problems = new ArrayList<>();
    // 1. Where it runs.
    if (isBlank(dataflow.getProject())) {
      problems.add(
          "--project: missing with --runner=DataflowRunner; give the id of the project that runs"
              + " and pays for the job, for example --project=my-project");
    }
    if (isBlank(dataflow.getRegion())) {
      problems.add(
          "--region: missing with --runner=DataflowRunner; give the region of the workers, best"
              + " that of the buckets, for example --region=us-central1");
    }
    // Asking Beam for a place that was not given would make a bucket.
    JsonNode given = new ObjectMapper().valueToTree(options).path("options");
    boolean places = false;
    for (String name : List.of("tempLocation", "gcpTempLocation", "stagingLocation")) {
      String value = given.path(name).asText(null);
      if (value != null && !value.startsWith("gs://")) {
        problems.add(
            "--"
                + name
                + "="
                + value
                + ": must be in a bucket, where workers reach it; give"
                + " gs://bucket/folder");
      }
      places |= value != null && !name.equals("stagingLocation");
    }
    if (!places) {
      problems.add(
          "--tempLocation: missing with --runner=DataflowRunner; give a place for files that may"
              + " go after the job, for example --tempLocation=gs://my-bucket/tmp");
    }
    String jobName = given.path("jobName").asText(null);
    if (jobName != null
        && !jobName.toLowerCase(Locale.ROOT).matches("[a-z]([-a-z0-9]*[a-z0-9])?")) {
      problems.add(
          "--jobName="
              + jobName
              + ": must be letters, digits and dashes, a letter first and no dash last; give"
              + " another");
    }
    // 2. What it reads and writes.
    problems.addAll(WorkerPaths.check(given));
    // 3. How it runs.
    if (dataflow.isStreaming() || dataflow.isUpdate()) {
      problems.add(
          "--streaming, --update: a dataset is made by a batch job, which begins anew and goes on"
              + " after its complete shards; leave them out");
    }
    for (String experiment : experiments(dataflow)) {
      if (experiment.startsWith(NO_RUNNER_V2)) {
        problems.add(
            "--experiments="
                + experiment
                + ": containers and accelerators need Dataflow's Runner v2; leave it out");
      }
    }
    // 4. On what.
    problems.addAll(new AcceleratorChoice(options).check());
    return problems;
  }

  /**
   * Checks, asks whether the buckets for staging are there, and completes the options: Runner v2,
   * accelerators, machine type, disk, threads. Afterwards {@link GenerateOptions#getAccelerator} is
   * the hint for the step that draws, in Dataflow's words; of TPUs, which go to all workers, it is
   * null. To prepare what was prepared changes nothing.
   *
   * @param options of the job, {@link GenerateOptions} among them
   * @return a line for each thing that is wrong, beginning with the option where there is one
   */
  public static List<String> prepare(PipelineOptions options) {
    List<String> problems = check(options);
    if (!problems.isEmpty()) {
      return problems;
    }
    complete(options.as(DataflowPipelineOptions.class));
    try {
      // Beam's own checks, among which those of the buckets; the runner itself is made again.
      DataflowRunner.fromOptions(options);
      return List.of();
    } catch (RuntimeException e) {
      return List.of("--runner=DataflowRunner: " + Failures.line(e));
    }
  }

  /**
   * As {@link #prepare}, for a job that draws nothing: one small worker without accelerators, which
   * costs little and is to be had.
   */
  static List<String> prepareIdle(DataflowPipelineOptions options) {
    AcceleratorChoice.clear(options);
    options.as(ResourceHintsOptions.class).setResourceHints(List.of());
    options.setFlexRSGoal(FlexResourceSchedulingGoal.UNSPECIFIED);
    options.setDiskSizeGb(0);
    options.setWorkerMachineType(IDLE_MACHINE);
    options.setNumWorkers(1);
    options.setMaxNumWorkers(1);
    return prepare(options);
  }

  private static void complete(DataflowPipelineOptions options) {
    AcceleratorChoice choice = new AcceleratorChoice(options);
    boolean devices = choice.chosen().isPresent();
    List<String> experiments = new ArrayList<>(experiments(options));
    add(experiments, RUNNER_V2);
    if (choice.chosen().filter(Accelerator::isTpu).isPresent()) {
      add(experiments, AcceleratorChoice.ONE_PROCESS);
    }
    options.setExperiments(experiments);
    choice.complete();
    if (!devices && options.getWorkerMachineType() == null) {
      options.setWorkerMachineType(CPU_MACHINE);
    }
    if (options.getDiskSizeGb() == 0) {
      options.setDiskSizeGb(devices ? DISK_WITH_DEVICES : DISK);
    }
    if (options.getNumberOfWorkerHarnessThreads() == 0) {
      options.setNumberOfWorkerHarnessThreads(THREADS);
    }
  }

  /** The devices that each worker will have, which draws on its CPU if nothing is asked for. */
  public static WorkerDevices devices(PipelineOptions options) {
    return new AcceleratorChoice(options)
        .chosen()
        .map(accelerator -> new WorkerDevices(accelerator.kind(), accelerator.count()))
        .orElse(new WorkerDevices("cpu", 1));
  }

  static List<String> experiments(DataflowPipelineOptions options) {
    return options.getExperiments() == null ? List.of() : options.getExperiments();
  }

  private static void add(List<String> experiments, String name) {
    if (!experiments.contains(name)) {
      experiments.add(name);
    }
  }

  private static boolean isBlank(@Nullable String value) {
    return value == null || value.isBlank();
  }
}
