package io.shardlight.terraform;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.google.api.client.json.GenericJson;
import com.google.api.client.json.gson.GsonFactory;
import com.google.api.services.dataflow.model.FlexTemplateRuntimeEnvironment;
import com.google.api.services.dataflow.model.LaunchFlexTemplateParameter;
import com.google.api.services.dataflow.model.LaunchFlexTemplateRequest;
import io.shardlight.pipeline.GenerateOptions;
import io.shardlight.pipeline.LaunchedOptions;
import io.shardlight.runners.dataflow.DataflowSettings;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.apache.beam.sdk.options.PipelineOptionsFactory;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What Cloud Scheduler sends to Dataflow, for the example and for every kind of worker. */
class LaunchRequestTest {
  private static final List<String> KINDS = List.of("cpu", "h100", "l4", "v5e-1", "v5e-4", "v5e-8");

  private static final Map<String, LaunchFlexTemplateParameter> LAUNCHES = new TreeMap<>();

  private LaunchRequestTest() {}

  @BeforeAll
  static void read() throws IOException {
    Map<String, JsonNode> requests = new TreeMap<>(LaunchRequests.of(""));
    requests.putAll(LaunchRequests.of(onEveryKind()));
    for (Map.Entry<String, JsonNode> request : requests.entrySet()) {
      LaunchFlexTemplateRequest read =
          GsonFactory.getDefaultInstance()
              .createJsonParser(request.getValue().toString())
              .parseAndClose(LaunchFlexTemplateRequest.class);
      assertThat(read.getUnknownKeys()).isEmpty();
      LAUNCHES.put(request.getKey(), read.getLaunchParameter());
    }
  }

  @AfterAll
  static void forget() {
    LAUNCHES.clear();
  }

  private static String onEveryKind() {
    StringBuilder datasets = new StringBuilder("hub_access = true\ndatasets = {\n");
    for (String kind : KINDS) {
      datasets
          .append("  on-")
          .append(kind)
          .append(" = {\n    schedule = \"0 2 * * *\"\n    worker = \"")
          .append(kind)
          .append("\"\n    max_workers = 3\n    worker_zone = \"us-central1-a\"\n")
          .append("    parameters = {\n      input = \"gs://prompts/*.txt\"\n")
          .append("      output = \"gs://out/")
          .append(kind)
          .append("\"\n      model = \"hf://some/model\"\n    }\n  }\n");
    }
    return datasets.append("}\n").toString();
  }

  /** What Cloud Scheduler would send, as terraform makes it. */
  @Test
  void terraformComesToTheSame(@TempDir Path example, @TempDir Path kinds) throws Exception {
    try (SchemaProvider provider = SchemaProvider.start()) {
      sameAs(Installation.in(example, provider).withTheExamplesVariables().apply(), "", 3);
      sameAs(
          Installation.in(kinds, provider).withTheExamplesVariables().with(onEveryKind()).apply(),
          onEveryKind(),
          KINDS.size());
    }
  }

  private static void sameAs(Installation.State state, String variables, int jobs)
      throws IOException {
    ObjectMapper json = new ObjectMapper();
    Map<String, JsonNode> requests = LaunchRequests.of(variables);
    Map<String, JsonNode> read = new TreeMap<>();
    for (Map.Entry<String, JsonNode> request : requests.entrySet()) {
      // Read again, so that numbers are of the same kind.
      read.put("shardlight-" + request.getKey(), json.readTree(request.getValue().toString()));
    }
    Map<String, JsonNode> sent = new TreeMap<>();
    for (JsonNode job : state.resources("google_cloud_scheduler_job")) {
      JsonNode values = job.at("/values");
      JsonNode target = values.at("/http_target/0");
      String name = values.at("/name").asText();
      String body = new String(Base64.getDecoder().decode(target.at("/body").asText()), UTF_8);
      sent.put(name, json.readTree(body));
      // As the launcher, and to people who want to read it.
      String dataset = name.replaceFirst("^shardlight-", "");
      assertThat(state.output("launch_requests").path(dataset).asText()).isEqualTo(body);
      assertThat(state.output("job_names").path(dataset).asText()).isEqualTo(name);
      assertThat(target.at("/uri").asText())
          .isEqualTo(
              "https://dataflow.googleapis.com/v1b3/projects/my-project-123/locations/us-central1"
                  + "/flexTemplates:launch");
      assertThat(target.at("/http_method").asText()).isEqualTo("POST");
      assertThat(target.at("/oauth_token/0/service_account_email").asText())
          .isEqualTo("shardlight-launcher@my-project-123.iam.gserviceaccount.com");
      assertThat(target.at("/oauth_token/0/scope").asText()).endsWith("/auth/cloud-platform");
      assertThat(target.at("/oidc_token")).isEmpty();
    }
    assertThat(sent).isEqualTo(read).hasSize(jobs);
  }

  @Test
  void dataflowKnowsEveryKey() {
    assertThat(LAUNCHES)
        .containsOnlyKeys(
            "demo",
            "foxes-nightly",
            "owls-weekly",
            "on-cpu",
            "on-h100",
            "on-l4",
            "on-v5e-1",
            "on-v5e-4",
            "on-v5e-8");
    LAUNCHES
        .values()
        .forEach(
            launch -> {
              assertThat(((GenericJson) launch).getUnknownKeys()).isEmpty();
              assertThat(launch.getEnvironment().getUnknownKeys()).isEmpty();
            });
  }

  @Test
  void parametersAreOptionsOfGenerateWithValuesThatPass() {
    LAUNCHES.forEach(
        (name, launch) -> {
          assertThat(launch.getParameters()).as(name).containsKeys("input", "output");
          assertThat(
                  launch.getParameters().entrySet().stream()
                      .flatMap(p -> LaunchedOptions.problem(p.getKey(), p.getValue()).stream()))
              .as(name)
              .isEmpty();
        });
  }

  @Test
  void theTemplateHasTheParametersAndTakesTheirValues() throws IOException {
    TemplateForm form = TemplateForm.read();
    LAUNCHES.forEach(
        (name, launch) -> assertThat(form.problems(launch.getParameters())).as(name).isEmpty());
    assertThat(form.problems(Map.of("input", "prompts.txt", "stepz", "20")))
        .as("what is wrong is seen")
        .anyMatch(line -> line.startsWith("input=prompts.txt: does not match"))
        .contains("stepz: no parameter of the template", "output: missing");
  }

  @Test
  void parametersAndEnvironmentSayNothingTwice() {
    // "Runtime parameter workerMachineType should not be specified in both".
    LAUNCHES
        .values()
        .forEach(
            launch ->
                assertThat(launch.getParameters())
                    .doesNotContainKeys(
                        "workerMachineType",
                        "maxNumWorkers",
                        "numWorkers",
                        "diskSizeGb",
                        "workerZone",
                        "tempLocation",
                        "stagingLocation",
                        "subnetwork",
                        "serviceAccount",
                        "sdkContainerImage"));
  }

  @Test
  void workersHaveNoPublicAddressesAndOneAccount() {
    LAUNCHES
        .values()
        .forEach(
            launch -> {
              FlexTemplateRuntimeEnvironment environment = launch.getEnvironment();
              assertThat(environment.getIpConfiguration()).isEqualTo("WORKER_IP_PRIVATE");
              assertThat(environment.getSubnetwork())
                  .endsWith("/regions/us-central1/subnetworks/shardlight-workers");
              assertThat(environment.getServiceAccountEmail())
                  .isEqualTo("shardlight-worker@my-project-123.iam.gserviceaccount.com");
              assertThat(environment.getTempLocation())
                  .isEqualTo("gs://my-project-123-shardlight-staging/temp");
              assertThat(environment.getStagingLocation())
                  .isEqualTo("gs://my-project-123-shardlight-staging/staging");
              assertThat(environment.getAdditionalExperiments()).contains("use_runner_v2");
            });
  }

  @Test
  void kindsOfWorkersBringMachineAcceleratorAndImage() {
    assertThat(machine("on-cpu")).isEqualTo("n2-standard-8");
    assertThat(launch("on-cpu").getParameters())
        .containsEntry("deviceKind", "cpu")
        .doesNotContainKeys("accelerator", "compileCache");
    assertThat(parameter("on-l4", "accelerator"))
        .isEqualTo("type:nvidia-l4;count:1;machine_type:g2-standard-8;install-nvidia-driver");
    assertThat(machine("on-l4")).isEqualTo("n2-standard-4");
    assertThat(parameter("on-h100", "accelerator"))
        .isEqualTo(
            "type:nvidia-h100-80gb;count:1;machine_type:a3-highgpu-1g;install-nvidia-driver");
    assertThat(parameter("on-h100", "deviceKind")).isEqualTo("gpu");
    Map.of("1", "1x1", "4", "2x2", "8", "2x4")
        .forEach(
            (chips, topology) -> {
              String name = "on-v5e-" + chips;
              assertThat(parameter(name, "accelerator"))
                  .isEqualTo("type:tpu-v5-lite-podslice;topology:" + topology);
              assertThat(machine(name)).isEqualTo("ct5lp-hightpu-" + chips + "t");
              assertThat(parameter(name, "deviceKind")).isEqualTo("tpu");
              assertThat(parameter(name, "compileCache"))
                  .isEqualTo("gs://my-project-123-shardlight-staging/programs");
              assertThat(environment(name).getWorkerZone()).isEqualTo("us-central1-a");
            });
    Map.of("on-cpu", "cpu", "on-l4", "gpu", "on-h100", "gpu", "on-v5e-8", "tpu")
        .forEach(
            (name, image) -> {
              assertThat(environment(name).getSdkContainerImage())
                  .isEqualTo(
                      "us-central1-docker.pkg.dev/my-project-123/shardlight/shardlight-"
                          + image
                          + ":0.1.0");
              assertThat(launch(name).getContainerSpecGcsPath())
                  .isEqualTo(
                      "gs://my-project-123-shardlight-artifacts/templates/shardlight-"
                          + image
                          + "-0.1.0.json");
            });
  }

  @Test
  void theHubsTokenIsNamedAndNeverGiven() {
    assertThat(parameter("on-l4", "hfTokenSecret"))
        .isEqualTo("projects/my-project-123/secrets/shardlight-hub-token/versions/latest");
    assertThat(launch("foxes-nightly").getParameters()).doesNotContainKey("hfTokenSecret");
  }

  @Test
  void aJobHasOneNameAndItsOwnLabelAndBounds() {
    LAUNCHES.forEach(
        (name, launch) -> {
          assertThat(launch.getJobName())
              .isEqualTo("shardlight-" + name)
              .matches("[a-z]([-a-z0-9]*[a-z0-9])?");
          assertThat(launch.getUpdate()).isNull();
          assertThat(launch.getEnvironment().getAdditionalUserLabels())
              .containsEntry("dataset", name)
              .containsEntry("team", "pictures");
        });
    assertThat(environment("on-l4").getMaxWorkers()).isEqualTo(3);
    assertThat(environment("demo").getMaxWorkers()).isEqualTo(1);
  }

  /** Named as the launcher of Flex Templates passes a launch on to the job. */
  private static List<String> words(LaunchFlexTemplateParameter launch) {
    FlexTemplateRuntimeEnvironment environment = launch.getEnvironment();
    List<String> words =
        new ArrayList<>(
            List.of(
                "--runner=DataflowRunner",
                "--project=my-project-123",
                "--region=us-central1",
                "--jobName=" + launch.getJobName(),
                "--workerMachineType=" + environment.getMachineType(),
                "--diskSizeGb=" + environment.getDiskSizeGb(),
                "--numWorkers=" + environment.getNumWorkers(),
                "--maxNumWorkers=" + environment.getMaxWorkers(),
                "--tempLocation=" + environment.getTempLocation(),
                "--stagingLocation=" + environment.getStagingLocation(),
                "--subnetwork=" + environment.getSubnetwork(),
                "--usePublicIps=false",
                "--serviceAccount=" + environment.getServiceAccountEmail(),
                "--sdkContainerImage=" + environment.getSdkContainerImage(),
                "--experiments=" + String.join(",", environment.getAdditionalExperiments())));
    if (environment.getWorkerZone() != null) {
      words.add("--workerZone=" + environment.getWorkerZone());
    }
    launch.getParameters().forEach((name, value) -> words.add("--" + name + "=" + value));
    return words;
  }

  private static GenerateOptions options(List<String> words) {
    return PipelineOptionsFactory.fromArgs(words.toArray(new String[0])).as(GenerateOptions.class);
  }

  @Test
  void theJobTakesTheWorkersItGets() {
    LAUNCHES.forEach(
        (name, launch) -> {
          GenerateOptions options = options(words(launch));
          assertThat(DataflowSettings.check(options)).as(name).isEmpty();
          assertThat(DataflowSettings.devices(options).kind())
              .as(name)
              .isEqualTo(launch.getParameters().get("deviceKind"));
        });
    assertThat(DataflowSettings.devices(options(words(launch("on-v5e-8")))).count()).isEqualTo(8);
  }

  @Test
  void theJobWouldRefuseWorkersThatDoNotFitTogether() {
    List<String> words = words(launch("on-v5e-8"));
    words.remove("--workerMachineType=ct5lp-hightpu-8t");
    words.add("--workerMachineType=ct5lp-hightpu-4t");
    List<String> gpu = words(launch("on-l4"));
    gpu.removeIf(word -> word.startsWith("--accelerator="));
    gpu.add("--accelerator=type:nvidia-l4;count:1;machine_type:g2-standard-24");

    assertThat(DataflowSettings.check(options(words)))
        .singleElement()
        .asString()
        .contains("must be on machine type ct5lp-hightpu-8t, but ct5lp-hightpu-4t was given");
    assertThat(DataflowSettings.check(options(gpu)))
        .singleElement()
        .asString()
        .contains("1 of nvidia-l4 must be on machine type");
  }

  @Test
  void everyKindOfWorkerIsTried() {
    HclBlock locals =
        Objects.requireNonNull(TerraformModule.children().get("schedule"))
            .blocks("locals")
            .filter(block -> block.attribute("workers").isPresent())
            .findFirst()
            .orElseThrow();

    assertThat(HclReader.object(locals.attribute("workers").orElseThrow()).keySet())
        .containsExactlyInAnyOrderElementsOf(KINDS);
  }

  private static LaunchFlexTemplateParameter launch(String name) {
    return Objects.requireNonNull(LAUNCHES.get(name), name);
  }

  private static FlexTemplateRuntimeEnvironment environment(String name) {
    return launch(name).getEnvironment();
  }

  private static String machine(String name) {
    return environment(name).getMachineType();
  }

  private static String parameter(String name, String option) {
    return launch(name).getParameters().getOrDefault(option, "");
  }
}
