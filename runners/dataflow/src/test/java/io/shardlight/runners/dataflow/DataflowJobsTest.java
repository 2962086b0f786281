package io.shardlight.runners.dataflow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.shardlight.fixtures.gcs.FakeGcs;
import io.shardlight.pipeline.JobFailedException;
import io.shardlight.pipeline.RemoteRunner;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.apache.beam.runners.dataflow.options.DataflowPipelineOptions;
import org.apache.beam.sdk.Pipeline;
import org.apache.beam.sdk.options.PipelineOptionsFactory;
import org.apache.beam.sdk.transforms.Create;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A job that is submitted over HTTP, and what becomes of it. */
class DataflowJobsTest {
  private static final String RUNNING = "JOB_STATE_RUNNING";
  private static final String JOB =
      "/v1b3/projects/test/locations/us-central1/jobs/2026-11-26_00_00_00-1";

  private final FakeGcs gcs = FakeGcs.start("work");
  private final FakeDataflow dataflow = FakeDataflow.start();
  private final DataflowJobs jobs = new DataflowJobs(Duration.ofMillis(1));
  private final DataflowPipelineOptions options;

  DataflowJobsTest(@TempDir Path folder) throws IOException {
    List<String> words = new ArrayList<>(dataflow.options());
    gcs.beamOptions().stream().filter(o -> !o.startsWith("--project")).forEach(words::add);
    words.add("--runner=DataflowRunner");
    words.add("--tempLocation=gs://work/tmp");
    words.add("--filesToStage=" + Files.writeString(folder.resolve("staged.txt"), "staged"));
    options =
        PipelineOptionsFactory.fromArgs(words.toArray(new String[0]))
            .as(DataflowPipelineOptions.class);
    options.setJobName("shardlight-1");
  }

  @AfterEach
  void stop() {
    gcs.close();
    dataflow.close();
  }

  private void run() {
    Pipeline pipeline = Pipeline.create(options);
    pipeline.apply(Create.of(1));
    jobs.run(pipeline, options);
  }

  private long looks() {
    return dataflow.requests().stream().filter(("GET " + JOB)::equals).count();
  }

  @Test
  void waitsForTheEnd() {
    dataflow.states("JOB_STATE_PENDING", RUNNING, RUNNING, "JOB_STATE_DONE");

    run();

    assertThat(looks()).isEqualTo(4);
    assertThat(dataflow.job().path("name").asText()).isEqualTo("shardlight-1");
    assertThat(jobs.fate(options)).isEqualTo(RemoteRunner.Fate.ENDED);
  }

  @Test
  void aFailedJobTellsItsReason() {
    dataflow
        .states(RUNNING, "JOB_STATE_FAILED")
        .error("Startup of the worker pool in zone us-central1-a failed.");

    assertThatThrownBy(this::run)
        .isInstanceOf(JobFailedException.class)
        .hasMessage(
            "Startup of the worker pool in zone us-central1-a failed."
                + " (https://console.cloud.google.com/dataflow/jobs/us-central1/2026-11-26_00_00_00-1?project=test)");
  }

  @Test
  void aJobThatSomebodyElseCancelledIsNoSuccess() {
    dataflow.states(RUNNING, "JOB_STATE_CANCELLED");
    assertThatThrownBy(this::run)
        .isInstanceOf(JobFailedException.class)
        .hasMessageStartingWith("its state is CANCELLED (");
  }

  @Test
  void aJobThatIsNotTakenNeverBegan() {
    dataflow.refuse("There is already an active job named shardlight-1.");

    assertThatThrownBy(this::run)
        .isInstanceOf(JobFailedException.class)
        .hasMessageContaining("There is already an active job named shardlight-1.");

    assertThat(looks()).isZero();
    assertThat(jobs.fate(options)).isEqualTo(RemoteRunner.Fate.ENDED);
    assertThat(jobs.cancel(options)).isEqualTo(RemoteRunner.Fate.ENDED);
    assertThat(dataflow.requests()).noneMatch(request -> request.startsWith("PUT"));
  }

  @Test
  void cancelsTheJobThatAnotherThreadWaitsFor() throws Exception {
    dataflow.states(RUNNING).onceCancelled("JOB_STATE_CANCELLING", "JOB_STATE_CANCELLED");
    CompletableFuture<Void> waiting = CompletableFuture.runAsync(this::run);
    assertThat(dataflow.awaitLook()).isTrue();
    assertThat(jobs.fate(options)).isEqualTo(RemoteRunner.Fate.RUNNING);

    assertThat(jobs.cancel(options)).isEqualTo(RemoteRunner.Fate.ENDED);

    assertThat(dataflow.requests()).contains("PUT " + JOB);
    assertThat(dataflow.job().path("requestedState").asText()).isEqualTo("JOB_STATE_CANCELLED");
    assertThatThrownBy(() -> waiting.get(5, TimeUnit.MINUTES))
        .isInstanceOf(ExecutionException.class)
        .hasMessageContaining("its state is CANCELLED");
  }

  @Test
  void aJobThatTakesLongToEndIsSaidToBeEnding() throws Exception {
    dataflow.states(RUNNING).onceCancelled("JOB_STATE_CANCELLING");
    CompletableFuture<Void> waiting = CompletableFuture.runAsync(this::run);
    assertThat(dataflow.awaitLook()).isTrue();

    assertThat(jobs.cancel(options)).isEqualTo(RemoteRunner.Fate.ENDING);
    assertThat(jobs.fate(options)).isEqualTo(RemoteRunner.Fate.ENDING);

    dataflow.states("JOB_STATE_CANCELLED");
    assertThatThrownBy(() -> waiting.get(5, TimeUnit.MINUTES))
        .hasMessageContaining("its state is CANCELLED");
  }

  @Test
  void aJobOfTheNameIsFoundWhoeverSubmittedIt() {
    dataflow.states(RUNNING, "JOB_STATE_DONE");
    run();
    dataflow.states(RUNNING);
    DataflowJobs another = new DataflowJobs(Duration.ofMillis(1));
    assertThat(another.fate(options)).isEqualTo(RemoteRunner.Fate.RUNNING);
    options.setJobName("shardlight-2");
    assertThat(another.fate(options)).isEqualTo(RemoteRunner.Fate.ENDED);
  }

  @Test
  void whoeverIsNotAnsweredDoesNotKnow() {
    dataflow.states("JOB_STATE_DONE");
    run();
    dataflow.shut();
    assertThat(jobs.fate(options)).isEqualTo(RemoteRunner.Fate.UNKNOWN);
    assertThat(jobs.cancel(options)).isEqualTo(RemoteRunner.Fate.UNKNOWN);
  }

  @Test
  void aTemplateIsNoJobToWaitFor() {
    options.setTemplateLocation("gs://work/template.json");
    assertThatThrownBy(this::run)
        .isInstanceOf(JobFailedException.class)
        .hasMessageStartingWith("--templateLocation, --dataflowJobFile: ");
    assertThat(dataflow.requests()).isEmpty();
  }

  @Test
  void isFoundByItsName() {
    assertThat(RemoteRunner.find("DataflowRunner")).containsInstanceOf(DataflowJobs.class);
  }
}
