package io.shardlight.pipeline;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.shardlight.fixtures.gcs.FakeGcs;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The same command line, night after night. */
class ScheduledRunsTest {
  private static final String PROMPTS = "a lighthouse at dawn\na red fox in the snow\n";

  private final Path home;
  private final Path prompts;

  ScheduledRunsTest(@TempDir Path home) throws IOException {
    this.home = home;
    this.prompts = Files.createDirectory(home.resolve("prompts")).resolve("2026-11-26.txt");
    Files.writeString(prompts, PROMPTS);
  }

  private Terminal run(int status, String... words) {
    Terminal terminal = Terminal.at(home);
    assertThat(terminal.run(words)).as("%s", terminal.errLines()).isEqualTo(status);
    return terminal;
  }

  private static JsonNode json(Terminal terminal) throws IOException {
    return new ObjectMapper().readTree(terminal.out());
  }

  /** Everything below a folder, with the time of its last change. */
  private static Map<String, Object> state(Path folder) throws IOException {
    Map<String, Object> state = new TreeMap<>();
    try (Stream<Path> walk = Files.walk(folder)) {
      for (Path file : (Iterable<Path>) walk::iterator) {
        state.put(folder.relativize(file).toString(), Files.getLastModifiedTime(file));
      }
    }
    return state;
  }

  @Test
  void eachDayHasItsDatasetAndMakesItOnce() throws IOException {
    String[] night = {
      "generate",
      "--input=" + home + "/prompts/{date}.txt",
      "--output=" + home + "/sets/{date}",
      "--runDate=2026-11-26",
      "--steps=1"
    };
    Path set = home.resolve("sets/2026-11-26");
    assertThat(run(0, night).outLines()).last().isEqualTo("Dataset: " + set);
    Map<String, Object> made = state(set);

    // 1. The same again touches nothing.
    assertThat(run(0, night).outLines())
        .satisfiesExactly(
            line ->
                assertThat(line)
                    .matches(
                        "Nothing to do: run \\S+ was asked for the same prompts with the same"
                            + " settings"),
            line -> assertThat(line).isEqualTo("2 images are already there"),
            line -> assertThat(line).isEqualTo("Gallery: " + set + "/gallery/index.html"),
            line -> assertThat(line).isEqualTo("Dataset: " + set));
    List<String> withJson = new ArrayList<>(List.of(night));
    withJson.add("--json");
    JsonNode again = json(run(0, withJson.toArray(new String[0])));
    assertThat(again.get("nothing_to_do").asBoolean()).isTrue();
    assertThat(again.at("/counts/generated").asInt(-1)).isZero();
    assertThat(again.at("/counts/already_present").asInt()).isEqualTo(2);
    assertThat(again.get("output").asText()).isEqualTo(set.toString());
    assertThat(state(set)).isEqualTo(made);

    // 2. What is asked for otherwise is looked at.
    withJson.add("--maxFailureRatio=1");
    assertThat(json(run(0, withJson.toArray(new String[0]))).has("nothing_to_do")).isFalse();

    // 3. What somebody took out is made again.
    Files.delete(set.resolve("_shards/00000.json"));
    run(0, night);
    assertThat(set.resolve("_shards/00000.json")).exists();

    // 4. Other prompts are not taken for the same.
    Files.writeString(prompts, PROMPTS.replace("red", "hen"));
    assertThat(run(1, night).errLines().get(0)).contains("holds another dataset: example");
  }

  @Test
  void aGrowingDatasetIsExtendedOnceForEachInput() throws IOException {
    String[] night = {
      "generate",
      "--input=" + prompts,
      "--output=" + home + "/set",
      "--mode=extend",
      "--steps=1",
      "--json"
    };
    assertThat(json(run(0, night)).at("/counts/generated").asInt()).isEqualTo(2);
    assertThat(json(run(0, night)).path("nothing_to_do").asBoolean()).isTrue();

    Files.writeString(prompts, PROMPTS + "a hen\n");
    assertThat(json(run(0, night)).at("/counts/generated").asInt()).isEqualTo(1);
    JsonNode again = json(run(0, night));
    assertThat(again.path("nothing_to_do").asBoolean()).isTrue();
    assertThat(again.at("/counts/already_present").asInt()).isEqualTo(3);
    assertThat(again.at("/counts/asked").asInt()).isEqualTo(3);

    // An earlier input, of which all is there too.
    Files.writeString(prompts, PROMPTS);
    assertThat(json(run(0, night)).path("nothing_to_do").asBoolean()).isTrue();

    // Until somebody erases it.
    Files.writeString(prompts, "an owl\n");
    run(0, "generate", "--input=" + prompts, "--output=" + home + "/set", "--mode=overwrite");
    Files.writeString(prompts, PROMPTS);
    JsonNode extended =
        json(
            run(
                0,
                "generate",
                "--input=" + prompts,
                "--output=" + home + "/set",
                "--mode=extend",
                "--json"));
    assertThat(extended.at("/counts/generated").asInt()).isEqualTo(2);
  }

  @Test
  void theSameInputHasTheSameOutputWhereverAndWheneverItLies() throws IOException {
    try (FakeGcs gcs = FakeGcs.start("prompts", "sets")) {
      List<String> words =
          new ArrayList<>(
              List.of(
                  "generate",
                  "--input=gs://prompts/*.txt",
                  "--output=gs://sets/{inputHash}",
                  "--steps=1"));
      words.addAll(gcs.beamOptions());
      String[] night = words.toArray(new String[0]);
      gcs.put("prompts", "2026-11-26.txt", PROMPTS.getBytes(UTF_8));
      String set = last(run(0, night));
      assertThat(set).matches("Dataset: gs://sets/[0-9a-f]{12}");

      gcs.put("prompts", "2026-11-26.txt", PROMPTS.getBytes(UTF_8)); // Copied there anew.
      List<String> before = gcs.requests();
      Terminal again = run(0, night);
      assertThat(again.outLines().get(0)).startsWith("Nothing to do: ");
      assertThat(last(again)).isEqualTo(set);
      assertThat(gcs.requests().stream().skip(before.size()))
          .isNotEmpty()
          .allMatch(request -> request.matches("(get|list|media) .*"))
          // The prompts themselves stay unread.
          .noneMatch(request -> request.startsWith("media prompts/"));

      // A local copy has the same hash, another text or name has not.
      String local =
          last(run(0, "plan", "--input=" + prompts, "--output=" + home + "/{inputHash}"));
      assertThat(local).isEqualTo(set.replace("gs://sets", home.toString()));
      Path renamed = Files.copy(prompts, home.resolve("a.txt"));
      assertThat(last(run(0, "plan", "--input=" + renamed, "--output=" + home + "/{inputHash}")))
          .isNotEqualTo(local);
      Files.writeString(prompts, PROMPTS.replace("red", "hen"));
      assertThat(last(run(0, "plan", "--input=" + prompts, "--output=" + home + "/{inputHash}")))
          .isNotEqualTo(local);
    }
  }

  private static String last(Terminal terminal) {
    List<String> lines = terminal.outLines();
    return lines.get(lines.size() - 1);
  }

  @Test
  void theDayIsTodayInUtcAndBracesStandForThemselves() throws IOException {
    LocalDate before = LocalDate.now(ZoneOffset.UTC);
    JsonNode plan =
        json(run(0, "plan", "--input=" + prompts, "--output=" + home + "/{{{date}}}", "--json"));
    assertThat(plan.get("output").asText())
        .isIn(
            home + "/{" + before + "}",
            home + "/{" + LocalDate.now(ZoneOffset.UTC) + "}"); // It may be midnight.
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "--output=HOME/{day}|{day} is not known; use {date}",
        "--output=HOME/{time}|{time} is not known; use {date}",
        "--output=HOME/{dates}|{dates} is not known; did you mean {date}? use {date}",
        "--output=HOME/{inputhash}|{inputhash} is not known; did you mean {inputHash}? use {date}",
        "--output=HOME/{}|{} is not known; use {date}",
        "--output=HOME/a{b|a { that stands alone; use {date}",
        "--output=HOME/a}b|a } that stands alone; use {date}",
        "--output=HOME/{date} --runDate=2026-02-30|no day of the calendar; give one as 2026-11-26",
        "--output=HOME/{date} --runDate=tomorrow|not understood; give a day as year-month-day, for"
            + " example --runDate=2026-11-26",
        "--output=HOME/x --runDate=2026-11-26|fills in {date}, which neither --input nor --output"
            + " has; write it there, or leave this option out"
      })
  void whatCannotBeFilledInIsAProblem(String words, String problem) {
    List<String> all = new ArrayList<>(List.of("plan", "--input=" + prompts));
    all.addAll(List.of(words.replace("HOME", home.toString()).split(" ")));

    Terminal terminal = run(2, all.toArray(new String[0]));

    assertThat(terminal.errLines()).hasSize(2);
    assertThat(terminal.errLines().get(0)).startsWith("--").contains("=").contains(": " + problem);
    assertThat(home.resolve("x")).doesNotExist();
  }
}
