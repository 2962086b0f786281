package io.shardlight.transforms;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.shardlight.data.ObjectStore;
import io.shardlight.data.RunIdentity;
import io.shardlight.data.RunLease;
import io.shardlight.data.RunProcess;
import io.shardlight.data.TestSettings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
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
}
