package io.shardlight.pipeline;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.shardlight.fixtures.gcs.FakeGcs;
import io.shardlight.runners.dataflow.FakeDataflow;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.apache.beam.model.pipeline.v1.RunnerApi;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DataflowCommandTest {
  private final FakeGcs gcs = FakeGcs.start("prompts", "datasets", "work");
  private final FakeDataflow dataflow = FakeDataflow.start();
  private final Path home;
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();

  DataflowCommandTest(@TempDir Path home) {
    this.home = home;
    gcs.put("prompts", "in/a.txt", "a lighthouse at dawn\n".getBytes(UTF_8));
  }

  @AfterEach
  void stop() {
    gcs.close();
    dataflow.close();
  }

  private int generate(String... more) throws IOException {
    List<String> words =
        new ArrayList<>(
            List.of(
                "generate",
                "--runner=DataflowRunner",
                "--tempLocation=gs://work/tmp",
                "--input=gs://prompts/in/*.txt",
                "--output=gs://datasets/set",
                "--steps=1",
                "--filesToStage=" + Files.writeString(home.resolve("marker.txt"), "marker")));
    words.addAll(List.of(more));
    words.addAll(dataflow.options());
    gcs.beamOptions().stream().filter(o -> !o.startsWith("--project")).forEach(words::add);
    PrintStream stream = new PrintStream(err, true, UTF_8);
    return Shardlight.run(
        words,
        new Console(
            new ByteArrayInputStream(new byte[0]),
            stream,
            stream,
            OptionalInt.empty(),
            Map.of(CacheDirectory.VARIABLE, home.resolve("cache").toString())));
  }

  @Test
  void look() throws Exception {
    dataflow
        .states("JOB_STATE_FAILED")
        .error("Error message from worker: java.lang.IllegalStateException: too bad\n\tat a.b.C\n");
    int s = generate("--accelerator=nvidia-l4", "--sdkContainerImage=docker.pkg.dev/p/r/i:1");
    System.out.println(s + " " + err.toString(UTF_8));
    System.out.println(dataflow.requests());
    System.out.println(dataflow.job().toPrettyString());
    String url = dataflow.job().at("/environment/sdkPipelineOptions/options/pipelineUrl").asText();
    System.out.println(url);
    RunnerApi.Pipeline p =
        RunnerApi.Pipeline.parseFrom(gcs.objects("work").get(url.replaceFirst("gs://work/", "")));
    p.getComponents()
        .getTransformsMap()
        .forEach(
            (id, t) -> {
              if (t.getSubtransformsCount() == 0)
                System.out.println(
                    t.getUniqueName()
                        + " "
                        + t.getSpec().getUrn()
                        + " "
                        + t.getEnvironmentId()
                        + " "
                        + p.getComponents()
                            .getEnvironmentsMap()
                            .getOrDefault(
                                t.getEnvironmentId(), RunnerApi.Environment.getDefaultInstance())
                            .getResourceHintsMap());
            });
  }
}
