package io.shardlight.transforms;

import static org.assertj.core.api.Assertions.assertThat;

import io.shardlight.data.GenerationSettings;
import io.shardlight.data.Layout;
import io.shardlight.fixtures.gcs.FakeGcs;
import io.shardlight.fixtures.gcs.Fault;
import io.shardlight.fixtures.gcs.FaultPlan;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@link FaultPlansTest} on a bucket, whose faults the client outlives or does not. */
class BucketFaultPlansTest {
  private static final int PLANS = 4;

  private static final Fault[] PASSING = {
    Fault.TOO_MANY_REQUESTS,
    Fault.UNAVAILABLE,
    Fault.CONNECTION_LOST,
    Fault.ACKNOWLEDGEMENT_LOST,
    Fault.ANSWER_CUT,
    Fault.RESET_IN_UPLOAD
  };

  @Test
  void nothingIsLostAndNothingIsThereTwice(@TempDir Path folder) throws Exception {
    Path input = Files.writeString(folder.resolve("prompts.jsonl"), FaultPlansTest.PROMPTS);
    GenerationSettings settings = FaultPlansTest.settings(4, Layout.WEBDATASET);
    DatasetJob local = new DatasetJob(input, folder.resolve("out"), settings);
    local.on(FaultyDevices.of(FakeDevices.withSlots(3), new FakeTime())).run();
    Map<String, byte[]> wanted = local.files();
    int reruns = 0;
    int ofDevices = 0;
    long ofBucket = 0;

    for (int seed = 0; seed < PLANS; seed++) {
      FakeTime time = new FakeTime();
      Random random = new Random(seed);
      FaultyDevices devices =
          FaultyDevices.of(FakeDevices.withSlots(3), time).withMemoryFor(1 + random.nextInt(3));
      devices =
          devices
              .at(random.nextInt(10), FaultyDevices.Kind.BUSY)
              .at(10 + random.nextInt(5), FaultyDevices.Kind.LOST)
              .at(15 + random.nextInt(5), FaultyDevices.Kind.FAILS)
              .at(20 + random.nextInt(5), FaultyDevices.Kind.HANGS);
      try (FakeGcs gcs = FakeGcs.start("datasets")) {
        gcs.slowness(Duration.ofMillis(5));
        gcs.inject(plan(seed));
        DatasetJob job =
            new DatasetJob(input.toString(), "gs://datasets/run", settings)
                .with(gcs.beamOptions())
                .timedBy(time);

        while (!FaultPlansTest.succeeds(job.on(devices.inNewProcess()))) {
          reruns++;
          assertThat(reruns).isLessThan(PLANS * 12);
        }

        Map<String, byte[]> found = new TreeMap<>();
        gcs.objects("datasets")
            .forEach(
                (name, bytes) -> {
                  if (!name.startsWith("run/runs/")) {
                    found.put(name.substring("run/".length()), bytes);
                  }
                });
        assertThat(found.keySet()).as("plan %s", seed).isEqualTo(wanted.keySet());
        assertThat(found)
            .allSatisfy((name, bytes) -> assertThat(bytes).as(name).isEqualTo(wanted.get(name)));
        ofBucket += gcs.requests().stream().filter(r -> !r.endsWith("NONE")).count();
      } finally {
        time.release();
      }
      for (FaultyDevices.Kind kind : FaultyDevices.Kind.values()) {
        ofDevices += devices.calls().befallen(kind);
      }
    }

    System.out.printf(
        "%d plans on a bucket: %d faults of devices, %d of the bucket, %d runs repeated%n",
        PLANS, ofDevices, ofBucket, reruns);
    assertThat(reruns).isGreaterThan(PLANS);
  }

  /** Some that pass, and a few objects that may not be written the first time. */
  private static FaultPlan plan(long seed) {
    FaultPlan passing = FaultPlan.seeded(seed, 0.1, 1, PASSING);
    FaultPlan fatal = FaultPlan.seeded(seed + 100, 0.1, 1, Fault.FORBIDDEN);
    return (request, attempt) ->
        request.startsWith("insert")
                && !request.contains("/runs/leases/")
                && fatal.of(request, attempt) != Fault.NONE
            ? Fault.FORBIDDEN
            : passing.of(request, attempt);
  }
}
