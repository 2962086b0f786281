package io.shardlight.transforms;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.shardlight.data.BatchShape;
import io.shardlight.data.DatasetMode;
import io.shardlight.data.Durations;
import io.shardlight.data.GenerationSettings;
import io.shardlight.data.RunScope;
import io.shardlight.data.ShardFacts;
import io.shardlight.data.ShardKey;
import io.shardlight.data.ShardReport;
import io.shardlight.data.StoredObject;
import io.shardlight.data.TestSettings;
import io.shardlight.diffusion.scheduler.SchedulerKind;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class RunTotalsTest {
  private static final StoredObject MANIFEST =
      StoredObject.of("manifest/00000.avro", new byte[] {1});

  private static final GenerationSettings SETTINGS = TestSettings.builder().build();
  private static final RunScope EXTENSION = new RunScope(DatasetMode.EXTEND, 1, 2);

  private static Durations durations(long... millis) {
    Durations.Recorder recorder = new Durations.Recorder();
    for (long value : millis) {
      recorder.record(Duration.ofMillis(value).toNanos());
    }
    return recorder.toDurations();
  }

  private static ShardReport report(int shard, boolean present, ShardReport.Work work) {
    return new ShardReport(
        new ShardKey(shard, new BatchShape(64, 64, SchedulerKind.PNDM, 20, true)),
        new ShardFacts(
            shard,
            "ab".repeat(32),
            "cd".repeat(32),
            10,
            0,
            0,
            0,
            100,
            Optional.empty(),
            List.of(MANIFEST)),
        present,
        present ? new ShardReport.Made(10, 0, 0) : new ShardReport.Made(10, 10, 10),
        present ? ShardReport.Work.NONE : work);
  }

  private static ShardReport.Work work(
      int each, long deviceMillis, long workMillis, Durations generate) {
    return new ShardReport.Work(
        5,
        each,
        new ShardReport.Containment(each, 10 * each, 100 * each),
        deviceMillis,
        workMillis,
        1_700_000_000_000L,
        4000,
        new ShardReport.Stages(generate, durations(1), durations(2, 3), durations(each)));
  }

  private static RunTotals totals(
      RunScope scope, long asked, long leftAlone, List<ShardReport> reports) {
    return new RunTotals(scope, asked, leftAlone, 0, reports, List.of());
  }

  @Test
  void whatWasDealtWithAndHowLongItTookIsAddedUpOverShards() {
    List<ShardReport> reports =
        List.of(
            report(1, false, work(2, 2000, 3000, durations(10, 20, 30))),
            report(0, false, work(1, 1000, 1000, durations(40, 1000))),
            report(2, true, ShardReport.Work.NONE));
    RunTotals totals = totals(RunScope.INCREMENTAL, 30, 0, reports);

    ObjectNode json = totals.report("run", 0.01, Optional.empty());

    assertThat(json.at("/device_millis").asLong()).isEqualTo(3000);
    assertThat(json.at("/device_busy_ratio").asDouble()).isEqualTo(0.75);
    assertThat(json.at("/retries").asInt()).isEqualTo(3);
    assertThat(json.at("/splits").asInt()).isEqualTo(30);
    assertThat(json.at("/oom_halvings").asInt()).isEqualTo(300);
    assertThat(json.at("/stages/generate/count").asInt()).isEqualTo(5);
    assertThat(json.at("/stages/generate/p50_millis").asDouble()).isEqualTo(30);
    assertThat(json.at("/stages/generate/p95_millis").asDouble()).isEqualTo(1000);
    assertThat(json.at("/stages/generate/max_millis").asDouble()).isEqualTo(1000);
    assertThat(json.at("/stages/encode/count").asInt()).isEqualTo(2);
    assertThat(json.at("/stages/write/p50_millis").asDouble()).isEqualTo(2);
    assertThat(json.at("/stages/commit/max_millis").asDouble()).isEqualTo(2);
  }

  @Test
  void aRunThatMadeNothingHasAReportToo() {
    ObjectNode json =
        totals(RunScope.INCREMENTAL, 10, 0, List.of(report(0, true, ShardReport.Work.NONE)))
            .report("run", 0.01, Optional.empty());

    assertThat(json.at("/device_busy_ratio").asDouble()).isZero();
    assertThat(json.at("/stages/generate/count").asInt()).isZero();
  }

  private static ShardFacts shard(int number, long ok, long failed) {
    return new ShardFacts(
        number,
        "ab".repeat(32),
        "cd".repeat(32),
        ok,
        failed,
        0,
        0,
        100,
        Optional.empty(),
        List.of(MANIFEST));
  }

  private static ShardReport made(ShardFacts shard, long asked, long attempted, long ok) {
    return new ShardReport(
        new ShardKey(shard.shard(), new BatchShape(64, 64, SchedulerKind.PNDM, 20, true)),
        shard,
        false,
        new ShardReport.Made(asked, attempted, ok),
        ShardReport.Work.NONE);
  }

  @Test
  void whatAnExtensionWasAskedForIsNewOrWasThere() {
    List<ShardFacts> others = List.of(shard(0, 8, 0), shard(1, 6, 0));
    List<ShardReport> reports = List.of(made(shard(2, 5, 0), 5, 5, 5));

    assertThat(new RunTotals(EXTENSION, 19, 14, 0, reports, others).problem(SETTINGS)).isEmpty();
    assertThat(new RunTotals(EXTENSION, 20, 14, 0, reports, others).problem(SETTINGS).orElseThrow())
        .startsWith("every image must be accounted for: 20 were asked for, but ok 5")
        .contains("with 14 left as they were, make 19");
    assertThat(
            new RunTotals(EXTENSION, 13, 8, 0, reports, others.subList(0, 1))
                .problem(SETTINGS)
                .orElseThrow())
        .contains("shard 1 is missing or there twice");
    assertThat(new RunTotals(EXTENSION, 19, 14, 0, reports, others).datasetCounts(3))
        .hasToString(
            "{\"asked\":19,\"ok\":19,\"failed\":0,\"blocked\":0,\"duplicates\":0,\"rejected\":3}");
  }

  @Test
  void failuresOfAnExtensionAreWeighedAlone() {
    List<ShardFacts> others = List.of(shard(0, 900, 100), shard(1, 1000, 0));
    List<ShardReport> fails = List.of(made(shard(2, 9, 1), 10, 10, 9));
    List<ShardReport> works = List.of(made(shard(2, 10, 0), 10, 10, 10));

    assertThat(new RunTotals(EXTENSION, 10, 0, 0, fails, others).problem(SETTINGS).orElseThrow())
        .contains("1 of 10 did");
    assertThat(
            new RunTotals(EXTENSION, 10, 0, 0, fails, others)
                .report("run", 0.01, Optional.empty())
                .at("/failure_ratio")
                .asDouble())
        .isEqualTo(0.1);
    assertThat(new RunTotals(EXTENSION, 10, 0, 0, works, others).problem(SETTINGS)).isEmpty();
  }

  @Test
  void whatIsTriedAgainIsCountedByExamples() {
    RunScope retry = new RunScope(DatasetMode.RETRY_FAILED, 0, 0);
    List<ShardReport> reports = List.of(made(shard(0, 10, 0), 3, 2, 2));

    RunTotals totals = new RunTotals(retry, 12, 9, 0, reports, List.of());

    assertThat(totals.problem(SETTINGS)).isEmpty();
    ObjectNode counts = (ObjectNode) totals.report("run", 0.01, Optional.empty()).get("counts");
    assertThat(counts.get("ok").asInt()).isEqualTo(2);
    assertThat(counts.get("duplicates").asInt()).isEqualTo(1);
    assertThat(counts.get("left_alone").asInt()).isEqualTo(9);
    assertThat(new RunTotals(retry, 13, 9, 0, reports, List.of()).problem(SETTINGS)).isPresent();
  }
}
