package io.shardlight.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.shardlight.data.ObjectStore.Creation;
import io.shardlight.fixtures.gcs.FakeGcs;
import io.shardlight.fixtures.gcs.Fault;
import io.shardlight.fixtures.gcs.FaultPlan;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.beam.sdk.extensions.gcp.options.GcsOptions;
import org.apache.beam.sdk.options.PipelineOptions;
import org.apache.beam.sdk.options.PipelineOptionsFactory;
import org.apache.beam.sdk.util.construction.PipelineOptionsTranslation;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class GcsObjectStoreTest extends ObjectStoreContract {
  private final FakeGcs gcs = FakeGcs.start("bucket");
  private final ObjectStore store = open("gs://bucket/data/set");

  private ObjectStore open(String root, String... more) {
    return new GcsObjectStore(
        GcsClient.of(options(more), QuickRetries.within(Duration.ofSeconds(30))),
        GcsPlace.parse(root));
  }

  private PipelineOptions options(String... more) {
    List<String> arguments = new ArrayList<>(gcs.beamOptions());
    arguments.addAll(List.of(more));
    return PipelineOptionsFactory.fromArgs(arguments.toArray(new String[0])).create();
  }

  @AfterEach
  void stop() {
    gcs.close();
  }

  @Override
  ObjectStore store() {
    return store;
  }

  private Path spool(int size) throws IOException {
    byte[] content = new byte[size];
    new Random(size).nextBytes(content);
    return Files.write(spools.resolve("spool" + size), content);
  }

  @Test
  void objectsLieWhereTheRootSays() throws Exception {
    store.create("images/a.png", bytes("x"));
    ObjectStore whole = ObjectStore.open("gs://bucket/", options());

    assertThat(gcs.objects("bucket")).containsOnlyKeys("data/set/images/a.png");
    assertThat(whole.list("")).containsExactly("data/set/images/a.png");
    assertThat(whole.root()).isEqualTo("gs://bucket");
    assertThat(store.root()).isEqualTo("gs://bucket/data/set");
    assertThat(open("gs://bucket/data/se").list("")).isEmpty();
    assertThat(open("gs://bucket/data/se").findEntry(name -> true)).isEmpty();
  }

  /** As runners carry them to workers. */
  @Test
  void optionsThatTravelledSayTheSame() throws Exception {
    PipelineOptions travelled =
        PipelineOptionsTranslation.fromProto(PipelineOptionsTranslation.toProto(options()));

    ObjectStore.open("gs://bucket/x", travelled).create("a", bytes("a"));

    assertThat(gcs.objects("bucket")).containsOnlyKeys("x/a");
  }

  @Test
  void anEndpointThatIsNoUrlIsRefused() {
    assertThatThrownBy(() -> ObjectStore.open("gs://bucket", withEndpoint("localhost")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("gcsEndpoint must be a URL such as https://storage.googleapis.com/")
        .hasMessageContaining("\"localhost\"");
  }

  private PipelineOptions withEndpoint(String value) {
    GcsOptions options = options().as(GcsOptions.class);
    options.setGcsEndpoint(value);
    return options;
  }

  @Test
  void aServerThatIsNotThereIsSaidToBe() {
    ObjectStore nowhere =
        new GcsObjectStore(
            GcsClient.of(
                withEndpoint("http://no-such-host.invalid/storage/v1/"),
                QuickRetries.within(Duration.ofMillis(20))),
            GcsPlace.parse("gs://bucket"));

    assertThatThrownBy(() -> nowhere.list(""))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("could not be reached")
        .hasMessageContaining("unknown host no-such-host.invalid");
  }

  @Test
  void browsersAreToldWhatAnObjectIs() throws Exception {
    store.create("images/a.png", bytes("x"));
    store.create("page.html", bytes("x"));
    store.create("_SUCCESS", bytes(""));
    store.replace("sheet.png", spool(10));

    assertThat(metadata("images/a.png").get("contentType").asText()).isEqualTo("image/png");
    assertThat(metadata("page.html").get("contentType").asText())
        .isEqualTo("text/html; charset=utf-8");
    assertThat(metadata("_SUCCESS").get("contentType").asText())
        .isEqualTo("application/octet-stream");
    assertThat(metadata("sheet.png").get("cacheControl").asText()).isEqualTo("no-cache");
  }

  private ObjectNode metadata(String name) {
    return gcs.metadata("bucket", "data/set/" + name).orElseThrow();
  }

  @Test
  void smallIsOneRequestAndLargeIsOneThatCanBeResumed() throws Exception {
    store.create("small", spool(1000));
    store.create("large", spool(9 << 20));

    assertThat(gcs.requests())
        .containsExactly(
            "insert bucket/data/set/small NONE",
            "start bucket/data/set/large NONE",
            "chunk bucket/data/set/large NONE",
            "chunk bucket/data/set/large NONE");
  }

  @Test
  void adoptsWithoutFetching() throws Exception {
    store.create("x", bytes("same"));

    store.createOrAdopt("x", bytes("same"));

    assertThat(gcs.requests()).noneMatch(request -> request.startsWith("media"));
  }

  @Test
  void listsEveryPageWithoutWhatStandsForAFolder() throws Exception {
    List<String> names = new ArrayList<>();
    for (int i = 0; i < 2345; i++) {
      String name = String.format("images/%05d.png", i);
      names.add(name);
      gcs.put("bucket", "data/set/" + name, new byte[0]);
    }
    gcs.put("bucket", "data/set/", new byte[0]);
    gcs.put("bucket", "data/set/images/", new byte[0]);
    gcs.put("bucket", "data/settings", new byte[0]);

    assertThat(store.list("")).isEqualTo(names);
    assertThat(gcs.requests()).filteredOn(r -> r.startsWith("list")).hasSize(3);
    assertThat(store.findEntry(name -> true)).contains("images");
  }

  @ParameterizedTest
  @EnumSource(
      value = Fault.class,
      names = {"NONE", "UNAUTHENTICATED", "FORBIDDEN", "GONE"},
      mode = EnumSource.Mode.EXCLUDE)
  void everyPassingFaultIsOutlived(Fault fault) throws Exception {
    gcs.slowness(Duration.ofMillis(20));
    Fault[] twice = {fault, fault, fault};
    byte[] content = bytes("content".repeat(10_000));
    Path large = spool(9 << 20);

    // Each kind of request in turn.
    gcs.inject(FaultPlan.script("insert", twice));
    assertThat(store.create("small", content)).isEqualTo(Creation.CREATED);
    gcs.inject(FaultPlan.script("start", twice));
    assertThat(store.create("large1", large)).isEqualTo(Creation.CREATED);
    gcs.inject(FaultPlan.script("chunk", twice));
    assertThat(store.create("large2", large)).isEqualTo(Creation.CREATED);
    gcs.inject(
        FaultPlan.script(
            "", Fault.NONE, Fault.RESET_IN_UPLOAD, fault, fault, Fault.NONE, fault, fault));
    assertThat(store.create("large3", large)).isEqualTo(Creation.CREATED);
    gcs.inject(FaultPlan.script("insert", twice));
    store.replace("replaced", Files.write(spools.resolve("r"), content));
    gcs.inject(FaultPlan.script("get", twice));
    assertThat(store.exists("small")).isTrue();
    gcs.inject(FaultPlan.script("media", twice));
    try (InputStream in = store.read("small")) {
      assertThat(in.readAllBytes()).isEqualTo(content);
    }
    gcs.inject(FaultPlan.script("media", twice));
    try (InputStream in = store.read("large1")) {
      assertThat(in.readAllBytes()).isEqualTo(Files.readAllBytes(large));
    }
    gcs.inject(FaultPlan.script("list", twice));
    assertThat(store.list("")).containsExactly("large1", "large2", "large3", "replaced", "small");

    for (String name : List.of("large1", "large2", "large3")) {
      assertThat(large).hasBinaryContent(gcs.objects("bucket").get("data/set/" + name));
    }
    assertThat(gcs.objects("bucket").get("data/set/replaced")).isEqualTo(content);
    if (fault != Fault.SLOW_ANSWER) {
      assertThat(gcs.requests()).filteredOn(r -> r.endsWith(fault.name())).hasSizeGreaterThan(8);
    }
  }

  @Test
  void anObjectOfOurOwnWhoseAcknowledgementWasLostIsOurCreation() throws Exception {
    gcs.inject(FaultPlan.script("insert", Fault.ACKNOWLEDGEMENT_LOST, Fault.ACKNOWLEDGEMENT_LOST));
    assertThat(store.create("x", bytes("ours"))).isEqualTo(Creation.CREATED);
    assertThat(gcs.requests()).contains("get bucket/data/set/x NONE");

    // The same bytes by another hand are not.
    gcs.put("bucket", "data/set/y", bytes("ours"));
    gcs.inject(FaultPlan.script("insert", Fault.CONNECTION_LOST, Fault.CONNECTION_LOST));
    assertThat(store.create("y", bytes("ours"))).isEqualTo(Creation.EXISTS);
  }

  @Test
  void answersThatComeTooLateAreAskedForAgain() throws Exception {
    ObjectStore hasty = open("gs://bucket/data/set", "--gcsHttpRequestReadTimeout=200");
    gcs.slowness(Duration.ofSeconds(2));
    gcs.inject(FaultPlan.script("insert", Fault.SLOW_ANSWER));

    assertThat(hasty.create("x", bytes("x"))).isEqualTo(Creation.CREATED);

    assertThat(gcs.requests())
        .contains("insert bucket/data/set/x SLOW_ANSWER", "insert bucket/data/set/x NONE");
  }

  @Test
  void anUploadThatBrokeOffGoesOnWhereItWas() throws Exception {
    gcs.inject(FaultPlan.script("chunk", Fault.RESET_IN_UPLOAD));

    store.create("large", spool(9 << 20));

    assertThat(gcs.requests())
        .containsExactly(
            "start bucket/data/set/large NONE",
            "chunk bucket/data/set/large RESET_IN_UPLOAD",
            "status bucket/data/set/large NONE",
            "chunk bucket/data/set/large NONE",
            "chunk bucket/data/set/large NONE");
    assertThat(spool(9 << 20))
        .hasBinaryContent(gcs.objects("bucket").getOrDefault("data/set/large", new byte[0]));
  }

  @Test
  void anUploadThatTheServerForgotBeginsAgain() throws Exception {
    gcs.inject(FaultPlan.script("chunk", Fault.GONE));

    assertThat(store.create("large", spool(9 << 20))).isEqualTo(Creation.CREATED);

    assertThat(gcs.requests()).filteredOn(r -> r.startsWith("start")).hasSize(2);
    gcs.inject(FaultPlan.always("chunk", Fault.GONE));
    assertThatThrownBy(() -> store.create("large2", spool(9 << 20)))
        .hasMessageContaining("wanted to create large2 in gs://bucket/data/set");
  }

  @Test
  void aFileThatChangesWhileItIsSentIsNotStored() throws Exception {
    Path large = spool(9 << 20);
    FaultPlan changing =
        (request, attempt) -> {
          if (request.startsWith("start")) {
            try {
              byte[] other = Files.readAllBytes(large);
              other[5_000_000] ^= 1;
              Files.write(large, other);
            } catch (IOException e) {
              throw new java.io.UncheckedIOException(e);
            }
          }
          return Fault.NONE;
        };
    gcs.inject(changing);

    assertThatThrownBy(() -> store.create("large", large))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("if a checksum differs, the bytes changed on their way");

    assertThat(gcs.objects("bucket")).isEmpty();
  }

  @Test
  void whoIsInterruptedAlreadyReadsNothing() throws Exception {
    store.create("a", new byte[3_000_000]);
    List<Throwable> thrown = new CopyOnWriteArrayList<>();
    Thread reader =
        new Thread(
            () -> {
              Thread.currentThread().interrupt();
              try (InputStream in = store.read("a")) {
                assertThat(in.readAllBytes()).isEmpty();
              } catch (IOException | RuntimeException e) {
                thrown.add(e);
              }
            });
    reader.setDaemon(true);
    reader.start();
    reader.join(60_000);

    assertThat(reader.isAlive()).as("reads after %s requests", gcs.requests().size()).isFalse();
    assertThat(thrown).singleElement().isInstanceOf(InterruptedIOException.class);
  }

  /** Transfers interrupt their threads when one of them fails. */
  @Test
  void aReaderThatIsInterruptedEnds() throws Exception {
    store.create("a", new byte[3_000_000]);
    for (int i = 0; i < 40; i++) {
      AtomicInteger objects = new AtomicInteger();
      List<Throwable> thrown = new CopyOnWriteArrayList<>();
      CountDownLatch begun = new CountDownLatch(i == 0 ? 0 : 1);
      Thread reader =
          new Thread(
              () -> {
                try {
                  begun.await();
                  while (objects.get() < 100_000) {
                    try (InputStream in = store.read("a")) {
                      assertThat(in.readAllBytes()).hasSize(3_000_000);
                    }
                    objects.incrementAndGet();
                  }
                } catch (IOException | InterruptedException | RuntimeException e) {
                  thrown.add(e);
                }
              });
      reader.setDaemon(true);
      reader.start();
      begun.countDown();
      // Wherever it is by then.
      TimeUnit.MILLISECONDS.sleep(2L * i);
      reader.interrupt();
      reader.join(60_000);

      assertThat(reader.isAlive()).as("reads after %s requests", gcs.requests().size()).isFalse();
      assertThat(thrown)
          .singleElement()
          .isInstanceOfAny(InterruptedIOException.class, InterruptedException.class);
    }
  }

  /** The answer to a batch is a good one, whatever becomes of the deletions in it. */
  @Test
  void aDeletionThatIsRefusedIsToldAndLeavesTheObject() throws Exception {
    for (String name : List.of("a", "b", "c")) {
      store.create(name, bytes(name));
    }
    gcs.inject(FaultPlan.always("delete bucket/data/set/b", Fault.FORBIDDEN));

    assertThatThrownBy(() -> store.delete(List.of("a", "b", "c", "none")))
        .isInstanceOf(IOException.class)
        .hasMessage(
            "wanted to delete b in gs://bucket/data/set, but your account may not (403: injected"
                + " fault FORBIDDEN); have it given roles/storage.objectUser on bucket bucket");
    assertThat(gcs.objects("bucket").keySet()).contains("data/set/b");

    gcs.inject(
        FaultPlan.script("delete bucket/data/set/b", Fault.UNAVAILABLE, Fault.TOO_MANY_REQUESTS));
    store.delete(List.of("a", "b", "c", "none"));
    assertThat(gcs.objects("bucket")).isEmpty();
  }

  @ParameterizedTest
  @EnumSource(
      value = Fault.class,
      names = {"UNAVAILABLE", "CONNECTION_LOST", "ACKNOWLEDGEMENT_LOST", "ANSWER_CUT"})
  void whatBefallsABatchLeavesNothing(Fault fault) throws Exception {
    store.create("a", bytes("a"));
    store.create("b", bytes("b"));
    gcs.inject(FaultPlan.script("batch", fault));

    store.delete(List.of("a", "b"));

    assertThat(gcs.objects("bucket")).isEmpty();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "UNAUTHENTICATED | asks who you are (401); log in by `gcloud auth",
        "FORBIDDEN       | your account may not (403: injected fault FORBIDDEN); have it given"
            + " roles/storage.objectUser on bucket bucket",
      })
  void refusalsAreSaidInPlainWordsAtOnce(Fault fault, String words) throws Exception {
    Path spool = spool(9 << 20);
    gcs.inject(FaultPlan.always("", fault));

    for (var act :
        List.<org.assertj.core.api.ThrowableAssert.ThrowingCallable>of(
            () -> store.create("x", bytes("")),
            () -> store.create("x", spool),
            () -> store.replace("x", spool),
            () -> store.read("x"),
            () -> store.exists("x"),
            () -> store.list("x"),
            () -> store.findEntry(name -> true),
            () -> store.delete(List.of("x", "y")))) {
      assertThatThrownBy(act)
          .isInstanceOf(IOException.class)
          .hasMessageStartingWith("wanted to ")
          .hasMessageContaining(" in gs://bucket/data/set, but ")
          .hasMessageContaining(words);
    }
    // The client has new credentials made before it believes a 401, ten times.
    assertThat(gcs.requests())
        // Eight, and a batch before the deletion.
        .hasSizeBetween(9, fault == Fault.UNAUTHENTICATED ? 9 * 11 : 9)
        .noneMatch(request -> request.endsWith("NONE"));
    assertThat(Buckets.problem("gs://bucket/data/set", options()).orElseThrow()).contains(words);
  }

  @Test
  void aBucketThatIsNotThereIsNamed() throws Exception {
    ObjectStore lost = open("gs://no-such-bucket/x");

    assertThatThrownBy(() -> lost.create("a", bytes("")))
        .hasMessage(
            "wanted to create a in gs://no-such-bucket/x, but there is no bucket no-such-bucket;"
                + " make it by `gcloud storage buckets create gs://no-such-bucket`, or name"
                + " another");
    assertThatThrownBy(() -> lost.create("a", spool(9 << 20)))
        .hasMessageContaining("there is no bucket no-such-bucket");
    assertThatThrownBy(() -> lost.list(""))
        .hasMessageContaining("there is no bucket no-such-bucket");
    assertThat(Buckets.problem("gs://no-such-bucket", options()).orElseThrow())
        .startsWith("there is no bucket no-such-bucket;");
    assertThat(Buckets.problem("gs://bucket/any/where", options())).isEmpty();
    assertThat(Buckets.problem("gs://BUCKET", options()).orElseThrow()).contains("must be gs://");
  }

  @Test
  void faultsThatDoNotPassEndWithTheirReason() {
    ObjectStore impatient =
        new GcsObjectStore(
            GcsClient.of(options(), QuickRetries.within(Duration.ofSeconds(1))),
            GcsPlace.parse("gs://bucket"));
    gcs.inject(FaultPlan.always("insert", Fault.UNAVAILABLE));

    assertThatThrownBy(() -> impatient.create("x", bytes("")))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("503: injected fault UNAVAILABLE")
        .hasMessageContaining("run it again when it is back");
    assertThat(gcs.requests()).hasSizeGreaterThan(2);
  }
}
