package io.shardlight.transforms;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.shardlight.data.BatchShape;
import io.shardlight.data.Durations;
import io.shardlight.data.ShardFacts;
import io.shardlight.data.ShardKey;
import io.shardlight.data.ShardReport;
import io.shardlight.data.StoredObject;
import io.shardlight.diffusion.scheduler.SchedulerKind;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class RunTotalsTest {
  private static final StoredObject MANIFEST =
      StoredObject.of("manifest/00000.avro", new byte[] {1});

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

  @Test
  void whatWasDealtWithAndHowLongItTookIsAddedUpOverShards() {
    List<ShardReport> reports =
        List.of(
            report(1, false, work(2, 2000, 3000, durations(10, 20, 30))),
            report(0, false, work(1, 1000, 1000, durations(40, 1000))),
            report(2, true, ShardReport.Work.NONE));
    RunTotals totals = new RunTotals(30, 0, reports);

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
        new RunTotals(10, 0, List.of(report(0, true, ShardReport.Work.NONE)))
            .report("run", 0.01, Optional.empty());

    assertThat(json.at("/device_busy_ratio").asDouble()).isZero();
    assertThat(json.at("/stages/generate/count").asInt()).isZero();
  }
}
