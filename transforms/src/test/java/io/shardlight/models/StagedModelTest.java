package io.shardlight.models;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.shardlight.data.ObjectStore;
import io.shardlight.data.ObjectStore.Creation;
import io.shardlight.diffusion.hub.LicenseTerms;
import io.shardlight.diffusion.transfer.ExclusiveFolder;
import io.shardlight.diffusion.transfer.TransferProgress;
import io.shardlight.fixtures.gcs.FakeGcs;
import io.shardlight.fixtures.gcs.Fault;
import io.shardlight.fixtures.gcs.FaultPlan;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.apache.beam.sdk.options.PipelineOptions;
import org.apache.beam.sdk.options.PipelineOptionsFactory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class StagedModelTest {
  private static final String PLACE = "gs://models/sd/tiny";
  private static final String WEIGHTS = "unet/weights.safetensors";
  private static final int CHUNK = 16 << 10;
  private static final List<String> NAMES =
      List.of("model_index.json", "tokenizer/vocab.json", WEIGHTS, "vae/weights.safetensors");

  private final FakeGcs gcs = FakeGcs.start("models");
  private final PipelineOptions options =
      PipelineOptionsFactory.fromArgs(gcs.beamOptions().toArray(new String[0])).create();
  private final Told told = new Told();
  private final Path home;
  private final Path folder;
  private final Path cache;

  private static final class Told implements TransferProgress {
    final AtomicLong planned = new AtomicLong();
    final AtomicLong advanced = new AtomicLong();
    final List<String> notices = Collections.synchronizedList(new ArrayList<>());
    final CountDownLatch waiting = new CountDownLatch(1);

    @Override
    public void plan(long bytes) {
      planned.addAndGet(bytes);
    }

    @Override
    public void advance(long bytes) {
      advanced.addAndGet(bytes);
    }

    @Override
    public void notice(String line) {
      notices.add(line);
      waiting.countDown();
    }
  }

  StagedModelTest(@TempDir Path home) throws IOException {
    this.home = home;
    this.folder = home.resolve("model");
    this.cache = home.resolve("cache");
    for (String name : NAMES) {
      byte[] content = new byte[name.endsWith("json") ? 40 : 3 * CHUNK + 77];
      new Random(name.hashCode()).nextBytes(content);
      Path file = folder.resolve(name);
      Files.createDirectories(file.resolve("..").normalize());
      Files.write(file, content);
    }
  }

  @AfterEach
  void stop() {
    gcs.close();
  }

  private ObjectStore store() {
    return ObjectStore.open(PLACE, options);
  }

  private ModelMarker describe(String revision) throws IOException {
    return new StageModel(folder, told)
        .describe(
            NAMES,
            "test/tiny",
            revision,
            Optional.of(new LicenseTerms("mit", "https://example.org")),
            "ab".repeat(32));
  }

  private Creation stage(ObjectStore target) throws IOException {
    return new StageModel(folder, told).to(target, describe("c1"));
  }

  private Path pull() throws IOException {
    return StagedModel.find(store()).orElseThrow().pull(cache, name -> true, CHUNK, told);
  }

  private void assertWhole(Path copy) throws IOException {
    for (String name : NAMES) {
      assertThat(copy.resolve(name)).hasSameBinaryContentAs(folder.resolve(name));
    }
  }

  @Test
  void theMarkerComesLastAndSaysAll() throws IOException {
    assertThat(stage(store())).isEqualTo(Creation.CREATED);

    ModelMarker marker = StagedModel.find(store()).orElseThrow().marker();
    assertThat(marker).isEqualTo(describe("c1"));
    assertThat(marker.title()).isEqualTo("test/tiny at c1");
    assertThat(marker.files()).extracting(file -> file.name()).containsExactlyElementsOf(NAMES);
    List<String> inserts =
        gcs.requests().stream().filter(request -> request.startsWith("insert ")).toList();
    assertThat(inserts)
        .hasSize(NAMES.size() + 1)
        .last()
        .isEqualTo("insert models/sd/tiny/shardlight-model.json NONE");
    for (String name : NAMES) {
      assertThat(gcs.objects("models").get("sd/tiny/" + name))
          .isEqualTo(Files.readAllBytes(folder.resolve(name)));
    }
    assertThat(told.advanced).hasValue(told.planned.get()).hasPositiveValue();
  }

  @Test
  void theSameAgainAdoptsWhatIsThereAndAddsWhatIsMissing() throws IOException {
    stage(store());
    assertThat(stage(store())).isEqualTo(Creation.EXISTS);
    gcs.delete("models", "sd/tiny/" + WEIGHTS);

    assertThat(stage(store())).isEqualTo(Creation.CREATED);

    assertWhole(pull());
  }

  @Test
  void goesOnWithWhatABrokenOffStagingLeft() throws IOException {
    gcs.inject(FaultPlan.always("insert models/sd/tiny/" + WEIGHTS, Fault.FORBIDDEN));
    assertThatThrownBy(() -> stage(store()))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("wanted to create " + WEIGHTS + " in " + PLACE);
    assertThat(StagedModel.find(store())).isEmpty();
    gcs.inject(FaultPlan.none());

    assertThat(stage(store())).isEqualTo(Creation.CREATED);

    assertWhole(pull());
  }

  @Test
  void anotherCommitIsRefused() throws IOException {
    stage(store());

    assertThat(StageModel.problem(describe("c2"), store()))
        .contains("holds test/tiny at c1 already, and not test/tiny at c2; choose another folder");
    assertThatThrownBy(() -> new StageModel(folder, told).to(store(), describe("c2")))
        .hasMessageStartingWith(PLACE + " holds test/tiny at c1 already");
    Files.write(folder.resolve(WEIGHTS), new byte[3]);
    assertThat(StageModel.problem(describe("c1"), store()))
        .contains(
            "holds test/tiny at c1 already, and not test/tiny at c1 with the same files; choose"
                + " another folder");
  }

  @Test
  void whatIsNotOfTheModelIsInTheWay() throws IOException {
    gcs.put("models", "sd/tiny/dataset.json", new byte[0]);
    assertThat(StageModel.problem(describe("c1"), store()))
        .contains(
            "must be new, empty or hold the beginning of the same model, but has dataset.json;"
                + " choose another folder");

    gcs.delete("models", "sd/tiny/dataset.json");
    gcs.put("models", "sd/tiny/" + WEIGHTS, new byte[] {1});
    assertThatThrownBy(() -> stage(store()))
        .hasMessageStartingWith(
            PLACE + " holds a file of another model, or the beginning of one; choose another");
    assertThat(StagedModel.find(store())).isEmpty();
  }

  @Test
  void aDirectoryIsAPlaceLikeAnyOther() throws IOException {
    ObjectStore target = ObjectStore.open(home.resolve("target").toString());

    assertThat(stage(target)).isEqualTo(Creation.CREATED);
    assertThat(stage(target)).isEqualTo(Creation.EXISTS);

    assertWhole(home.resolve("target"));
    try (Stream<Path> entries = Files.list(home.resolve("target"))) {
      assertThat(entries.map(entry -> entry.getFileName().toString()))
          .containsExactlyInAnyOrder(
              "model_index.json", "tokenizer", "unet", "vae", ModelMarker.NAME);
    }
  }

  @Test
  void workersPullInRangesOnce() throws IOException {
    stage(store());
    told.planned.set(0);
    told.advanced.set(0);

    Path copy = pull();

    assertWhole(copy);
    assertThat(told.advanced).hasValue(told.planned.get()).hasPositiveValue();
    List<String> reads = gcs.requests().stream().filter(r -> r.startsWith("media ")).toList();
    assertThat(reads).filteredOn(read -> read.contains(WEIGHTS)).hasSizeGreaterThanOrEqualTo(4);
    int before = gcs.requests().size();
    assertThat(pull()).isEqualTo(copy);
    assertThat(gcs.requests().subList(before, gcs.requests().size()))
        .as("the marker alone")
        .allMatch(request -> request.contains(ModelMarker.NAME));
  }

  @Test
  void theTokenizerCanBeHadAlone() throws IOException {
    stage(store());
    StagedModel staged = StagedModel.find(store()).orElseThrow();

    Path copy = staged.pullTokenizer(cache, told);

    assertThat(copy.resolve("tokenizer/vocab.json")).exists();
    assertThat(copy.resolve(WEIGHTS)).doesNotExist();
    assertWhole(pull());
  }

  @ParameterizedTest
  @EnumSource(names = {"UNAVAILABLE", "ANSWER_CUT", "ACKNOWLEDGEMENT_LOST"})
  void faultsThatPassAreOutlived(Fault fault) throws IOException {
    gcs.inject((request, attempt) -> attempt == 0 ? fault : Fault.NONE);

    stage(store());

    gcs.inject((request, attempt) -> attempt == 0 ? fault : Fault.NONE);
    assertWhole(pull());
  }

  @Test
  void whatWasChangedInTheBucketIsNotTaken() throws IOException {
    stage(store());
    byte[] content = Files.readAllBytes(folder.resolve(WEIGHTS));
    content[5] ^= 1;
    gcs.put("models", "sd/tiny/" + WEIGHTS, content);
    assertThatThrownBy(this::pull)
        .isInstanceOf(IOException.class)
        .hasMessageContaining(PLACE + "/" + WEIGHTS + " must have the SHA-256 ");

    gcs.put("models", "sd/tiny/" + WEIGHTS, new byte[CHUNK]);
    assertThatThrownBy(this::pull).isInstanceOf(IOException.class).hasMessageContaining(WEIGHTS);

    gcs.delete("models", "sd/tiny/" + WEIGHTS);
    assertThatThrownBy(this::pull)
        .hasMessage(
            PLACE
                + "/"
                + WEIGHTS
                + " is gone, though shardlight-model.json lists it; stage the model anew");

    gcs.put("models", "sd/tiny/" + WEIGHTS, Files.readAllBytes(folder.resolve(WEIGHTS)));
    assertWhole(pull());
  }

  @Test
  void whatWasCutShortOnTheDiskIsFetchedAgain() throws IOException {
    stage(store());
    Path copy = pull();
    Files.write(copy.resolve(WEIGHTS), new byte[3]);

    assertWhole(pull());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "{}",
        "<html>",
        "{\"format_version\": 2, \"files\": []}",
        "{\"format_version\": 1, \"id\": \"a\", \"revision\": \"\", \"model_sha256\": \"\"}",
        "{\"format_version\": 1, \"id\": \"a\", \"revision\": \"\", \"model_sha256\": \"\","
            + " \"files\": [{\"name\": \"../x\", \"bytes\": 1, \"crc32c\": \"0\", \"sha256\":"
            + " \"0\"}]}",
        "{\"format_version\": 1, \"id\": \"a\", \"revision\": \"\", \"model_sha256\": \"\","
            + " \"files\": [{\"name\": \"x\", \"bytes\": -1, \"crc32c\": \"0\", \"sha256\":"
            + " \"0\"}]}"
      })
  void markersThatAreNoneAreRefused(String text) {
    gcs.put("models", "sd/tiny/" + ModelMarker.NAME, text.getBytes(UTF_8));

    assertThatThrownBy(() -> StagedModel.find(store()))
        .isInstanceOf(IOException.class)
        .hasMessageContaining(PLACE + "/shardlight-model.json is not what stage writes")
        .hasMessageContaining("stage the model anew, into another folder");
  }

  @Test
  void whoComesSecondWaitsAndSaysSo() throws Exception {
    stage(store());
    StagedModel staged = StagedModel.find(store()).orElseThrow();
    String key = staged.marker().digest().substring(0, 32);
    ExclusiveFolder first =
        ExclusiveFolder.acquire(cache.resolve("models/.locks").resolve(key), () -> {});
    FutureTask<Path> second = new FutureTask<>(this::pull);
    Thread thread = new Thread(second);
    thread.start();

    assertThat(told.waiting.await(2, TimeUnit.MINUTES)).isTrue();
    assertThat(cache.resolve("models").resolve(key)).doesNotExist();
    first.close();

    assertWhole(second.get());
    thread.join();
    assertThat(told.notices).containsExactly("Waiting for another process that fetches " + PLACE);
  }
}
