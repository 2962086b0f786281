package io.shardlight.pipeline;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.shardlight.fixtures.gcs.FakeGcs;
import io.shardlight.runners.dataflow.FakeDataflow;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;
import org.apache.beam.model.pipeline.v1.RunnerApi;
import org.apache.beam.sdk.util.construction.RehydratedComponents;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The command with {@code --runner=DataflowRunner}, without a network: the whole pipeline is
 * translated by Beam, staged in a bucket and submitted, and what arrived is looked at.
 */
class DataflowCommandTest {
  private static final String ACCELERATOR = "beam:resources:accelerator:v1";
  private static final String GROUP = "beam:transform:group_by_key:v1";
  private static final String IMAGE = "--sdkContainerImage=us-docker.pkg.dev/p/r/shardlight:1.0";

  private final FakeGcs gcs = FakeGcs.start("prompts", "datasets", "work");
  private final FakeDataflow dataflow = FakeDataflow.start();
  private final Path home;
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();

  DataflowCommandTest(@TempDir Path home) {
    this.home = home;
    gcs.put("prompts", "in/a.txt", "a lighthouse at dawn\n".getBytes(UTF_8));
    dataflow.states("JOB_STATE_FAILED");
  }

  @AfterEach
  void stop() {
    gcs.close();
    dataflow.close();
  }

  private int run(String... words) {
    PrintStream stream = new PrintStream(out, true, UTF_8);
    return Shardlight.run(
        List.of(words),
        new Console(
            new ByteArrayInputStream(new byte[0]),
            stream,
            stream,
            OptionalInt.empty(),
            Map.of(CacheDirectory.VARIABLE, home.resolve("cache").toString())));
  }

  private List<String> lines() {
    return out.toString(UTF_8).lines().toList();
  }

  private int generate(String... more) throws IOException {
    List<String> words = new ArrayList<>(List.of("generate"));
    words.addAll(words(more));
    return run(words.toArray(new String[0]));
  }

  private List<String> words(String... more) throws IOException {
    List<String> words =
        new ArrayList<>(
            List.of(
                "--runner=DataflowRunner",
                "--tempLocation=gs://work/tmp",
                "--input=gs://prompts/in/*.txt",
                "--output=gs://datasets/set",
                "--filesToStage=" + Files.writeString(home.resolve("staged.txt"), "staged")));
    words.addAll(List.of(more));
    words.addAll(dataflow.options());
    gcs.beamOptions().stream().filter(o -> !o.startsWith("--project")).forEach(words::add);
    return words;
  }

  /** Submits, and gives the job's environment. */
  private JsonNode submit(String... more) throws IOException {
    assertThat(generate(more)).as("%s", lines()).isEqualTo(Command.FAILED);
    return dataflow.job().path("environment");
  }

  /** The pipeline that workers would get. */
  private RunnerApi.Pipeline staged() throws IOException {
    return staged(dataflow.job());
  }

  private RunnerApi.Pipeline staged(JsonNode job) throws IOException {
    String url = job.at("/environment/sdkPipelineOptions/options/pipelineUrl").asText();
    return RunnerApi.Pipeline.parseFrom(
        gcs.objects("work").get(url.substring("gs://work/".length())));
  }

  private static List<String> texts(JsonNode array) {
    return StreamSupport.stream(array.spliterator(), false).map(JsonNode::asText).toList();
  }

  /** Names of the transforms, composite ones too, that workers with such a hint run. */
  private static Map<String, Set<String>> hinted(RunnerApi.Pipeline pipeline) {
    RunnerApi.Components all = pipeline.getComponents();
    Map<String, Set<String>> names = new TreeMap<>();
    for (RunnerApi.PTransform transform : all.getTransformsMap().values()) {
      RunnerApi.Environment environment =
          all.getEnvironmentsOrDefault(
              transform.getEnvironmentId(), RunnerApi.Environment.getDefaultInstance());
      environment
          .getResourceHintsMap()
          .forEach(
              (urn, value) ->
                  names
                      .computeIfAbsent(urn + " " + value.toStringUtf8(), key -> new TreeSet<>())
                      .add(transform.getUniqueName()));
    }
    return names;
  }

  @Test
  void onlyTheStepThatDrawsHasTheGpu() throws IOException {
    JsonNode environment = submit("--accelerator=nvidia-l4", IMAGE);

    RunnerApi.Pipeline pipeline = staged();
    assertThat(hinted(pipeline))
        .isEqualTo(
            Map.of(
                ACCELERATOR
                    + " type:nvidia-l4;count:1;machine_type:g2-standard-8;install-nvidia-driver",
                Set.of("GenerateShards/Generate/ParMultiDo(Generate)")));
    // Never by both ways.
    assertThat(texts(environment.path("serviceOptions"))).isEmpty();
    assertThat(texts(environment.path("experiments")))
        .contains("use_runner_v2")
        .noneMatch(name -> name.contains("accelerator"));
    JsonNode pool = environment.at("/workerPools/0");
    assertThat(pool.path("machineType").asText()).as("of the other steps").isEmpty();
    assertThat(pool.path("diskSizeGb").asInt()).isEqualTo(100);
    assertThat(pool.path("workerHarnessContainerImage").asText())
        .isEqualTo("us-docker.pkg.dev/p/r/shardlight:1.0");
    JsonNode options = environment.at("/sdkPipelineOptions/options");
    assertThat(options.path("numberOfWorkerHarnessThreads").asInt()).isEqualTo(2);
  }

  @Test
  void tpusAreInTheWorkerPoolAndNowhereInTheGraph() throws IOException {
    JsonNode environment =
        submit(
            "--accelerator=tpu-v5-lite-podslice;topology:2x4", "--workerZone=us-central1-a", IMAGE);

    assertThat(hinted(staged())).isEmpty();
    assertThat(staged().getComponents().getEnvironmentsMap()).as("one process").hasSize(1);
    assertThat(texts(environment.path("serviceOptions")))
        .containsExactly("worker_accelerator=type:tpu-v5-lite-podslice;topology:2x4");
    assertThat(texts(environment.path("experiments")))
        .contains("use_runner_v2", "no_use_multiple_sdk_containers");
    assertThat(environment.path("workerZone").asText()).isEqualTo("us-central1-a");
    JsonNode pool = environment.at("/workerPools/0");
    assertThat(pool.path("machineType").asText()).isEqualTo("ct5lp-hightpu-8t");
    assertThat(pool.path("diskSizeGb").asInt()).isEqualTo(100);
  }

  @Test
  void theGraphBreaksBeforeItDrawsAndShufflesNoImages() throws IOException {
    JsonNode environment = submit();

    RunnerApi.Pipeline pipeline = staged();
    RunnerApi.Components all = pipeline.getComponents();
    assertThat(hinted(pipeline)).isEmpty();
    JsonNode pool = environment.at("/workerPools/0");
    assertThat(pool.path("machineType").asText()).isEqualTo("n2-standard-8");
    assertThat(pool.path("diskSizeGb").asInt()).isEqualTo(50);

    // 1. Steps, and names that stay the same from run to run.
    assertThat(pipeline.getRootTransformIdsList().stream().map(id -> name(all, id)))
        .containsExactlyInAnyOrder(
            "ReadPrompts",
            "PlanExamples",
            "AssignShards",
            "ClaimOutput",
            "GenerateShards",
            "FinishDataset");
    assertThat(all.getTransformsMap().values())
        .extracting(RunnerApi.PTransform::getUniqueName)
        .noneMatch(name -> name.contains("Lambda") || name.contains("$"));

    // 2. The grouping alone stands between the plan and the devices.
    RunnerApi.PTransform gather = find(all, "GenerateShards/Gather");
    RunnerApi.PTransform generate = find(all, "GenerateShards/Generate/ParMultiDo(Generate)");
    assertThat(gather.getSpec().getUrn()).isEqualTo(GROUP);
    assertThat(generate.getInputsMap().values())
        .containsExactlyElementsOf(gather.getOutputsMap().values());

    // 3. What is grouped behind them are counts and reports.
    Set<String> grouped = new TreeSet<>();
    for (RunnerApi.PTransform transform : behind(all, generate)) {
      if (transform.getSpec().getUrn().equals(GROUP)) {
        String input = transform.getInputsMap().values().iterator().next();
        grouped.add(element(all, input));
      }
    }
    assertThat(grouped)
        .containsExactlyInAnyOrder(
            "KvCoder(StringUtf8Coder,RejectionCoder)",
            "KvCoder(VoidCoder,ShardReportCoder)",
            "KvCoder(VoidCoder,VarLongCoder)",
            "KvCoder(VoidCoder,VoidCoder)");
    assertThat(generate.getOutputsMap().values().stream().map(id -> element(all, id)))
        .containsExactly("ShardReportCoder");
  }

  private static String name(RunnerApi.Components all, String transform) {
    return all.getTransformsOrThrow(transform).getUniqueName();
  }

  private static RunnerApi.PTransform find(RunnerApi.Components all, String name) {
    return all.getTransformsMap().values().stream()
        .filter(transform -> transform.getUniqueName().equals(name))
        .filter(transform -> transform.getSubtransformsCount() == 0)
        .findFirst()
        .orElseThrow(() -> new AssertionError("no step " + name));
  }

  /** The coder of a collection's elements, by the names of its classes. */
  private static String element(RunnerApi.Components all, String collection) {
    try {
      String coder = all.getPcollectionsOrThrow(collection).getCoderId();
      return RehydratedComponents.forComponents(all)
          .getCoder(coder)
          .toString()
          .replaceAll("(?:[a-z][\\w$]*\\.)+([A-Z])", "$1")
          .replaceAll("@[0-9a-f]+", "");
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  /** All primitive transforms that what a transform makes comes to. */
  private static Set<RunnerApi.PTransform> behind(
      RunnerApi.Components all, RunnerApi.PTransform first) {
    Set<RunnerApi.PTransform> seen = new HashSet<>();
    Deque<String> collections = new ArrayDeque<>(first.getOutputsMap().values());
    while (!collections.isEmpty()) {
      String collection = collections.remove();
      List<RunnerApi.PTransform> readers =
          all.getTransformsMap().values().stream()
              .filter(transform -> transform.getSubtransformsCount() == 0)
              .filter(transform -> transform.getInputsMap().containsValue(collection))
              .filter(seen::add)
              .collect(Collectors.toList());
      readers.forEach(reader -> collections.addAll(reader.getOutputsMap().values()));
    }
    return seen;
  }

  @Test
  void aFailedJobSaysWhyAndWhereToLookAndFreesTheOutput() throws IOException {
    dataflow.error(
        """
        Error message from worker: org.apache.beam.sdk.util.UserCodeException: java.io.IOException: x
        \tat a.B.c(B.java:1)
        Caused by: java.io.IOException: gs://models/sd must be the model that the job was checked with
        \tat a.B.c(B.java:1)
        \t... 3 more
        """);
    dataflow.error("Workflow failed. Causes: S05:GenerateShards failed., Internal Issue (1)");

    assertThat(generate()).isEqualTo(Command.FAILED);

    String page =
        "https://console.cloud.google.com/dataflow/jobs/us-central1/2026-11-26_00_00_00-1?project=test";
    assertThat(lines())
        .hasSize(3)
        .contains(
            "The job failed: gs://models/sd must be the model that the job was checked with ("
                + page
                + ")",
            "What was finished stays in gs://datasets/set")
        .anyMatch(line -> line.matches("Job shardlight-[0-9a-z-]+: " + page.replace("?", "\\?")));
    assertThat(gcs.objects("datasets").keySet())
        .filteredOn(name -> name.startsWith("set/runs/leases/"))
        .containsExactly("set/runs/leases/00001.ended", "set/runs/leases/00001.json");
  }

  /** What a template's launcher does: it must end once the job is handed over. */
  @Test
  void aLaunchHandsTheSameJobOverAndDoesNotWait() throws IOException {
    dataflow.states("JOB_STATE_RUNNING");
    PrintStream stream = new PrintStream(out, true, UTF_8);

    int status = JobSubmission.submit(words("--accelerator=nvidia-l4", IMAGE), Map.of(), stream);

    assertThat(status).as("%s", lines()).isEqualTo(Command.DONE);
    assertThat(lines())
        .anyMatch(
            line ->
                line.matches("Job .* was handed over as run .*; its dataset is gs://datasets/set"));
    assertThat(hinted(staged()).values())
        .containsExactly(Set.of("GenerateShards/Generate/ParMultiDo(Generate)"));
    assertThat(gcs.objects("datasets")).as("its workers take the lease").isEmpty();
  }

  /** Where Dataflow's launcher looks for what a template's program made. */
  private static final String GRAPH = "--templateLocation=gs://work/launches/1/job_object";

  private JsonNode graph() throws IOException {
    return new ObjectMapper().readTree(gcs.objects("work").get("launches/1/job_object"));
  }

  /** Names of the whole job's transforms that have no parts. */
  private List<String> steps(JsonNode graph) throws IOException {
    return staged(graph).getComponents().getTransformsMap().values().stream()
        .filter(transform -> transform.getSubtransformsCount() == 0)
        .map(RunnerApi.PTransform::getUniqueName)
        .toList();
  }

  @Test
  void aLaunchLeavesTheGraphWhereTheLauncherLooksForItAndPostsNoJob() throws IOException {
    PrintStream stream = new PrintStream(out, true, UTF_8);

    int status =
        JobSubmission.submit(words("--accelerator=nvidia-l4", IMAGE, GRAPH), Map.of(), stream);

    assertThat(status).as("%s", lines()).isEqualTo(Command.DONE);
    assertThat(dataflow.requests()).noneMatch(request -> request.startsWith("POST"));
    assertThat(steps(graph())).contains("GenerateShards/Generate/ParMultiDo(Generate)");
    assertThat(gcs.objects("datasets")).as("its workers take the lease").isEmpty();
  }

  @Test
  void aLaunchForAFinishedSetLeavesAJobThatSaysSo() throws IOException {
    String[] set = {"--steps=1"};
    List<String> here = new ArrayList<>(words(set));
    here.removeIf(w -> w.matches("--(runner|apiRootUrl|region|filesToStage|tempLocation)=.*"));
    here.add(0, "generate");
    assertThat(run(here.toArray(new String[0]))).as("%s", lines()).isEqualTo(Command.DONE);
    Set<String> before = gcs.objects("datasets").keySet();
    List<String> launch = words(set);
    launch.addAll(List.of("--workerMachineType=n2-standard-32", "--maxNumWorkers=40"));
    PrintStream stream = new PrintStream(out, true, UTF_8);

    // 1. Nobody waits for a job.
    assertThat(JobSubmission.submit(launch, Map.of(), stream)).as("%s", lines()).isZero();
    assertThat(gcs.objects("work").keySet()).noneMatch(name -> name.startsWith("launches/"));

    // 2. The launcher does.
    launch.add(GRAPH);
    assertThat(JobSubmission.submit(launch, Map.of(), stream)).as("%s", lines()).isZero();

    assertThat(lines())
        .anyMatch(line -> line.startsWith("Nothing to do: run "))
        .last()
        .asString()
        .matches("Job .* was handed over, which says so and makes nothing: .*");
    assertThat(dataflow.requests()).noneMatch(request -> request.startsWith("POST"));
    assertThat(steps(graph())).isNotEmpty().allMatch(step -> step.matches("(NothingToDo|Say).*"));
    JsonNode pool = graph().at("/environment/workerPools/0");
    assertThat(pool.path("machineType").asText()).isEqualTo("e2-standard-2");
    assertThat(gcs.objects("datasets").keySet()).as("no lease").isEqualTo(before);
  }

  /** What terraform's lifecycle of the staging bucket takes for granted. */
  @Test
  void whatIsStagedOnceForAllLaunchesIsNotNamedLikeWhatEachWrites() throws IOException {
    dataflow.states("JOB_STATE_RUNNING");
    PrintStream stream = new PrintStream(out, true, UTF_8);
    List<String> words = words("--stagingLocation=gs://work/staging");

    assertThat(JobSubmission.submit(words, Map.of(), stream)).isEqualTo(Command.DONE);
    Map<String, String> first = staged("work");
    assertThat(JobSubmission.submit(words, Map.of(), stream)).isEqualTo(Command.DONE);
    Map<String, String> second = staged("work");

    assertThat(first.keySet())
        .hasSize(2)
        .allMatch(name -> name.matches("staging/(pipeline-[^/]+\\.pb|staged-[^/]+\\.txt)"));
    assertThat(second)
        .as("the file is found there, and not written again")
        .containsAllEntriesOf(first);
    assertThat(second.keySet())
        .filteredOn(name -> !first.containsKey(name))
        .singleElement()
        .asString()
        .startsWith("staging/pipeline-");
  }

  /** Names of a bucket's objects, with their generations. */
  private Map<String, String> staged(String bucket) {
    Map<String, String> generations = new TreeMap<>();
    for (String name : gcs.objects(bucket).keySet()) {
      generations.put(name, gcs.metadata(bucket, name).orElseThrow().path("generation").asText());
    }
    return generations;
  }

  @Test
  void aLaunchTellsAllThatIsWrongAndSubmitsNothing() throws IOException {
    PrintStream stream = new PrintStream(out, true, UTF_8);
    List<String> words = words("--json=true", "--stepz=20", "--accelerator=nvidia-l4");

    int status = JobSubmission.submit(words, Map.of("json", "shapes a terminal"), stream);

    assertThat(status).isEqualTo(Command.WRONG_COMMAND_LINE);
    assertThat(lines())
        .contains("--json: shapes a terminal; leave it out")
        .anyMatch(line -> line.startsWith("--stepz=20: no such option; did you mean --steps?"))
        .anyMatch(line -> line.startsWith("--sdkContainerImage: missing with --accelerator"))
        .endsWith("Nothing was started.");
    assertThat(gcs.objects("work")).isEmpty();
  }

  @Test
  void whatWorkersCannotReachIsToldBeforeAnybodyIsAsked() throws IOException {
    int status =
        run(
            "generate",
            "--runner=DataflowRunner",
            "--project=test",
            "--region=us-central1",
            "--tempLocation=/tmp",
            "--input=gs://prompts/*.txt,prompts.txt",
            "--output=out",
            "--model=models/sd",
            "--lora=a.safetensors:0.5",
            "--vae=vae",
            "--expandTemplates=true",
            "--wildcards=words",
            "--compileCache=/programs");

    String local = ": workers on Dataflow have no disk of yours; ";
    assertThat(lines())
        .containsExactly(
            "--tempLocation=/tmp: must be in a bucket, where workers reach it; give"
                + " gs://bucket/folder",
            "--input=prompts.txt" + local + "copy the file to a bucket and give gs://…",
            "--output=out" + local + "give gs://bucket/folder",
            "--wildcards=words" + local + "copy them to gs://bucket/folder",
            "--compileCache=/programs" + local + "give gs://bucket/folder",
            "--model=models/sd"
                + local
                + "put it in a bucket by ./shardlight stage --model=models/sd"
                + " --to=gs://bucket/folder, and give that",
            "--lora=a.safetensors:0.5" + local + "only local ones can be merged, so leave it out",
            "--vae=vae" + local + "only local ones can be merged, so leave it out",
            "Nothing was started. ./shardlight generate --help explains.");
    assertThat(status).isEqualTo(Command.WRONG_COMMAND_LINE);
  }
}
