package io.shardlight.terraform;

import static org.assertj.core.api.Assertions.assertThat;

import io.shardlight.pipeline.LoggedRun;
import io.shardlight.transforms.ReportText;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The metrics find their figures in what the program really logs. */
class ReportMetricsTest {
  private static final TerraformModule ALERTS =
      TerraformModule.children().getOrDefault("alerts", TerraformModule.root());

  private static final String FILTER =
      ALERTS
          .blocks("locals")
          .flatMap(block -> block.attribute("line").stream())
          .flatMap(expression -> expression.literal().stream())
          .findFirst()
          .orElseThrow();

  private static HclBlock metric(String name) {
    return ALERTS
        .blocks("resource")
        .filter(block -> block.label(0).equals("google_logging_metric"))
        .filter(block -> block.label(1).equals(name))
        .findFirst()
        .orElseThrow();
  }

  /** What a metric's extractor takes out of a line. */
  private static Optional<String> extract(String extractor, String line) {
    Matcher parts =
        Pattern.compile("REGEXP_EXTRACT\\(jsonPayload\\.message, \"(.*)\"\\)").matcher(extractor);
    assertThat(parts.matches()).as(extractor).isTrue();
    Matcher found = Pattern.compile(parts.group(1).replace("\\\"", "\"")).matcher(line);
    return found.find() ? Optional.of(found.group(1)) : Optional.empty();
  }

  private static double figure(String metric, String line) {
    String extractor =
        metric(metric).attribute("value_extractor").orElseThrow().literal().orElseThrow();
    return Double.parseDouble(extract(extractor, line).orElseThrow());
  }

  /** The terms of a filter on the message: those that it must match, and must not. */
  private static Predicate<String> matching(String filter) {
    Predicate<String> all = line -> true;
    Matcher term =
        Pattern.compile("(NOT )?jsonPayload\\.message=~\"((?:\\\\.|[^\"\\\\])*)\"").matcher(filter);
    int terms = 0;
    while (term.find()) {
      Pattern pattern = Pattern.compile(term.group(2).replace("\\\"", "\""));
      Predicate<String> one = line -> pattern.matcher(line).find();
      all = all.and(term.group(1) == null ? one : one.negate());
      terms++;
    }
    assertThat(terms).as(filter).isPositive();
    return all;
  }

  @Test
  void aRunLogsItsFiguresWhereTheMetricsLook(@TempDir Path folder) throws Exception {
    List<String> log = LoggedRun.lines(folder, "{\"prompt\": \"a red fox\"}\n{\"prompt\": \"\"}\n");

    List<String> reports = log.stream().filter(matching(FILTER)).toList();
    assertThat(reports).as("%s", log).hasSize(1);
    String line = reports.get(0);
    assertThat(figure("failure_ratio", line)).isZero();
    assertThat(figure("busy_ratio", line)).isPositive();
    assertThat(figure("rejected", line)).isEqualTo(1);
    HclExpression labels = metric("runs").attribute("label_extractors").orElseThrow();
    String succeeded = HclReader.entry(labels, "succeeded").literal().orElseThrow();
    assertThat(extract(succeeded, line)).contains("true");
    assertThat(matching(busyFilter()).test(line)).isTrue();
  }

  @Test
  void aRunThatDrewNothingIsNoIdleOne() {
    String line = "Report of run some-run: " + ReportText.ofNothing("no \"succeeded\" at all");

    assertThat(matching(FILTER).test(line)).isTrue();
    assertThat(matching(busyFilter()).test(line)).isFalse();
    assertThat(figure("rejected", line)).isEqualTo(17);
    HclExpression labels = metric("runs").attribute("label_extractors").orElseThrow();
    assertThat(extract(HclReader.entry(labels, "succeeded").literal().orElseThrow(), line))
        .contains("false");
  }

  private static String busyFilter() {
    HclExpression filter = metric("busy_ratio").attribute("filter").orElseThrow();
    assertThat(filter.names("local")).containsExactly("report");
    return FILTER + filter.literals().get(0);
  }

  @Test
  void smallRatiosAreReadWithTheirExponents() {
    assertThat(figure("failure_ratio", "\"failure_ratio\":1.2E-7,")).isEqualTo(1.2e-7);
    assertThat(figure("busy_ratio", "\"device_busy_ratio\":1E+1}")).isEqualTo(10);
  }

  /**
   * A policy names a metric in PromQL's words, and not by its resource: then it can be misspelt.
   */
  @Test
  void policiesNameTheMetrics() {
    assertThat(
            ALERTS
                .blocks("resource")
                .filter(block -> block.label(0).equals("google_logging_metric"))
                .map(block -> block.attribute("name").orElseThrow().literals().get(0)))
        .containsExactlyInAnyOrder("/runs", "/failure_ratio", "/device_busy_ratio", "/rejected");
    // What follows the metrics' common beginning, in queries that insert it.
    assertThat(
            ALERTS
                .expressions()
                .filter(expression -> expression.names("local").contains("metrics"))
                .flatMap(
                    expression ->
                        Pattern.compile("local\\.metrics}_(\\w+)")
                            .matcher(expression.text())
                            .results())
                .map(result -> result.group(1)))
        .containsExactlyInAnyOrder("rejected_sum", "runs");
    assertThat(
            ALERTS
                .blocks("locals")
                .flatMap(block -> block.attribute("figure").stream())
                .flatMap(figure -> figure.literals().stream()))
        .contains("failure_ratio", "device_busy_ratio", "sum", "count");
  }
}
