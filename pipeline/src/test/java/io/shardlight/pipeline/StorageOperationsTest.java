package io.shardlight.pipeline;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.data.Percentage.withPercentage;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.shardlight.data.BatchShape;
import io.shardlight.data.Example;
import io.shardlight.data.ExampleCoder;
import io.shardlight.data.ExamplePlanner;
import io.shardlight.data.GenerationSettings;
import io.shardlight.data.Layout;
import io.shardlight.data.ObjectStore;
import io.shardlight.data.Prompt;
import io.shardlight.data.Rejection;
import io.shardlight.data.RunIdentity;
import io.shardlight.data.RunLease;
import io.shardlight.data.RunProcess;
import io.shardlight.data.ShardKey;
import io.shardlight.data.ShardKeyCoder;
import io.shardlight.fixtures.gcs.FakeGcs;
import io.shardlight.prompts.PromptFile;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.channels.Channels;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.beam.sdk.coders.KvCoder;
import org.apache.beam.sdk.options.PipelineOptionsFactory;
import org.apache.beam.sdk.util.CoderUtils;
import org.apache.beam.sdk.values.KV;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What {@code plan} says of requests and bytes, beside what jobs ask a Cloud Storage for. */
class StorageOperationsTest {
  private static final int IMAGES = 12;

  private final FakeGcs gcs = FakeGcs.start("prompts", "sets");
  private final Path home;

  StorageOperationsTest(@TempDir Path home) {
    this.home = home;
  }

  @AfterEach
  void stop() {
    gcs.close();
  }

  /** Makes a dataset, and gives the JSON object of its card. */
  private JsonNode make(String... more) throws IOException {
    String prompts =
        IntStream.range(0, IMAGES)
            .mapToObj(i -> "prompt " + i + "\n")
            .collect(Collectors.joining());
    gcs.put("prompts", "a.txt", prompts.getBytes(UTF_8));
    List<String> words =
        new ArrayList<>(
            List.of(
                "generate",
                "--input=gs://prompts/a.txt",
                "--output=gs://sets/s",
                "--steps=1",
                "--width=32",
                "--height=32"));
    words.addAll(List.of(more));
    words.addAll(gcs.beamOptions());
    Terminal terminal = Terminal.at(home);
    assertThat(terminal.run(words.toArray(new String[0]))).as("%s", terminal.errLines()).isZero();
    return new ObjectMapper().readTree(gcs.objects("sets").get("s/dataset.json"));
  }

  /** Of the dataset, in the words of {@link FakeGcs#requests}. */
  private Stream<String> requests() {
    return gcs.requests().stream().filter(request -> request.contains(" sets/"));
  }

  private static StorageOperations count(Stream<String> requests) {
    List<String> all = requests.toList();
    long made = all.stream().filter(request -> request.matches("(insert|list) .*")).count();
    long read = all.stream().filter(request -> request.matches("(get|media) .*")).count();
    assertThat(made + read).as("%s", all).isEqualTo(all.size());
    return new StorageOperations(made, read);
  }

  /** All but signs of life, of which a slow machine sees more. */
  private StorageOperations counted() {
    return count(requests().filter(request -> !request.contains("/runs/leases/")))
        .plus(StorageOperations.LEASE);
  }

  private long storedBytes() {
    return gcs.objects("sets").entrySet().stream()
        .filter(object -> object.getKey().matches("s/(images|manifest|_shards/[0-9]|meta).*"))
        .mapToLong(object -> object.getValue().length)
        .sum();
  }

  private static JobEstimate.Job job(JsonNode made, Layout layout, int manifests) {
    return new JobEstimate.Job(
        IMAGES,
        made.path("shards").asLong(),
        IMAGES,
        made.path("image_bytes").asLong(),
        layout,
        manifests);
  }

  @Test
  void archivesTakeWhatIsReckoned() throws IOException {
    JsonNode made = make("--shardSize=4");
    long shards = made.path("shards").asLong();

    assertThat(shards).isGreaterThan(1);
    StorageOperations counted = counted();
    StorageOperations reckoned = StorageOperations.of(Layout.WEBDATASET, 1, IMAGES, shards);
    assertThat(counted.classA()).isEqualTo(reckoned.classA());
    // The gallery may look twice where an archive's members lie.
    assertThat(counted.classB()).isBetween(reckoned.classB(), reckoned.classB() + shards);
    // Archives are rounded up to ten kilobytes, which matters to ones so small.
    assertThat(job(made, Layout.WEBDATASET, 1).storedBytes() + shards * 5000)
        .isCloseTo(storedBytes(), withPercentage(15));
  }

  @Test
  void filesTakeWhatIsReckoned() throws IOException {
    JsonNode made = make("--shardSize=4", "--layout=files", "--manifestFormat=avro,jsonl");
    long shards = made.path("shards").asLong();

    assertThat(counted()).isEqualTo(StorageOperations.of(Layout.FILES, 2, IMAGES, shards));
    assertThat(job(made, Layout.FILES, 2).storedBytes())
        .isCloseTo(storedBytes(), withPercentage(25));
  }

  @Test
  void aLookWhetherASignOfLifeIsDueTakesWhatIsReckoned() throws IOException {
    RunLease lease =
        new RunLease(
            ObjectStore.open(
                "gs://sets/s",
                PipelineOptionsFactory.fromArgs(gcs.beamOptions().toArray(new String[0])).create()),
            new RunIdentity("run", RunProcess.NONE));
    lease.take();
    gcs.put(
        "sets",
        "s/runs/leases/00001.renewed",
        ("{\"time\": \"" + Instant.now().plusSeconds(3600) + "\"}").getBytes(UTF_8));
    lease.renew();
    long before = requests().count();

    lease.renew();

    assertThat(count(requests().skip(before))).isEqualTo(StorageOperations.LOOK);
  }

  @Test
  void examplesAreAsLongAsIsReckoned() throws Exception {
    GenerationSettings settings = GenerationSettings.fromJson(make().path("settings"));
    String prompt = "p".repeat(JobEstimate.TEXT_BYTES);
    List<Example> examples = new ArrayList<>();
    PromptFile.read(
        "prompts.txt",
        Channels.newChannel(new ByteArrayInputStream((prompt + "\n").getBytes(UTF_8))),
        new PromptFile.Records() {
          @Override
          public void prompt(Prompt read) {
            new ExamplePlanner(settings).plan(read, examples::add);
          }

          @Override
          public void rejection(Rejection rejection) {
            throw new IllegalStateException(rejection.reason());
          }
        });
    BatchShape shape = examples.get(0).shape();

    byte[] encoded =
        CoderUtils.encodeToByteArray(
            KvCoder.of(ShardKeyCoder.of(), ExampleCoder.of()),
            KV.of(new ShardKey(99_999, shape), examples.get(0)));

    assertThat(encoded.length)
        .isCloseTo(JobEstimate.SHUFFLED_BYTES + JobEstimate.TEXT_BYTES, within(6));
  }
}
