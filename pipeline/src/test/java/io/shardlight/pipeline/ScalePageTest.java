package io.shardlight.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code templates/SCALE.md} shows what {@code plan} prints. */
class ScalePageTest {
  private static final Path PAGE = Path.of("..", "templates", "SCALE.md");
  private static final String COMMAND = "$ ./shardlight ";

  private final Path home;

  ScalePageTest(@TempDir Path home) {
    this.home = home;
  }

  private List<String> plan(String... words) {
    Terminal terminal = Terminal.at(home);
    assertThat(terminal.run(words)).as("%s", terminal.errLines()).isZero();
    return terminal.outLines();
  }

  /** A row for each kind of worker, in the columns of the page. */
  private List<String> rows(long images, int hours) throws IOException {
    List<String> rows = new ArrayList<>();
    for (WorkerKind kind : WorkerKind.values()) {
      JsonNode found =
          new ObjectMapper()
              .readTree(
                  plan(
                          "plan",
                          "--json",
                          "--images=" + images,
                          "--workerKind=" + kind.optionName(),
                          "--withinHours=" + hours)
                      .get(0))
              .get("estimate");
      rows.add(
          String.format(
              Locale.ROOT,
              "| %s | %s | %,d | %.1f | %s | %,d | %,d | %.2f | %,.0f | %,.2f |",
              kind.optionName(),
              Progress.rate(found.get("images_per_second").asDouble()),
              found.get("workers").asInt(),
              found.get("hours").asDouble(),
              JobEstimate.percent(found.get("start_ratio").asDouble()),
              found.get("class_a_operations").asLong(),
              found.get("class_b_operations").asLong(),
              found.get("operations_price").asDouble(),
              found.get("price").asDouble(),
              1000 * found.get("price").asDouble() / images));
    }
    return rows;
  }

  @Test
  void tablesAreWhatPlanTells() throws IOException {
    List<String> page = Files.readAllLines(PAGE);

    assertThat(page)
        .containsSubsequence(rows(1_000_000, 24))
        .containsSubsequence(rows(100_000_000, 168));
    assertThat(page.stream().filter(line -> line.matches("\\| (v5e|l4|h100).*\\|"))).hasSize(6);
  }

  @Test
  void commandsPrintWhatThePageShows() throws IOException {
    List<String> page = Files.readAllLines(PAGE);
    int commands = 0;
    for (int i = 0; i < page.size(); i++) {
      if (page.get(i).startsWith(COMMAND)) {
        List<String> shown = page.subList(i + 1, i + page.subList(i, page.size()).indexOf("```"));
        assertThat(plan(page.get(i).substring(COMMAND.length()).split(" ", -1)))
            .as(page.get(i))
            .isEqualTo(shown);
        commands++;
      }
    }
    assertThat(commands).isGreaterThanOrEqualTo(2);
  }
}
