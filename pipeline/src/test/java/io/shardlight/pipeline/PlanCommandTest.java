package io.shardlight.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.shardlight.data.ObjectStore;
import io.shardlight.data.RunIdentity;
import io.shardlight.data.RunLease;
import io.shardlight.data.RunProcess;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PlanCommandTest {
  private final Path home;
  private final Path prompts;
  private final Path out;

  PlanCommandTest(@TempDir Path home) throws IOException {
    this.home = home;
    this.out = home.resolve("out");
    this.prompts =
        Files.writeString(
            home.resolve("prompts.jsonl"),
            """
            {"prompt": "a red fox", "images": 3}
            {"prompt": "a lighthouse", "width": 64, "height": 64, "images": 2}
            {"prompt": "a lighthouse", "width": 64, "height": 64, "seed": 9}
            {"prompt": "a lighthouse", "width": 64, "height": 64, "seed": 9}
            {"prompt": ""}
            {"prompt": "a hen", "width": 65}
            """);
  }

  private Terminal run(int status, String command, String... words) {
    List<String> all = new ArrayList<>();
    all.add(command);
    all.add("--input=" + prompts);
    all.add("--output=" + out);
    all.add("--steps=1");
    all.add("--devices=2");
    all.addAll(List.of(words));
    Terminal terminal = Terminal.at(home);
    assertThat(terminal.run(all.toArray(new String[0])))
        .as("%s", terminal.errLines())
        .isEqualTo(status);
    return terminal;
  }

  private static JsonNode json(Terminal terminal) throws IOException {
    return new ObjectMapper().readTree(terminal.out());
  }

  @Test
  void saysWhatGenerateWouldDoAndDoesNothing() {
    Terminal terminal = run(0, "plan", "--imagesPerSecond=0.5", "--pricePerHour=3600");

    assertThat(out).doesNotExist();
    assertThat(terminal.outLines())
        .containsExactly(
            "6 images to make",
            "1 duplicate of another image asked for will not be made again",
            "2 records cannot be used and would be in rejected/",
            "",
            "shape                               images  shards  batches  padded",
            "64×64 pndm, 1 step                       3       1        2       1",
            "128×128 pndm, 1 step                     3       1        2       1",
            "",
            "A batch is 2 images; of all its slots 25.0 % are padding",
            "About 104 kB of images",
            "12 s at 0.500 images/s",
            "Costs 12.00 at 3600 an hour",
            "Dataset: " + out);
    assertThat(terminal.errLines())
        .satisfiesOnlyOnce(line -> assertThat(line).startsWith(prompts + ":5: "))
        .satisfiesOnlyOnce(line -> assertThat(line).startsWith(prompts + ":6: "));
  }

  @Test
  void longNamesOfShapesKeepTheColumnsInLine() throws IOException {
    Files.writeString(
        prompts,
        """
        {"prompt": "a red fox"}
        {"prompt": "a hen", "scheduler": "dpmpp_2m_karras", "steps": 20, "guidance_scale": 1}
        """);

    assertThat(run(0, "plan").outLines())
        .contains(
            "shape                                          images  shards  batches  padded",
            "128×128 dpmpp_2m_karras, 20 steps, unguided         1       1        1       1",
            "128×128 pndm, 1 step                                1       1        1       1");
  }

  @Test
  void agreesWithTheReportOfTheRunAndSeesWhatIsThere() throws IOException {
    JsonNode planned = json(run(0, "plan", "--json", "--maxFailureRatio=1"));

    JsonNode made = json(run(0, "generate", "--json", "--maxFailureRatio=1"));
    JsonNode after = json(run(0, "plan", "--json"));

    assertThat(planned.get("images")).isEqualTo(made.get("counts").get("generated"));
    assertThat(planned.get("duplicates")).isEqualTo(made.get("counts").get("duplicates"));
    assertThat(planned.get("rejected")).isEqualTo(made.get("counts").get("rejected"));
    assertThat(planned.get("shards")).isEqualTo(made.get("shards"));
    assertThat(planned.get("batches")).isEqualTo(made.get("batches"));
    assertThat(planned.get("padded_slots")).isEqualTo(made.get("padded_slots"));
    assertThat(planned.get("padding_ratio").asDouble())
        .isEqualTo(made.get("padding_ratio").asDouble());
    assertThat(after.get("images").asInt()).isZero();
    assertThat(after.get("already_present").asInt()).isEqualTo(6);
    assertThat(after.get("batches").asInt()).isZero();
    assertThat(after.get("estimated_bytes").asInt()).isZero();
  }

  @Test
  void theOutputOfOtherPromptsIsAProblem() throws IOException {
    run(0, "generate");
    Files.writeString(prompts, "{\"prompt\": \"another\"}\n");

    Terminal terminal = run(1, "plan");

    assertThat(terminal.errLines()).last().asString().contains("holds another dataset: example");
  }

  @Test
  void anOutputThatAnotherRunIsWritingIsAProblem() throws IOException {
    run(0, "generate");
    RunLease other =
        new RunLease(
            ObjectStore.open(out.toString()), new RunIdentity("other", RunProcess.current()));
    other.take();

    Terminal terminal = run(1, "plan", "--json");

    assertThat(terminal.errLines().get(terminal.errLines().size() - 1))
        .startsWith("--output=" + out + ": ")
        .contains("is being written by run other");
    assertThat(json(terminal).get("problem").asText()).contains("run other");
    other.release();
    run(0, "plan");
  }

  @Test
  void noUsablePromptIsAProblem() throws IOException {
    Files.writeString(prompts, "{}\n");

    assertThat(run(1, "plan").errLines())
        .last()
        .isEqualTo("input must hold at least one usable prompt, but held none");
  }

  @Test
  void optionsAreCheckedAsGenerateDoes() {
    assertThat(run(2, "plan", "--width=65", "--imagesPerSecond=0", "--pricePerHour=1").errLines())
        .containsExactly(
            "--width=65: not a multiple of 8; give a whole number from 8 to 2048, a multiple of 8,"
                + " for example --width=512",
            "--imagesPerSecond=0: too small; give a number from 0.000001 to 1000000, for example"
                + " --imagesPerSecond=4.8",
            "Nothing was started. ./shardlight plan --help explains.");
    assertThat(run(2, "plan", "--pricePerHour=1").errLines().get(0))
        .isEqualTo(
            "--pricePerHour=1: tells something with --imagesPerSecond or --workerKind only; add"
                + " one");
  }

  @Test
  void reckonsWithWorkersWhatIsToBeMade() throws IOException {
    JsonNode plan =
        json(run(0, "plan", "--json", "--shardSize=1", "--imagesPerSecond=0.5", "--workers=2"));
    JsonNode estimate = plan.get("estimate");
    // Six images, of which some may be in one shard: the busier worker has at least three.
    long shards = plan.get("shards").asLong();
    double seconds = Math.ceil(shards / 2.0) * (6.0 / shards) / 0.5 + 6 * 128e-6 / 2;
    assertThat(estimate.get("hours").asDouble() * 3600).isCloseTo(seconds, within(1e-6));
    assertThat(estimate.get("workers").asInt()).isEqualTo(2);
    assertThat(estimate.has("price")).isFalse();

    List<String> lines = run(0, "plan", "--workerKind=l4").outLines();
    // 128×128 and 64×64 pixels of one step take far less than what is written down for an L4.
    assertThat(lines).anyMatch(line -> line.startsWith("1 worker of kind l4 (g2-standard-8), "));
    assertThat(lines).anyMatch(line -> line.matches("to make it +0\\.[0-9]{2}"));

    run(0, "generate");
    assertThat(json(run(0, "plan", "--json", "--workerKind=l4")).has("estimate")).isFalse();
  }

  private Terminal count(int status, String... words) {
    List<String> all = new ArrayList<>(List.of("plan", "--images=1000000"));
    all.addAll(List.of(words));
    Terminal terminal = Terminal.at(home);
    assertThat(terminal.run(all.toArray(new String[0])))
        .as("%s", terminal.errLines())
        .isEqualTo(status);
    return terminal;
  }

  private JsonNode estimate(String... words) throws IOException {
    List<String> all = new ArrayList<>(List.of("--json"));
    all.addAll(List.of(words));
    return json(count(0, all.toArray(new String[0]))).get("estimate");
  }

  @Test
  void reckonsWithoutPrompts() throws IOException {
    String[] given = {"--imagesPerSecond=4", "--pricePerHour=10", "--startMinutes=30"};
    JsonNode one = estimate(given);
    // A million at four a second is 250,000 s, and half an hour before.
    assertThat(one.get("hours").asDouble()).isCloseTo(70, within(0.1));
    assertThat(one.get("start_ratio").asDouble()).isCloseTo(0.5 / 70, within(0.001));
    assertThat(one.get("workers_price").asDouble()).isCloseTo(700, within(1.0));
    assertThat(one.get("class_a_operations").asLong()).isBetween(3000 + 60 * 2 * 69L, 12_000L);

    // In time, and not with one worker less.
    List<String> words = new ArrayList<>(List.of(given));
    words.add("--withinHours=10");
    JsonNode tenHours = estimate(words.toArray(new String[0]));
    int workers = tenHours.get("workers").asInt();
    assertThat(tenHours.get("hours").asDouble()).isLessThanOrEqualTo(10);
    words.set(3, "--workers=" + (workers - 1));
    assertThat(estimate(words.toArray(new String[0])).get("hours").asDouble()).isGreaterThan(10);

    // Each of the other options matters.
    String kind = "--workerKind=v5e-8";
    double hours = estimate(kind).get("hours").asDouble();
    assertThat(estimate(kind, "--steps=25").get("hours").asDouble()).isLessThan(0.6 * hours);
    assertThat(estimate(kind, "--width=256").get("hours").asDouble()).isLessThan(0.6 * hours);
    assertThat(estimate(kind, "--height=256").get("hours").asDouble()).isLessThan(0.6 * hours);
    assertThat(estimate(kind, "--guidanceScale=1").get("hours").asDouble()).isLessThan(0.6 * hours);
    assertThat(estimate(kind, "--shardSize=100").get("class_a_operations").asLong())
        .isGreaterThan(30_000);
    assertThat(estimate(kind, "--layout=files").get("class_a_operations").asLong())
        .isGreaterThan(1_000_000);
    assertThat(estimate(kind, "--manifestFormat=avro,jsonl").get("class_a_operations").asLong())
        .isEqualTo(estimate(kind).get("class_a_operations").asLong() + 1000);
    assertThat(estimate(kind, "--imageFormat=webp").get("stored_bytes").asLong())
        .isLessThan(estimate(kind).get("stored_bytes").asLong() / 3);
    assertThat(estimate(kind, "--pricePerHour=0").get("workers_price").asDouble()).isZero();
  }

  @Test
  void whatDoesNotGoTogetherIsAProblem() {
    assertThat(count(2).errLines().get(0))
        .isEqualTo(
            "--images=1000000: tells something with --imagesPerSecond or --workerKind only; add"
                + " one");
    assertThat(
            count(
                    2,
                    "--workerKind=h100",
                    "--workers=2",
                    "--withinHours=3",
                    "--input=a.txt",
                    "--model=demo",
                    "--wrokers=1")
                .errLines())
        .containsExactly(
            "--wrokers=1: no such option; did you mean --workers?",
            "--workers=2: --withinHours tells how many it takes; leave one of them out",
            "--input=a.txt: of no use with --images, which stands for prompts; leave one of them"
                + " out",
            "--model=demo: of no use with --images, which stands for prompts; leave one of them"
                + " out",
            "Nothing was started. ./shardlight plan --help explains.");
    assertThat(count(2, "--workerKind=l4", "--withinHours=0.2").errLines().get(0))
        .isEqualTo(
            "--withinHours=0.2: a worker needs longer to begin and draw one shard of 1000 images;"
                + " give more hours or a smaller --shardSize");
  }
}
