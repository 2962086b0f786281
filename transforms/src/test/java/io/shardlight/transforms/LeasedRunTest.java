package io.shardlight.transforms;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.shardlight.data.DatasetMode;
import io.shardlight.data.GenerationSettings;
import io.shardlight.data.ObjectStore;
import io.shardlight.data.RunIdentity;
import io.shardlight.data.RunLease;
import io.shardlight.data.RunProcess;
import io.shardlight.data.TestSettings;
import io.shardlight.diffusion.GeneratedImage;
import io.shardlight.diffusion.ImageGenerator;
import io.shardlight.diffusion.ImageRequest;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Runs whose command took the lease, so that workers can tell whether they see the same disk. */
class LeasedRunTest {
  private final RunIdentity run = new RunIdentity("far", RunProcess.NONE, true);
  private final Path folder;
  private final Path input;

  LeasedRunTest(@TempDir Path folder) throws IOException {
    this.folder = folder;
    this.input = Files.writeString(folder.resolve("prompts.txt"), "a fox\nan owl\n");
  }

  private DatasetJob job() {
    return new DatasetJob(input, folder.resolve("out"), TestSettings.builder().build()).as(run);
  }

  private void takeLease() throws IOException {
    new RunLease(ObjectStore.open(folder.resolve("out").toString()), run).take();
  }

  @Test
  void writesWhereTheLeaseIs() throws IOException {
    takeLease();
    DatasetJob job = job();

    job.run();

    assertThat(job.files()).containsKey("_SUCCESS");
  }

  @Test
  void writesNothingWhereItIsNot() throws IOException {
    DatasetJob job = job();

    assertThatThrownBy(job::run).hasMessageContaining("must be the same place on all machines");
    assertThat(job.files()).isEmpty();
  }

  @Test
  void everyWorkerThatGeneratesLooks() throws IOException {
    takeLease();
    DatasetJob job = job().generatingIn(folder.resolve("elsewhere"));

    assertThatThrownBy(job::run).hasMessageContaining("must be the same place on all machines");
    assertThat(folder.resolve("elsewhere/images")).doesNotExist();
    assertThat(job.files()).doesNotContainKey("_SUCCESS");
  }

  /** As one that slept for longer than a lease lasts. */
  @Test
  void aRunThatWasTakenOverWhileItDrewCommitsNothing() throws IOException {
    String output = folder.resolve("out").toString();
    DatasetJob job =
        new DatasetJob(input, folder.resolve("out"), TestSettings.builder().build())
            .on(new Overtaken(FakeDevices.withSlots(3), output));

    assertThatThrownBy(job::run)
        .hasMessageContaining("run other has taken over from run run-")
        .hasMessageContaining("nothing more is written by this one");

    assertThat(job.files().keySet())
        .noneMatch(name -> name.matches("_shards/[0-9]+\\.json"))
        .doesNotContain("_SUCCESS", "dataset.json");
    assertThat(folder.resolve("out/runs/leases/00002.ended")).doesNotExist();
  }

  @Test
  void aRetryThatWasTakenOverDecidesNothing() throws IOException {
    Path prompts = Files.writeString(folder.resolve("some.txt"), "a fox\npoison\n");
    GenerationSettings settings = TestSettings.builder().maxFailureRatio(0.5).build();
    DatasetJob job = new DatasetJob(prompts, folder.resolve("out"), settings);
    job.run();
    var before = job.files();
    job.withMode(DatasetMode.RETRY_FAILED)
        .on(new Overtaken(FakeDevices.withSlots(3), folder.resolve("out").toString()));

    assertThatThrownBy(job::run).hasMessageContaining("run other has taken over from run run-");

    var after = job.files();
    after.keySet().removeIf(name -> name.startsWith("_shards/retry/"));
    before.keySet().removeIf(name -> !after.containsKey(name));
    assertThat(after).containsExactlyEntriesOf(before);
  }

  /** A run with nothing to make writes too: it finishes what others were stopped at. */
  @Test
  void aRunWithNothingToMakeWaitsForOthers() throws IOException {
    GenerationSettings settings = TestSettings.builder().build();
    new DatasetJob(input, folder.resolve("out"), settings).run();
    ObjectStore store = ObjectStore.open(folder.resolve("out").toString());
    new RunLease(store, new RunIdentity("other", RunProcess.NONE)).take();
    DatasetJob retry =
        new DatasetJob(input, folder.resolve("out"), settings).withMode(DatasetMode.RETRY_FAILED);

    assertThatThrownBy(retry::run).hasMessageContaining("is being written by run other");

    new RunLease(store, new RunIdentity("other", RunProcess.NONE)).release();
    retry.run();
    assertThat(new RunLease(store, run).problem()).isEmpty();
  }

  /** Devices in whose first batch another run takes the lease. */
  record Overtaken(FakeDevices devices, String output) implements GeneratorFactory {
    /** The next after the last. */
    private String lease() throws IOException {
      long taken =
          ObjectStore.open(output).list("runs/leases/").stream()
              .filter(name -> name.matches(".*/[0-9]+\\.json"))
              .count();
      return "runs/leases/%05d.json".formatted(taken + 1);
    }

    @Override
    public ImageGenerator create() {
      ImageGenerator whole = devices.create();
      return new GeneratorAround(whole) {
        @Override
        public List<GeneratedImage> generate(List<ImageRequest> requests, int slots)
            throws InterruptedException {
          byte[] content =
              "{\"run_id\":\"other\",\"time\":\"2026-11-26T20:00:00Z\"}".getBytes(UTF_8);
          try {
            ObjectStore.open(output).create(lease(), content);
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
          return whole.generate(requests, slots);
        }
      };
    }
  }
}
