package io.shardlight.terraform;

import static org.assertj.core.api.Assertions.assertThat;

import io.shardlight.models.ModelMarker;
import io.shardlight.pipeline.CommandHelp;
import io.shardlight.pipeline.LaunchedOptions;
import io.shardlight.transforms.ReportText;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** The page on operation names what is there, in the words of what it speaks of. */
class OperatingPageTest {
  private static final Path ROOT = TerraformModule.ROOT.resolve("..").normalize();

  /** An installation's own beginning of names, unless somebody chose another. */
  private static final String NAME = "shardlight";

  private final OperatingPage page =
      OperatingPage.read(ROOT.resolve("templates").resolve("OPERATING.md"));
  private final TerraformModule root = TerraformModule.root();
  private final HclBlock example =
      HclReader.read(TerraformModule.ROOT.resolve("terraform.tfvars.example"));
  private final SourceTexts sources = SourceTexts.read();

  OperatingPageTest() throws IOException {}

  @Test
  void commandsHaveTheOptionsThatTheyAreTypedWith() {
    Pattern typed = Pattern.compile("\\./shardlight ([a-z]+)(.*)");
    List<String> unknown = new ArrayList<>();
    Set<String> commands = new TreeSet<>();
    for (String line : page.commands()) {
      Matcher command = typed.matcher(line);
      if (command.find()) {
        commands.add(command.group(1));
        Set<String> there = CommandHelp.options(command.group(1));
        Pattern.compile("(?<=\\s)(--[A-Za-z]+)")
            .matcher(command.group(2))
            .results()
            .map(option -> option.group(1))
            .filter(option -> !there.contains(option))
            .forEach(option -> unknown.add(command.group(1) + " " + option));
      }
    }

    assertThat(commands).contains("plan", "stage", "verify");
    assertThat(unknown).isEmpty();
  }

  @Test
  void parametersAreTheTemplatesAndTakeTheirValues() throws IOException {
    TemplateForm form = TemplateForm.read();
    List<String> given = new ArrayList<>();
    for (String code : page.code()) {
      if (code.matches("[a-z][A-Za-z]+=[^\\s…]+")) {
        given.add(code);
      }
    }
    for (String added : page.find("parameters \\+= \\{([^}]*)\\}")) {
      for (String one : added.split(",", -1)) {
        given.add(one.strip().replaceFirst(": \"(.*)\"$", "=$1"));
      }
    }

    assertThat(given).contains("mode=retry-failed", "mode=overwrite", "runDate=2026-11-20");
    for (String one : given) {
      String name = one.substring(0, one.indexOf('='));
      String value = one.substring(name.length() + 1);
      assertThat(form.names()).as(one).contains(name);
      assertThat(LaunchedOptions.problem(name, value)).isEmpty();
    }
  }

  /** Attributes of a dataset, by the type of the variable. */
  private Set<String> attributes() {
    HclBlock datasets = Objects.requireNonNull(root.named("variable").get("datasets"));
    Set<String> names = new TreeSet<>();
    Pattern.compile("(?m)^\\s+(\\w+)\\s+=")
        .matcher(datasets.attribute("type").orElseThrow().text())
        .results()
        .forEach(result -> names.add(result.group(1)));
    return names;
  }

  @Test
  void variablesAndOutputsAreTerraforms() {
    Set<String> variables = new TreeSet<>(attributes());
    variables.addAll(root.named("variable").keySet());
    Set<String> set = page.find("[`\\s]([a-z_]+) = [a-z0-9\"]");

    assertThat(set).contains("paused", "release", "hub_access", "expected_hours");
    assertThat(variables).containsAll(set);
    assertThat(root.named("output").keySet())
        .contains("launch_requests")
        .containsAll(page.find(" output -json ([a-z_]+)"));
    assertThat(page.find(" output -json ([a-z_]+)")).isNotEmpty();
  }

  @Test
  void singleWordsInCodeAreNamesOfSomething() throws IOException {
    Set<String> known = new TreeSet<>(attributes());
    known.addAll(root.named("variable").keySet());
    known.addAll(TemplateForm.read().names());
    // Keys of a report, and what stands there for stages; of a manifest; of a dataset.
    Pattern.compile("\"(\\w+)\":")
        .matcher(ReportText.ofNothing("nothing"))
        .results()
        .forEach(result -> known.add(result.group(1)));
    known.addAll(Set.of("error_class", "_SUCCESS"));
    known.addAll(HclReader.object(example.attribute("datasets").orElseThrow()).keySet());
    known.addAll(Set.of("gcloud", "jq"));
    // Of Cloud Scheduler's answer.
    known.add("state");
    List<String> words = page.code().stream().filter(code -> code.matches("\\w+")).toList();

    assertThat(words).contains("max_workers", "batchPerDevice", "stages", "encode");
    assertThat(known).containsAll(words);
  }

  @Test
  void namesAreOfWhatTerraformMakes() {
    assertThat(root.named("variable").get("name"))
        .extracting(name -> name.attribute("default").flatMap(HclExpression::literal).orElse(""))
        .isEqualTo(NAME);
    Set<String> there = new TreeSet<>();
    HclReader.object(example.attribute("datasets").orElseThrow())
        .keySet()
        .forEach(dataset -> there.add(NAME + "-" + dataset));
    TerraformModule storage = Objects.requireNonNull(TerraformModule.children().get("storage"));
    HclExpression buckets =
        storage
            .blocks("locals")
            .flatMap(block -> block.attribute("buckets").stream())
            .findFirst()
            .orElseThrow();
    assertThat(
            storage
                .blocks("resource")
                .filter(block -> block.label(0).equals("google_storage_bucket"))
                .map(block -> block.attribute("name").orElseThrow().text()))
        .containsExactly("\"${var.project_id}-${var.name}-${each.key}\"");
    Set<String> bucketNames = HclReader.object(buckets).keySet();
    bucketNames.forEach(bucket -> there.add(NAME + "-" + bucket));
    HclBlock secret =
        Objects.requireNonNull(TerraformModule.children().get("hub-token"))
            .blocks("resource")
            .filter(block -> block.label(0).equals("google_secret_manager_secret"))
            .findFirst()
            .orElseThrow();
    there.add(NAME + secret.attribute("secret_id").orElseThrow().literals().get(0));

    there.add(ModelMarker.NAME.replace(".json", ""));

    Set<String> named = page.find("(?<![\\w/])((?:\\$PROJECT-)?" + NAME + "-[a-z0-9-]*[a-z0-9])");
    named.addAll(page.find("gs://(\\$PROJECT-" + NAME + "-[a-z]+)"));

    assertThat(page.find("gs://\\$PROJECT-" + NAME + "-([a-z]+)")).isEqualTo(bucketNames);
    assertThat(named.stream().map(name -> name.replace("$PROJECT-", "")))
        .contains(NAME + "-foxes-nightly", NAME + "-hub-token", NAME + "-staging")
        .isSubsetOf(there);
    // No bucket of the project is spelled another way, but for the one that holds the state.
    assertThat(page.find("gs://\\$PROJECT(-(?!" + NAME + "-)[a-z-]+)")).containsExactly("-state");
  }

  @Test
  void placesAndNumbersAreTheExamples() throws IOException {
    Map<String, HclExpression> datasets =
        HclReader.object(example.attribute("datasets").orElseThrow());
    HclExpression foxes = Objects.requireNonNull(datasets.get("foxes-nightly"));
    String project = example.attribute("project_id").flatMap(HclExpression::literal).orElseThrow();

    for (String name : List.of("input", "output", "model", "acceptLicense")) {
      String value =
          HclReader.entry(HclReader.entry(foxes, "parameters"), name).literal().orElseThrow();
      assertThat(page.text()).contains(value.replace(project, "$PROJECT"));
    }
    assertThat(page.text())
        .contains("--workerKind=" + HclReader.entry(foxes, "worker").literal().orElseThrow())
        .contains("--workers=" + HclReader.entry(foxes, "max_workers").text());
    assertThat(page.find("(PROJECT=.*)"))
        .containsExactly(
            "PROJECT=%s REGION=%s RELEASE=%s BILLING=%s"
                .formatted(
                    project,
                    example.attribute("region").flatMap(HclExpression::literal).orElseThrow(),
                    example.attribute("release").flatMap(HclExpression::literal).orElseThrow(),
                    example
                        .attribute("billing_account")
                        .flatMap(HclExpression::literal)
                        .orElseThrow()));
  }

  @Test
  void messagesAreTheProgramsOwn() {
    List<String> messages = page.signs().stream().filter(sign -> sign.contains(" ")).toList();

    assertThat(messages).hasSizeGreaterThan(20);
    assertThat(messages).filteredOn(message -> !sources.say(message)).isEmpty();
    assertThat(sources.say("Nothing was begun.")).isFalse();
    assertThat(sources.say("Nothing to do: run … was asked for the same … images")).isFalse();
  }

  @Test
  void everyAlertIsASign() {
    List<String> signs = page.signs();
    TerraformModule alerts = Objects.requireNonNull(TerraformModule.children().get("alerts"));
    List<String> names =
        alerts
            .blocks("resource")
            .filter(block -> block.label(0).equals("google_monitoring_alert_policy"))
            .map(policy -> policy.attribute("display_name").orElseThrow().text())
            .map(text -> text.replaceAll("^\"\\$\\{var.name}: |\"$", ""))
            .map(text -> text.replaceFirst("^\\$\\{[^}]*} ", "").replaceAll("\\$\\{[^}]*}", "…"))
            .toList();

    assertThat(names).hasSize(6).contains("a job failed", "no finished … for … h");
    assertThat(signs).containsAll(names);
  }

  @Test
  void linksLeadSomewhere() throws IOException {
    assertThat(page.links()).hasSizeGreaterThan(3);
    for (String link : page.links()) {
      assertThat(link).doesNotStartWith("http");
      int hash = link.indexOf('#');
      String path = hash < 0 ? link : link.substring(0, hash);
      Path file = page.file().resolveSibling(path).normalize();
      assertThat(Files.exists(file)).as(link).isTrue();
      if (hash >= 0) {
        assertThat(OperatingPage.read(file).anchors()).as(link).contains(link.substring(hash + 1));
      }
    }
    for (String from : List.of("README.md", "templates/README.md", "terraform/README.md")) {
      Path file = ROOT.resolve(from);
      assertThat(OperatingPage.read(file).links())
          .as(from)
          .anyMatch(link -> page.file().equals(file.resolveSibling(link).normalize()));
    }
  }

  @Test
  void theScriptThatBuildsImagesHasTheOptions() throws IOException {
    Set<String> options = new TreeSet<>();
    for (String command : page.commands()) {
      if (command.contains("templates/build")) {
        Pattern.compile("(?<=\\s)(--[a-z]+)")
            .matcher(command)
            .results()
            .forEach(o -> options.add(o.group(1)));
      }
    }
    assertThat(options)
        .containsExactlyInAnyOrder("--kind", "--repository", "--tag", "--specs", "--validate");
    Path script = ROOT.resolve("templates/build");
    if (Files.exists(script)) {
      assertThat(Files.readString(script)).contains(options);
    }
  }

  @Test
  void theTablesHaveWhatWasPromised() {
    assertThat(page.rows()).isBetween(15L, 35L);
  }
}
