package io.shardlight.runners.dataflow;

import static org.assertj.core.api.Assertions.assertThat;

import io.shardlight.pipeline.GenerateOptions;
import io.shardlight.pipeline.WorkerDevices;
import java.util.ArrayList;
import java.util.List;
import org.apache.beam.runners.dataflow.options.DataflowPipelineOptions;
import org.apache.beam.runners.dataflow.options.DataflowPipelineOptions.FlexResourceSchedulingGoal;
import org.apache.beam.sdk.extensions.gcp.auth.NoopCredentialFactory;
import org.apache.beam.sdk.extensions.gcp.storage.NoopPathValidator;
import org.apache.beam.sdk.options.PipelineOptionsFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class DataflowSettingsTest {
  private static final String IMAGE = "--sdkContainerImage=us-docker.pkg.dev/p/r/i:1.0";
  private static final String ZONE = "--workerZone=us-central1-a";
  private static final String V5E = "tpu-v5-lite-podslice";
  private static final String SERVICE = "--dataflowServiceOptions=worker_accelerator=";

  /** Options with which nothing is wrong, and others that replace them. */
  private static DataflowPipelineOptions options(String... more) {
    List<String> words =
        new ArrayList<>(
            List.of(
                "--runner=DataflowRunner",
                "--project=my-project",
                "--region=us-central1",
                "--tempLocation=gs://work/tmp",
                // Given, so that Beam asks no bucket about them.
                "--gcpTempLocation=gs://work/tmp",
                "--stagingLocation=gs://work/staging",
                "--input=gs://prompts/a.txt",
                "--output=gs://sets/a"));
    for (String word : more) {
      words.removeIf(given -> given.startsWith(word.substring(0, word.indexOf('=') + 1)));
    }
    words.addAll(List.of(more));
    DataflowPipelineOptions options =
        PipelineOptionsFactory.fromArgs(words.toArray(new String[0]))
            .as(GenerateOptions.class)
            .as(DataflowPipelineOptions.class);
    options.setCredentialFactoryClass(NoopCredentialFactory.class);
    options.setPathValidatorClass(NoopPathValidator.class);
    return options;
  }

  private static DataflowPipelineOptions prepared(String... more) {
    DataflowPipelineOptions options = options(more);
    assertThat(DataflowSettings.prepare(options)).isEmpty();
    return options;
  }

  private static String accelerator(DataflowPipelineOptions options) {
    return String.valueOf(options.as(GenerateOptions.class).getAccelerator());
  }

  private static String problem(String... more) {
    List<String> problems = DataflowSettings.check(options(more));
    assertThat(problems).hasSize(1);
    return problems.get(0);
  }

  @Test
  void completesAJobWithoutAccelerators() {
    DataflowPipelineOptions options = prepared();

    assertThat(options.getExperiments()).containsExactly("use_runner_v2");
    assertThat(options.getWorkerMachineType()).isEqualTo("n2-standard-8");
    assertThat(options.getDiskSizeGb()).isEqualTo(50);
    assertThat(options.getNumberOfWorkerHarnessThreads()).isEqualTo(2);
    assertThat(accelerator(options)).isEqualTo("null");
    assertThat(DataflowSettings.devices(options)).isEqualTo(new WorkerDevices("cpu", 1));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "--accelerator=nvidia-l4",
        "--accelerator=" + V5E + ";topology:2x4",
        SERVICE + "type:" + V5E + ";topology:2x4",
        "--experiments=min_cpu_platform=x,worker_accelerator=type:nvidia-l4;count:1;install-nvidia-driver"
      })
  void aJobThatDrawsNothingHasNoAccelerators(String asked) {
    DataflowPipelineOptions options =
        options(asked, IMAGE, ZONE, "--maxNumWorkers=40", "--diskSizeGb=200");
    if (asked.startsWith("--experiments")) {
      options.setFlexRSGoal(FlexResourceSchedulingGoal.COST_OPTIMIZED);
    }

    assertThat(DataflowSettings.prepareIdle(options)).isEmpty();

    assertThat(accelerator(options)).isEqualTo("null");
    assertThat(options.getDataflowServiceOptions()).isEmpty();
    assertThat(options.getExperiments())
        .contains("use_runner_v2")
        .noneMatch(name -> name.startsWith("worker_accelerator") || name.startsWith("min_cpu"));
    assertThat(options.getFlexRSGoal()).isNotEqualTo(FlexResourceSchedulingGoal.COST_OPTIMIZED);
    assertThat(options.getDiskSizeGb()).isEqualTo(50);
    assertThat(options.getWorkerMachineType()).isEqualTo("e2-standard-2");
    assertThat(options.getMaxNumWorkers()).isOne();
  }

  @Test
  void leavesWhatTheUserSaid() {
    DataflowPipelineOptions options =
        prepared(
            "--experiments=min_cpu_platform=x,use_runner_v2",
            "--workerMachineType=e2-standard-4",
            "--diskSizeGb=30",
            "--numberOfWorkerHarnessThreads=5");

    assertThat(options.getExperiments()).containsExactly("min_cpu_platform=x", "use_runner_v2");
    assertThat(options.getWorkerMachineType()).isEqualTo("e2-standard-4");
    assertThat(options.getDiskSizeGb()).isEqualTo(30);
    assertThat(options.getNumberOfWorkerHarnessThreads()).isEqualTo(5);
  }

  @ParameterizedTest
  @CsvSource({
    "nvidia-l4, type:nvidia-l4;count:1;machine_type:g2-standard-8;install-nvidia-driver",
    "nvidia-l4;count:2, type:nvidia-l4;count:2;machine_type:g2-standard-24;install-nvidia-driver",
    "type:nvidia-h100-80gb;install-nvidia-driver:latest;count:8,"
        + " type:nvidia-h100-80gb;count:8;machine_type:a3-highgpu-8g;install-nvidia-driver:latest",
    "nvidia-tesla-t4;use_nvidia_mps,"
        + " type:nvidia-tesla-t4;count:1;machine_type:n1-standard-8;use_nvidia_mps;install-nvidia-driver",
    "nvidia-tesla-t4;machine_type:n1-highmem-4,"
        + " type:nvidia-tesla-t4;count:1;machine_type:n1-highmem-4;install-nvidia-driver",
    // Newer than this table.
    "nvidia-x9, type:nvidia-x9;count:1;install-nvidia-driver",
  })
  void aGpuBecomesAWholeHint(String given, String hint) {
    DataflowPipelineOptions options = prepared("--accelerator=" + given, IMAGE);

    assertThat(accelerator(options)).isEqualTo(hint);
    assertThat(options.getDataflowServiceOptions()).isNullOrEmpty();
    assertThat(options.getDiskSizeGb()).isEqualTo(100);
    // To prepare again changes nothing.
    assertThat(DataflowSettings.prepare(options)).isEmpty();
    assertThat(accelerator(options)).isEqualTo(hint);
  }

  @Test
  void theWorkersMachineGoesToTheGpuIfItIsForThat() {
    DataflowPipelineOptions built =
        prepared("--accelerator=nvidia-l4", IMAGE, "--workerMachineType=g2-standard-4");
    assertThat(accelerator(built)).contains("machine_type:g2-standard-4;");
    assertThat(built.getWorkerMachineType()).isNull();

    DataflowPipelineOptions other =
        prepared("--accelerator=nvidia-l4", IMAGE, "--workerMachineType=n2-standard-2");
    assertThat(accelerator(other)).contains("machine_type:g2-standard-8;");
    assertThat(other.getWorkerMachineType()).isEqualTo("n2-standard-2");
  }

  @ParameterizedTest
  @CsvSource({
    "tpu-v5-lite-podslice, 1x1, ct5lp-hightpu-1t, 1",
    "tpu-v5-lite-podslice, 2x4, ct5lp-hightpu-8t, 8",
    "tpu-v6e-slice, 2x2, ct6e-standard-4t, 4",
    "tpu-v5p-slice, 2x2x1, ct5p-hightpu-4t, 4",
  })
  void aTpuGoesToAllWorkers(String type, String topology, String machine, int chips) {
    String service = "worker_accelerator=type:" + type + ";topology:" + topology;
    for (String accelerator :
        List.of(
            "--accelerator=" + type + ";topology:" + topology,
            "--dataflowServiceOptions=" + service)) {
      DataflowPipelineOptions options = options(accelerator, IMAGE, ZONE);
      assertThat(DataflowSettings.devices(options)).isEqualTo(new WorkerDevices("tpu", chips));

      assertThat(DataflowSettings.prepare(options)).isEmpty();

      assertThat(accelerator(options)).isEqualTo("null");
      assertThat(options.getDataflowServiceOptions()).containsExactly(service);
      assertThat(options.getWorkerMachineType()).isEqualTo(machine);
      assertThat(options.getExperiments()).contains("no_use_multiple_sdk_containers");
      assertThat(DataflowSettings.devices(options)).isEqualTo(new WorkerDevices("tpu", chips));
      assertThat(DataflowSettings.prepare(options)).isEmpty();
      assertThat(options.getDataflowServiceOptions()).containsExactly(service);
    }
  }

  @Test
  void theMachineTellsTheTopology() {
    DataflowPipelineOptions options =
        prepared("--accelerator=" + V5E, IMAGE, ZONE, "--workerMachineType=ct5lp-hightpu-4t");
    assertThat(options.getDataflowServiceOptions())
        .containsExactly("worker_accelerator=type:" + V5E + ";topology:2x2");
  }

  @Test
  void gpusOfAllWorkersAreLeftToTheServiceOption() {
    DataflowPipelineOptions options =
        prepared(SERVICE + "type:nvidia-l4;count:1;install-nvidia-driver", IMAGE);
    assertThat(accelerator(options)).isEqualTo("null");
    assertThat(options.getWorkerMachineType()).isEqualTo("g2-standard-8");
    assertThat(DataflowSettings.devices(options)).isEqualTo(new WorkerDevices("gpu", 1));
    // As a launch over REST puts it.
    assertThat(
            DataflowSettings.devices(
                options(
                    "--experiments=worker_accelerator=type:nvidia-l4;count:4;install-nvidia-driver")))
        .isEqualTo(new WorkerDevices("gpu", 4));
  }

  @Test
  void refusesAcceleratorsByBothWays() {
    assertThat(
            problem(
                "--accelerator=nvidia-l4",
                SERVICE + "type:nvidia-l4;count:1;install-nvidia-driver",
                IMAGE))
        .isEqualTo(
            "--accelerator=nvidia-l4: accelerators are asked for once, but"
                + " worker_accelerator=type:nvidia-l4;count:1;install-nvidia-driver is given too;"
                + " keep one");
    assertThat(problem("--resourceHints=accelerator=type:nvidia-l4"))
        .startsWith("--resourceHints=accelerator=type:nvidia-l4: would put accelerators on every");
  }

  @Test
  void refusesWhatDoesNotGoTogetherWithAHintAtTheRightOne() {
    assertThat(
            problem(
                "--accelerator=" + V5E + ";topology:1x1",
                IMAGE,
                ZONE,
                "--workerMachineType=ct5lp-hightpu-8t"))
        .isEqualTo(
            "--workerMachineType=ct5lp-hightpu-8t: tpu-v5-lite-podslice;topology:1x1 must be on"
                + " machine type ct5lp-hightpu-1t, but ct5lp-hightpu-8t was given; give the right"
                + " one, or leave it out");
    assertThat(problem("--accelerator=" + V5E + ";topology:4x4", IMAGE, ZONE))
        .isEqualTo(
            "--accelerator=tpu-v5-lite-podslice;topology:4x4: tpu-v5-lite-podslice on one host has"
                + " topology:1x1 on machine type ct5lp-hightpu-1t, topology:2x2 on machine type"
                + " ct5lp-hightpu-4t, topology:2x4 on machine type ct5lp-hightpu-8t, but"
                + " topology:4x4 was given; write tpu-v5-lite-podslice;topology:1x1");
    assertThat(problem("--accelerator=" + V5E, IMAGE, ZONE)).contains("but no topology was given");
    assertThat(problem("--accelerator=nvidia-l4;count:3", IMAGE))
        .endsWith(
            "a worker has 1 or 2 or 4 or 8 of nvidia-l4, but count:3 was given; give one of these");
    assertThat(problem("--accelerator=nvidia-l4;machine_type:n1-standard-4", IMAGE))
        .contains(
            "1 of nvidia-l4 must be on machine type g2-standard-12 or g2-standard-16 or"
                + " g2-standard-32 or g2-standard-4 or g2-standard-8, but n1-standard-4");
    assertThat(problem("--accelerator=nvidia-tesla-t4;machine_type:g2-standard-4", IMAGE))
        .contains("must be on machine type one of the series N1, for example n1-standard-8, but");
    assertThat(
            problem(
                SERVICE + "type:nvidia-l4;install-nvidia-driver",
                IMAGE,
                "--workerMachineType=n1-standard-4"))
        .startsWith("--workerMachineType=n1-standard-4: 1 of nvidia-l4 must be on");
    assertThat(problem(SERVICE + "type:nvidia-l4", IMAGE)).contains("install-nvidia-driver");
    assertThat(problem("--accelerator=nvidia-l4;topology:2x2", IMAGE)).contains("word for TPUs");
    assertThat(problem("--accelerator=" + V5E + ";topology:2x4;count:8", IMAGE, ZONE))
        .contains("a TPU has type and topology, but \"count\" was given");
    assertThat(problem("--accelerator=nvidia-l4;count:2;count:4", IMAGE)).contains("twice");
  }

  @Test
  void refusesWhatAcceleratorsLack() {
    assertThat(problem("--accelerator=nvidia-l4")).startsWith("--sdkContainerImage: missing with");
    for (String image : List.of("p/i", "p/i:latest", "host:5000/p/i")) {
      assertThat(problem("--accelerator=nvidia-l4", "--sdkContainerImage=" + image))
          .startsWith("--sdkContainerImage=" + image + ": must name one image for all of the job");
    }
    assertThat(
            DataflowSettings.check(
                options("--accelerator=nvidia-l4", "--sdkContainerImage=p/i@sha256:ab")))
        .isEmpty();
    assertThat(problem("--accelerator=nvidia-l4", IMAGE, "--diskSizeGb=49"))
        .startsWith("--diskSizeGb=49: workers with GPUs must have 50 GB or more");
    assertThat(problem("--accelerator=nvidia-l4", IMAGE, "--flexRSGoal=COST_OPTIMIZED"))
        .startsWith("--flexRSGoal=COST_OPTIMIZED: ");
    String tpu = "--accelerator=" + V5E + ";topology:2x4";
    assertThat(problem(tpu, IMAGE)).startsWith("--workerZone: missing with " + tpu);
    assertThat(problem(tpu, IMAGE, ZONE, "--resourceHints=min_ram=64GB"))
        .startsWith("--resourceHints: all workers of a job with TPUs are alike");
    assertThat(problem(tpu, IMAGE, ZONE, "--experiments=use_sibling_sdk_workers"))
        .startsWith("--experiments=use_sibling_sdk_workers: a TPU lets one process in");
    assertThat(problem(tpu, IMAGE, ZONE, "--dataflowServiceOptions=enable_prime"))
        .startsWith("--dataflowServiceOptions=enable_prime: ");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "--tempLocation=/tmp/x",
        "--stagingLocation=/tmp/x",
        "--jobName=9lives",
        "--experiments=disable_runner_v2_until_2023",
      })
  void refusesWhatDataflowDoesNotTake(String option) {
    assertThat(problem(option)).startsWith(option + ": ");
  }

  @Test
  void refusesStreams() {
    assertThat(problem("--streaming=true")).startsWith("--streaming, --update: ");
    assertThat(problem("--update=true")).startsWith("--streaming, --update: ");
  }

  @Test
  void asksForWhatIsMissing() {
    DataflowPipelineOptions options =
        PipelineOptionsFactory.fromArgs("--input=gs://a/b", "--output=gs://a/c", "--region=")
            .as(GenerateOptions.class)
            .as(DataflowPipelineOptions.class);
    options.setProject("");

    assertThat(DataflowSettings.check(options))
        .extracting(line -> line.substring(0, line.indexOf(':')))
        .containsExactly("--project", "--region", "--tempLocation");
    options.setGcpTempLocation("gs://work/tmp");
    assertThat(DataflowSettings.check(options)).hasSize(2);
  }

  @Test
  void takesModelsThatWorkersCanFetch() {
    for (String model : List.of("demo", "hf://a/b@c", "gs://models/sd")) {
      assertThat(DataflowSettings.check(options("--model=" + model))).isEmpty();
    }
    assertThat(DataflowSettings.check(options("--input=gs://p/{a,b}.txt,gs://p/c.txt"))).isEmpty();
  }

  @Test
  void tellsWhatBeamHasAgainstTheOptions() {
    DataflowPipelineOptions options = options("--project=12345");
    assertThat(DataflowSettings.prepare(options).get(0))
        .startsWith("--runner=DataflowRunner: Project ID '12345' invalid.");
  }
}
