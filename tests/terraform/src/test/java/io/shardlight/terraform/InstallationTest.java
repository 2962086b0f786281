package io.shardlight.terraform;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
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
                  ? Set.of(
                      "temp/21null",
                      "staging/pipeline-60null",
                      "staging/template_launches/60null",
                      "programs/180null")
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
            "group:operators@example.com roles/cloudscheduler.viewer",
            "group:operators@example.com roles/storage.objectViewer",
            "group:operators@example.com roles/logging.viewer",
            "group:operators@example.com roles/monitoring.viewer",
            "group:artists@example.com roles/storage.objectUser",
            "group:trainers@example.com roles/storage.objectViewer",
            "group:builders@example.com roles/artifactregistry.writer",
            "group:builders@example.com roles/storage.objectUser");
  }

  private static final String DATASETS =
      """
      datasets = {
        foxes = {
          schedule       = "0 2 * * *"
          worker         = "cpu"
          parameters     = { input = "gs://b/in", output = "gs://b/1" }
          expected_hours = 30
        }
        owls = {
          schedule       = "0 2 * * *"
          worker         = "cpu"
          paused         = true
          parameters     = { input = "gs://b/in", output = "gs://b/2" }
          expected_hours = 30
        }
        bears = {
          schedule   = "0 2 * * *"
          worker     = "cpu"
          parameters = { input = "gs://b/in", output = "gs://b/3" }
        }
        cats = {
          schedule       = "0 2 * * *"
          worker         = "cpu"
          parameters     = { input = "gs://b/in", output = "gs://b/4" }
          expected_hours = 0
        }
      }
      """;

  /** Queries of the policies' conditions, by the names of their rules. */
  private static Map<String, List<String>> queries(Installation.State state) {
    Map<String, List<String>> queries = new TreeMap<>();
    for (JsonNode policy : state.resources("google_monitoring_alert_policy")) {
      for (JsonNode condition : policy.at("/values/conditions")) {
        JsonNode query = condition.at("/condition_prometheus_query_language/0");
        if (!query.isMissingNode()) {
          queries
              .computeIfAbsent(query.at("/alert_rule").asText(), rule -> new ArrayList<>())
              .add(query.at("/query").asText());
        }
      }
    }
    return queries;
  }

  @Test
  void alertsKnowTheJobsOfThisInstallationAlone() throws Exception {
    Installation.State state =
        another().with("name = \"second-one\"\nalert_busy_ratio = 0.4\n" + DATASETS).apply();
    String jobs = "job_name=~\"second-one-bears|second-one-cats|second-one-foxes|second-one-owls\"";
    String log = "logging_googleapis_com:user_second_one_";
    String step = "{monitored_resource=\"dataflow_step\", " + jobs + "}";
    String job = "{monitored_resource=\"dataflow_job\", " + jobs;
    String counter = "max by (job_name) (dataflow_googleapis_com:job_user_counter" + job;
    String failed = counter + ", metric_name=\"failed\"})";

    Map<String, List<String>> queries = queries(state);

    assertThat(queries.get("RunFailedImages"))
        .containsExactly(
            ("increase(%1$sfailure_ratio_sum%2$s[15m]) / increase(%1$sfailure_ratio_count%2$s[15m])"
                    + " > 0.005")
                .formatted(log, step));
    assertThat(queries.get("RunIdleDevices"))
        .containsExactly(
            ("increase(%1$sdevice_busy_ratio_sum%2$s[15m])"
                    + " / increase(%1$sdevice_busy_ratio_count%2$s[15m]) < 0.4")
                .formatted(log, step));
    assertThat(queries.get("RunRejectedRecords"))
        .containsExactly("increase(%srejected_sum%s[15m]) > 0".formatted(log, step));
    assertThat(queries.get("JobFailed"))
        .containsExactly(
            "max_over_time(dataflow_googleapis_com:job_is_failed" + job + "}[15m]) > 0");
    assertThat(queries.get("JobRunsLong"))
        .hasSize(4)
        .contains(
            "max by (job_name) (dataflow_googleapis_com:job_elapsed_time{"
                + "monitored_resource=\"dataflow_job\", job_name=\"second-one-owls\"}) > 43200");
    assertThat(queries.get("ImagesFail"))
        .as("also where all fail")
        .containsExactly(
            failed
                + " > 0.005 * ("
                + counter
                + ", metric_name=\"images\"}) + "
                + failed
                + " or "
                + failed
                + ")");
    // Neither a paused one, nor those that say 0 or nothing.
    assertThat(queries.get("NoDataset"))
        .containsExactly(
            ("(sum(increase(%sruns{monitored_resource=\"dataflow_step\","
                    + " job_name=\"second-one-foxes\", succeeded=\"true\"}[30h])) or vector(0))"
                    + " < 0.5")
                .formatted(log));
    String any =
        "(\"second-one-bears\" OR \"second-one-cats\" OR \"second-one-foxes\" OR"
            + " \"second-one-owls\")";
    assertThat(state.resources("google_logging_metric"))
        .hasSize(4)
        .allMatch(
            metric ->
                metric.at("/values/filter").asText().contains("resource.labels.job_name=" + any));
    assertThat(
            state.resources("google_monitoring_alert_policy").stream()
                .map(
                    policy ->
                        policy
                            .at("/values/conditions/0/condition_matched_log/0/filter")
                            .asText("")))
        .filteredOn(filter -> !filter.isEmpty())
        .singleElement()
        .asString()
        .endsWith("resource.labels.job_id=" + any);
  }

  @Test
  void everyPolicyTellsSomebodyAndNoneNeedsAMetricThatIsNotThereYet() throws Exception {
    List<JsonNode> policies =
        another().with(DATASETS).apply().resources("google_monitoring_alert_policy");

    assertThat(policies).hasSize(9);
    for (JsonNode policy : policies) {
      assertThat(policy.at("/values/notification_channels")).hasSize(1);
      for (JsonNode condition : policy.at("/values/conditions")) {
        JsonNode query = condition.at("/condition_prometheus_query_language/0");
        assertThat(condition.at("/condition_threshold")).as("%s", condition).isEmpty();
        if (condition.at("/condition_matched_log").isEmpty()) {
          assertThat(query.at("/disable_metric_validation").asBoolean()).as("%s", query).isTrue();
        }
      }
    }
  }

  @Test
  void twoInstallationsInOneProjectShareNothingThatHasAName() throws Exception {
    Set<String> first = names(example());
    Set<String> second = names(another().with("name = \"other\"\nhub_access = true\n").apply());

    assertThat(first).hasSizeGreaterThan(25);
    second.retainAll(first);
    assertThat(second).isEmpty();
  }

  /** What the cloud takes once in a project, of each resource. */
  private static Set<String> names(Installation.State state) {
    Set<String> names = new TreeSet<>();
    for (JsonNode resource : state.resources("google_.*")) {
      String type = resource.at("/type").asText();
      if (type.equals("google_project_service") || type.endsWith("_iam_member")) {
        continue; // Of which two are one.
      }
      String name =
          Stream.of(
                  "name",
                  "account_id",
                  "repository_id",
                  "secret_id",
                  "display_name",
                  "http_target/0/body")
              .map(key -> resource.at("/values/" + key).asText(""))
              .filter(text -> !text.isEmpty() && !text.startsWith(type))
              .findFirst()
              .orElse("");
      if (type.equals("google_project")) {
        continue;
      }
      assertThat(name).as("%s", resource).isNotEmpty();
      names.add(type + " " + name);
    }
    return names;
  }

  /** There is no image, no model and no prompt when it is first applied. */
  @Test
  void theExampleLaunchesNothing() {
    List<JsonNode> jobs = example().resources("google_cloud_scheduler_job");

    assertThat(jobs).hasSize(3).allMatch(job -> job.at("/values/paused").asBoolean());
    assertThat(queries(example())).doesNotContainKey("NoDataset");
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
    assertThat(state.resources("google_monitoring_alert_policy|google_logging_metric")).isEmpty();
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
                alert_failure_ratio = 1
                alert_busy_ratio    = 2
                billing_account     = "1234"
                monthly_budget      = 0.5
                budget_currency     = "dollars"
                datasets = {
                  Foxes = {
                    schedule   = "nightly"
                    worker     = "cpu"
                    parameters = { input = "prompts.txt", output = "gs://b/out" }
                    longest_hours  = 0
                    expected_hours = 1.5
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
        .contains("alert_failure_ratio must be from 0, at")
        .contains("alert_busy_ratio must be from 0")
        .contains("billing_account must be null, or an id")
        .contains("monthly_budget must be a whole number")
        .contains("budget_currency must be three letters")
        .contains("A dataset's name ends its Dataflow job's")
        .contains("both begin with gs://")
        .contains("Every dataset must have an output of its own")
        .contains("cron's five fields, such as")
        .contains("longest_hours must be more than 0")
        .contains("expected_hours must be a whole number of hours, or 0 for no alert");
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
