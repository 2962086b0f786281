package io.shardlight.runners.dataflow;

import io.shardlight.pipeline.GenerateOptions;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.apache.beam.runners.dataflow.options.DataflowPipelineOptions;
import org.apache.beam.runners.dataflow.options.DataflowPipelineOptions.FlexResourceSchedulingGoal;
import org.apache.beam.sdk.options.PipelineOptions;
import org.apache.beam.sdk.transforms.resourcehints.ResourceHintsOptions;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The accelerators that options ask for, and the way in which Dataflow gives them: GPUs by a
 * resource hint on the step that draws, or to all workers by the service option {@code
 * worker_accelerator}, never by both; TPUs by the service option alone.
 */
final class AcceleratorChoice {
  private static final Logger LOG = LoggerFactory.getLogger(AcceleratorChoice.class);
  private static final String SERVICE = "worker_accelerator=";

  /** Dataflow's own least, in GB, for workers with GPUs. */
  private static final int LEAST_DISK = 50;

  /** Several processes, of which one alone would get a TPU. */
  private static final List<String> SEVERAL_PROCESSES =
      List.of("use_sibling_sdk_workers", "use_multiple_sdk_containers");

  static final String ONE_PROCESS = "no_use_multiple_sdk_containers";

  private final DataflowPipelineOptions options;
  private final Optional<String> own;
  private final List<String> service;

  AcceleratorChoice(PipelineOptions options) {
    this.options = options.as(DataflowPipelineOptions.class);
    this.own =
        Optional.ofNullable(options.as(GenerateOptions.class).getAccelerator())
            .filter(text -> !text.isBlank());
    this.service =
        Stream.concat(serviceOptions(), experiments())
            .filter(text -> text.startsWith(SERVICE))
            .map(text -> text.substring(SERVICE.length()))
            .distinct()
            .toList();
  }

  /** Takes what asks for accelerators, or for processors, out of the options. */
  static void clear(PipelineOptions options) {
    options.as(GenerateOptions.class).setAccelerator(null);
    AcceleratorChoice choice = new AcceleratorChoice(options);
    choice.options.setDataflowServiceOptions(
        choice.serviceOptions().filter(text -> !text.startsWith(SERVICE)).toList());
    choice.options.setExperiments(
        choice
            .experiments()
            .filter(text -> !text.startsWith(SERVICE) && !text.startsWith("min_cpu_platform"))
            .toList());
  }

  /** The accelerators of a worker; empty if there are none, or options contradict each other. */
  Optional<Accelerator> chosen() {
    try {
      return own.or(() -> service.stream().findFirst())
          .map(Accelerator::parse)
          .map(this::withTopology);
    } catch (IllegalArgumentException e) {
      return Optional.empty();
    }
  }

  /** Of a TPU whose topology is left out, that of the machine type. */
  private Accelerator withTopology(Accelerator accelerator) {
    return Optional.ofNullable(options.getWorkerMachineType())
        .flatMap(machine -> AcceleratorTable.topology(accelerator.type(), machine))
        .map(topology -> accelerator.withDefault(Accelerator.TOPOLOGY, topology))
        .orElse(accelerator);
  }

  /** What is wrong, a line each. */
  List<String> check() {
    List<String> problems = new ArrayList<>();
    for (String hint : options.as(ResourceHintsOptions.class).getResourceHints()) {
      if (hint.startsWith("accelerator") || hint.startsWith("beam:resources:accelerator")) {
        problems.add(
            "--resourceHints="
                + hint
                + ": would put accelerators on every step; give --accelerator, which puts them on"
                + " the one that draws");
      }
    }
    if (own.isEmpty() && service.isEmpty()) {
      return problems;
    }
    String option = own.map(text -> "--accelerator=" + text).orElseGet(this::serviceOption);
    if (own.isPresent() ? !service.isEmpty() : service.size() > 1) {
      problems.add(
          option
              + ": accelerators are asked for once, but "
              + SERVICE
              + service.get(service.size() - 1)
              + " is given too; keep one");
      return problems;
    }
    Accelerator accelerator;
    try {
      accelerator = withTopology(Accelerator.parse(own.orElseGet(() -> service.get(0))));
    } catch (IllegalArgumentException e) {
      problems.add(option + ": " + e.getMessage());
      return problems;
    }
    AcceleratorTable.problem(accelerator).ifPresent(text -> problems.add(option + ": " + text));
    if (problems.isEmpty()) {
      checkMachine(accelerator, option, problems);
    }
    checkImage(option, problems);
    if (accelerator.isTpu()) {
      checkTpu(accelerator, option, problems);
    } else {
      checkGpu(accelerator, option, problems);
    }
    return problems;
  }

  private String serviceOption() {
    return "--dataflowServiceOptions=" + SERVICE + service.get(0);
  }

  private void checkMachine(Accelerator accelerator, String option, List<String> problems) {
    Optional<String> worker = Optional.ofNullable(options.getWorkerMachineType());
    boolean hint = own.isPresent() && !accelerator.isTpu();
    Optional<String> machine = hint ? accelerator.word(Accelerator.MACHINE) : worker;
    if (machine.filter(name -> !AcceleratorTable.fits(accelerator, name)).isPresent()) {
      problems.add(
          (hint ? option : "--workerMachineType=" + machine.get())
              + ": "
              + (accelerator.isTpu()
                  ? accelerator.type()
                      + ";topology:"
                      + accelerator.word(Accelerator.TOPOLOGY).orElse("")
                  : accelerator.count() + " of " + accelerator.type())
              + " must be on machine type "
              + AcceleratorTable.right(accelerator)
              + ", but "
              + machine.get()
              + " was given; give the right one, or leave it out");
    }
  }

  private void checkImage(String option, List<String> problems) {
    String image = options.getSdkContainerImage();
    if (image == null || image.isBlank()) {
      problems.add(
          "--sdkContainerImage: missing with "
              + option
              + ", as Beam's own image has no library for the devices; give the image of the"
              + " workers");
    } else if (image.endsWith(":latest") || !image.matches(".*(:[^/]+|@sha256:.+)")) {
      problems.add(
          "--sdkContainerImage="
              + image
              + ": must name one image for all of the job, but \"latest\" may change while it runs;"
              + " give a tag that stays, or a digest");
    }
  }

  private void checkTpu(Accelerator accelerator, String option, List<String> problems) {
    accelerator.words().keySet().stream()
        .filter(key -> !key.equals(Accelerator.TYPE) && !key.equals(Accelerator.TOPOLOGY))
        .findFirst()
        .ifPresent(
            key ->
                problems.add(
                    option
                        + ": a TPU has type and topology, but \""
                        + key
                        + "\" was given; leave it out, and give a machine by --workerMachineType"));
    if (options.getWorkerZone() == null) {
      problems.add(
          "--workerZone: missing with "
              + option
              + ", as a region's zones have not the same TPUs; give one that has them, for example"
              + " --workerZone=us-central1-a");
    }
    if (!options.as(ResourceHintsOptions.class).getResourceHints().isEmpty()) {
      problems.add(
          "--resourceHints: all workers of a job with TPUs are alike, so that no step can have"
              + " others; leave it out");
    }
    experiments()
        .filter(SEVERAL_PROCESSES::contains)
        .forEach(
            name ->
                problems.add(
                    "--experiments="
                        + name
                        + ": a TPU lets one process in, so that a worker must have one; leave it"
                        + " out"));
    if (serviceOptions().anyMatch("enable_prime"::equals)) {
      problems.add(
          "--dataflowServiceOptions=enable_prime: Dataflow Prime has no TPUs; leave it out");
    }
  }

  private void checkGpu(Accelerator accelerator, String option, List<String> problems) {
    accelerator
        .word(Accelerator.TOPOLOGY)
        .ifPresent(
            topology ->
                problems.add(
                    option
                        + ": topology is a word for TPUs, whose types begin with tpu; give count:"
                        + accelerator.count()
                        + " for GPUs"));
    if (own.isEmpty() && accelerator.word(Accelerator.DRIVER).isEmpty()) {
      problems.add(
          option
              + ": must have "
              + Accelerator.DRIVER
              + ", without which nothing can use the GPUs; add it, or give --accelerator instead,"
              + " which does");
    }
    if (own.isPresent() && options.getFlexRSGoal() == FlexResourceSchedulingGoal.COST_OPTIMIZED) {
      problems.add(
          "--flexRSGoal=COST_OPTIMIZED: Dataflow schedules no step with GPUs of its own so; leave"
              + " it out");
    }
    if (options.getDiskSizeGb() > 0 && options.getDiskSizeGb() < LEAST_DISK) {
      problems.add(
          "--diskSizeGb="
              + options.getDiskSizeGb()
              + ": workers with GPUs must have "
              + LEAST_DISK
              + " GB or more for the image and the driver; give as much, or leave it out");
    }
  }

  /** Completes what {@link #check} found nothing wrong with. */
  void complete() {
    Optional<Accelerator> accelerator = chosen();
    if (accelerator.isEmpty()) {
      return;
    }
    if (!AcceleratorTable.knows(accelerator.get())) {
      LOG.warn(
          "Accelerator type {} is not known here, so that its machine is not checked; known are {}",
          accelerator.get().type(),
          AcceleratorTable.types());
    }
    GenerateOptions ours = options.as(GenerateOptions.class);
    if (own.isPresent() && !accelerator.get().isTpu()) {
      ours.setAccelerator(hint(accelerator.get()).text());
      return;
    }
    if (options.getWorkerMachineType() == null) {
      AcceleratorTable.machine(accelerator.get()).ifPresent(options::setWorkerMachineType);
    }
    if (own.isPresent()) {
      // As a hint it would be refused, or ignored.
      List<String> more = new ArrayList<>(serviceOptions().toList());
      more.add(SERVICE + accelerator.get().text());
      options.setDataflowServiceOptions(more);
      ours.setAccelerator(null);
    }
  }

  /** A GPU with all words that Dataflow needs; the machine type goes along, for that step alone. */
  private Accelerator hint(Accelerator gpu) {
    Accelerator hint = gpu.withDefault(Accelerator.COUNT, "1");
    String worker = options.getWorkerMachineType();
    boolean known = AcceleratorTable.knows(gpu);
    if (known && worker != null && AcceleratorTable.fits(gpu, worker)) {
      hint = hint.withDefault(Accelerator.MACHINE, worker);
      if (!worker.startsWith("n1-")) {
        // It has GPUs built in, which the other steps would pay for.
        options.setWorkerMachineType(null);
      }
    }
    Optional<String> machine = AcceleratorTable.machine(gpu);
    if (machine.isPresent()) {
      hint = hint.withDefault(Accelerator.MACHINE, machine.get());
    }
    return hint.withDefault(Accelerator.DRIVER, "");
  }

  private Stream<String> experiments() {
    return DataflowSettings.experiments(options).stream();
  }

  private Stream<String> serviceOptions() {
    return Stream.ofNullable(options.getDataflowServiceOptions()).flatMap(List::stream);
  }
}
