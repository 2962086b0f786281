package io.shardlight.terraform;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What terraform makes of the example, with a provider that has the real one's schema. */
class InstallationTest {
  private static @Nullable SchemaProvider provider;
  private static Installation.@Nullable State example;
  private static @Nullable Installation installation;

  @TempDir Path folder;

  @BeforeAll
  static void applyTheExample(@TempDir Path folder) throws Exception {
    provider = SchemaProvider.start();
    installation = Installation.in(folder, provider).withTheExamplesVariables();
    example = installation.apply();
  }

  @AfterAll
  static void close() {
    if (provider != null) {
      provider.close();
    }
  }

  private static Installation.State example() {
    return Objects.requireNonNull(example);
  }

  private static Installation installation() {
    return Objects.requireNonNull(installation);
  }

  private Installation another() throws IOException, InterruptedException {
    return Installation.in(folder, Objects.requireNonNull(provider)).withTheExamplesVariables();
  }

  private static Set<String> addresses(Installation.State state) {
    return state.resources(".*").stream()
        .map(resource -> resource.at("/address").asText())
        .collect(Collectors.toCollection(TreeSet::new));
  }

  @Test
  void terraformFindsNothingWrong() throws Exception {
    TerraformProgram.Result result = installation().run("validate");

    assertThat(result.output().strip()).isEqualTo("Success! The configuration is valid.");
  }

  @Test
  void aSecondApplyChangesNothing() throws Exception {
    TerraformProgram.Result result = installation().run("plan", "-detailed-exitcode");

    assertThat(result.output()).contains("No changes.");
    assertThat(result.status()).isZero();
  }

  @Test
  void terraformTellsWhatTheSchemaForbids() throws Exception {
    Installation wrong = another();
    Path file = wrong.folder().resolve("storage/main.tf");
    Files.writeString(
        file,
        Files.readString(file)
            .replace("public_access_prevention ", "public_acess_prevention ")
            .replace("location                    = var.location", ""));

    TerraformProgram.Result result = wrong.run("validate");

    assertThat(result.status()).isOne();
    assertThat(result.output())
        .contains("An argument named \"public_acess_prevention\" is not expected here")
        .contains("The argument \"location\" is required");
  }

  @Test
  void bucketsAreClosedAndForgetWhatTheyShould() {
    List<JsonNode> buckets = example().resources("google_storage_bucket");

    assertThat(buckets).hasSize(4);
    for (JsonNode bucket : buckets) {
      JsonNode values = bucket.at("/values");
      String name = values.at("/name").asText();
      assertThat(name).matches("[a-z0-9][a-z0-9-]{1,61}[a-z0-9]");
      assertThat(values.at("/public_access_prevention").asText()).isEqualTo("enforced");
      assertThat(values.at("/uniform_bucket_level_access").asBoolean()).isTrue();
      assertThat(values.at("/force_destroy").asBoolean()).isFalse();
      boolean staging = name.endsWith("-staging");
      boolean datasets = name.endsWith("-datasets");
      assertThat(values.at("/soft_delete_policy/0/retention_duration_seconds").asLong())
          .isEqualTo(staging ? 0 : 7 * 86_400);
      assertThat(values.at("/versioning/0/enabled").asBoolean()).isEqualTo(!staging && !datasets);
      Set<String> deleted = new TreeSet<>();
      for (JsonNode rule : values.at("/lifecycle_rule")) {
        JsonNode condition = rule.at("/condition/0");
        if (rule.at("/action/0/type").asText().equals("Delete")) {
          deleted.add(
              condition.at("/matches_prefix/0").asText("")
                  + condition.at("/age").asText()
                  + condition.at("/with_state").asText());
        } else {
          assertThat(condition.at("/age").asInt()).isEqualTo(7);
        }
      }
      assertThat(deleted)
          .as(name)
          .isEqualTo(
              staging
                  ? Set.of("temp/21null", "staging/60null", "programs/180null")
                  : datasets ? Set.of() : Set.of("nullARCHIVED"));
    }
  }

  @Test
  void rolesGoToThoseWhoAreNamed() {
    Set<String> grants =
        example().resources("google_.*_iam_member").stream()
            .map(JsonNode::toString)
            .map(
                text ->
                    text.replaceAll(".*\"member\":\"([^\"]*)\".*", "$1")
                        + " "
                        + text.replaceAll(".*\"role\":\"([^\"]*)\".*", "$1"))
            .collect(Collectors.toCollection(TreeSet::new));

    String accounts = "@my-project-123.iam.gserviceaccount.com ";
    assertThat(grants)
        .containsExactlyInAnyOrder(
            "serviceAccount:shardlight-worker" + accounts + "roles/dataflow.worker",
            "serviceAccount:shardlight-worker" + accounts + "roles/storage.objectViewer",
            "serviceAccount:shardlight-worker" + accounts + "roles/storage.objectUser",
            "serviceAccount:shardlight-worker" + accounts + "roles/artifactregistry.reader",
            "serviceAccount:shardlight-launcher" + accounts + "roles/dataflow.developer",
            "serviceAccount:shardlight-launcher" + accounts + "roles/iam.serviceAccountUser",
            "serviceAccount:shardlight-launcher" + accounts + "roles/storage.objectViewer",
            "group:operators@example.com roles/dataflow.developer",
            "group:operators@example.com roles/iam.serviceAccountUser",
            "group:operators@example.com roles/cloudscheduler.jobRunner",
            "group:operators@example.com roles/logging.viewer",
            "group:operators@example.com roles/monitoring.viewer",
            "group:artists@example.com roles/storage.objectUser",
            "group:trainers@example.com roles/storage.objectViewer",
            "group:builders@example.com roles/artifactregistry.writer",
            "group:builders@example.com roles/storage.objectUser");
  }

  @Test
  void alertsKnowTheJobsAndMissOnlyThoseThatAreNotPaused() {
    List<JsonNode> policies = example().resources("google_monitoring_alert_policy");
    String failed =
        policies.stream()
            .map(policy -> policy.at("/values/conditions/0/condition_threshold/0/filter").asText())
            .filter(filter -> filter.contains("is_failed"))
            .findFirst()
            .orElseThrow();
    List<String> missing =
        policies.stream()
            .filter(policy -> policy.at("/name").asText().equals("missing"))
            .map(policy -> policy.at("/index").asText())
            .toList();

    assertThat(failed).contains("one_of(\"demo\", \"foxes-nightly\", \"owls-weekly\")");
    assertThat(missing).containsExactlyInAnyOrder("foxes-nightly", "owls-weekly");
    assertThat(policies).allMatch(policy -> policy.at("/values/notification_channels").size() == 1);
    String query =
        policies.stream()
            .filter(policy -> policy.at("/index").asText().equals("foxes-nightly"))
            .map(
                policy ->
                    policy
                        .at("/values/conditions/0/condition_prometheus_query_language/0/query")
                        .asText())
            .filter(text -> !text.isEmpty())
            .findFirst()
            .orElseThrow();
    assertThat(query)
        .isEqualTo(
            "(sum(increase(logging_googleapis_com:user_shardlight_runs{"
                + "monitored_resource=\"dataflow_step\", job_name=\"foxes-nightly\","
                + " succeeded=\"true\"}[30h])) or vector(0)) < 0.5");
  }

  @Test
  void imagesThatAllFailAreFailuresToo() {
    String failing =
        example().resources("google_monitoring_alert_policy").stream()
            .filter(policy -> policy.at("/name").asText().equals("failing"))
            .map(policy -> policy.at("/values/conditions/0/condition_prometheus_query_language/0"))
            .map(condition -> condition.at("/query").asText())
            .findFirst()
            .orElseThrow();

    String counter =
        "max by (job_name)"
            + " (dataflow_googleapis_com:job_user_counter{monitored_resource=\"dataflow_job\","
            + " job_name=~\"demo|foxes-nightly|owls-weekly\", metric_name=\"%s\"})";
    String failed = String.format(counter, "failed");
    String images = String.format(counter, "images");
    assertThat(failing).isEqualTo(failed + " > 0.005 * (" + images + " or 0 * " + failed + ")");
  }

  @Test
  void theHubNeedsASecretAndAWayOut() throws Exception {
    Set<String> without = addresses(example());
    Set<String> with = addresses(another().with("hub_access = true\n").apply());

    with.removeAll(without);
    assertThat(without).noneMatch(address -> address.contains("nat") || address.contains("secret"));
    assertThat(with)
        .containsExactlyInAnyOrder(
            "module.apis.google_project_service.this[\"secretmanager.googleapis.com\"]",
            "module.hub_token[0].google_secret_manager_secret.this",
            "module.hub_token[0].google_secret_manager_secret_iam_member.worker",
            "module.network.google_compute_router.out[0]",
            "module.network.google_compute_router_nat.out[0]");
  }

  @Test
  void nothingIsScheduledAndNoBudgetMadeUnlessAskedFor() throws Exception {
    Installation.State state =
        another().with("datasets = {}\nbilling_account = null\ndataset_days = 30\n").apply();

    assertThat(state.resources("google_cloud_scheduler_job|google_billing_budget")).isEmpty();
    assertThat(state.resources("google_monitoring_alert_policy")).isEmpty();
    assertThat(example().resources("google_billing_budget")).hasSize(1);
    assertThat(
            state.resources("google_storage_bucket").stream()
                .filter(bucket -> bucket.at("/index").asText().equals("datasets"))
                .map(bucket -> bucket.at("/values/lifecycle_rule/1/condition/0"))
                .map(rule -> rule.at("/age").asInt() + rule.at("/matches_prefix").asText()))
        .containsExactly("30null");
  }

  @Test
  void wrongVariablesAreRefusedInWords() throws Exception {
    TerraformProgram.Result result =
        another()
            .with(
                """
                project_id          = "My Project"
                region              = "us-central1-a"
                name                = "S"
                labels              = { Team = "x" }
                release             = "latest"
                prompt_writers      = ["allUsers"]
                dataset_readers     = ["allAuthenticatedUsers"]
                releasers           = ["me@example.com"]
                operators           = [""]
                dataset_days        = 0
                soft_delete_days    = 3
                subnet_range        = "10.0.0.0"
                alert_emails        = []
                alert_failure_ratio = 0
                alert_busy_ratio    = 2
                billing_account     = "1234"
                monthly_budget      = 0.5
                budget_currency     = "dollars"
                datasets = {
                  Foxes = {
                    schedule   = "nightly"
                    worker     = "cpu"
                    parameters = { input = "prompts.txt", output = "gs://b/out" }
                    longest_hours = 0
                  }
                  owls = {
                    schedule   = "0 2 * * *"
                    worker     = "cpu"
                    parameters = { input = "gs://b/in", output = "gs://b/out" }
                  }
                }
                """)
            .run("plan");

    assertThat(result.status()).isOne();
    String text =
        result.output().replaceFirst("(?s).*?(?=Error:)", "").replaceAll("[│╷╵\\s]+", " ");
    assertThat(text)
        .contains("project_id must be the id of a project")
        .contains("region must be a region such as us-central1, not a zone")
        .contains("name must have 3 to 20")
        .contains("labels must have lower-case letters")
        .contains("release must be a tag of an image that does not move")
        .contains("prompt_writers must be written as IAM does")
        .contains("dataset_readers must be written as IAM does")
        .contains("releasers must be written as IAM does")
        .contains("operators must be written as IAM does")
        .contains("dataset_days must be null, or 1 and more")
        .contains("soft_delete_days must be 0, or 7 to 90")
        .contains("subnet_range must be IPv4 addresses")
        .contains("alert_emails must have an address or more")
        .contains("alert_failure_ratio must be from 0.001 to 0.1")
        .contains("alert_busy_ratio must be from 0")
        .contains("billing_account must be null, or an id")
        .contains("monthly_budget must be a whole number")
        .contains("budget_currency must be three letters")
        .contains("A dataset's name is its Dataflow job's")
        .contains("both begin with gs://")
        .contains("Every dataset must have an output of its own")
        .contains("cron's five fields, such as")
        .contains("longest_hours and expected_hours must be more than 0");
  }

  @Test
  void wrongWorkersAreRefusedInWords() throws Exception {
    TerraformProgram.Result result =
        another()
            .with(
                """
                datasets = {
                  tpu = {
                    schedule   = "0 2 * * *"
                    worker     = "v5e-8"
                    parameters = { input = "gs://b/in", output = "gs://b/2" }
                  }
                  many = {
                    schedule    = "0 2 * * *"
                    worker      = "cpu"
                    worker_zone = "europe-west4-a"
                    max_workers = 0
                    parameters  = { input = "gs://b/in", output = "gs://b/3" }
                  }
                }
                """)
            .run("plan");

    assertThat(result.status()).isOne();
    String text =
        result.output().replaceFirst("(?s).*?(?=Error:)", "").replaceAll("[│╷╵\\s]+", " ");
    assertThat(text)
        .contains("worker_zone must be a zone of us-central1, and TPU workers need one")
        .contains("max_workers must be a whole number from 1 to 1000");
  }

  @Test
  void unknownWorkersAreRefusedInWords() throws Exception {
    TerraformProgram.Result result =
        another()
            .with(
                """
                datasets = {
                  kind = {
                    schedule   = "0 2 * * *"
                    worker     = "a100"
                    parameters = { input = "gs://b/in", output = "gs://b/1" }
                  }
                }
                """)
            .run("plan");

    assertThat(result.status()).isOne();
    assertThat(result.output().replaceAll("[│╷╵\\s]+", " "))
        .contains("worker must be one of cpu, h100, l4, v5e-1, v5e-4, v5e-8");
  }
}
