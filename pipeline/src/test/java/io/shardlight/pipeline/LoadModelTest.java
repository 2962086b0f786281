package io.shardlight.pipeline;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.auth.Credentials;
import com.google.auth.oauth2.AccessToken;
import com.google.auth.oauth2.GoogleCredentials;
import com.sun.net.httpserver.HttpServer;
import io.shardlight.diffusion.ImageGenerator;
import io.shardlight.diffusion.weights.ModelDirectory;
import io.shardlight.fixtures.TinyModels;
import io.shardlight.fixtures.gcs.FakeGcs;
import io.shardlight.fixtures.hub.FakeHub;
import java.io.ByteArrayOutputStream;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.ObjectOutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Date;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.beam.sdk.extensions.gcp.auth.CredentialFactory;
import org.apache.beam.sdk.options.PipelineOptions;
import org.apache.beam.sdk.options.PipelineOptionsFactory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A worker on another machine, which has not what the command's has. */
class LoadModelTest {
  private final FakeGcs gcs = FakeGcs.start("models");
  private final FakeHub hub = FakeHub.start();
  private final Path home;

  LoadModelTest(@TempDir Path home) {
    this.home = home;
  }

  private ModelFetch worker(String... more) {
    Map<String, String> environment = new HashMap<>();
    environment.put(CacheDirectory.VARIABLE, home.resolve("worker").toString());
    for (int i = 0; i < more.length; i += 2) {
      environment.put(more[i], more[i + 1]);
    }
    return new ModelFetch(
        environment,
        () -> PipelineOptionsFactory.fromArgs(gcs.beamOptions().toArray(new String[0])).create());
  }

  private LoadModel loader(Path folder, boolean demo) {
    return loader(folder, demo, ModelSource.DISK);
  }

  private LoadModel loader(Path folder, boolean demo, ModelSource source) {
    return new LoadModel(
        folder.toString(),
        demo,
        "auto",
        1,
        "any",
        1,
        "torch",
        home.resolve("not-there/cache").toString(),
        LoadModel.BEST,
        false,
        "",
        Additions.NONE,
        "",
        source);
  }

  @AfterEach
  void stop() {
    hub.close();
    gcs.close();
  }

  @Test
  void tellsThatTheModelIsNotThere() {
    assertThatThrownBy(() -> loader(home.resolve("none"), false).create(worker()))
        .isInstanceOf(FileNotFoundException.class)
        .hasMessageStartingWith(
            "model " + home.resolve("none") + " must be on every machine of the job, but is not on")
        .hasMessageEndingWith(
            "put it on a disk that all of them share, or copy it to the same path" + " on each");
  }

  @Test
  void makesACacheOfItsOwn() throws IOException {
    try (ImageGenerator generator = loader(TinyModels.torch(), false).create(worker())) {
      assertThat(generator.slots()).isEqualTo(1);
    }
    assertThat(home.resolve("not-there")).doesNotExist();
  }

  @Test
  void copiesTheDemoModelOutForItself() throws IOException {
    try (ImageGenerator generator = loader(home.resolve("none"), true).create(worker())) {
      assertThat(generator.slots()).isEqualTo(1);
    }
    assertThat(home.resolve("worker/shardlight")).isNotEmptyDirectory();
  }

  @Test
  void fetchesFromTheHubForItself() throws IOException {
    String commit = hub.host("test/tiny", "main", TinyModels.torch(), Map.of());
    ModelSource source = new ModelSource("hf://test/tiny@" + commit, "", hash());

    ModelFetch worker = worker("HF_ENDPOINT", hub.url());
    try (ImageGenerator generator = loader(home.resolve("none"), false, source).create(worker)) {
      assertThat(generator.slots()).isEqualTo(1);
    }
    assertThat(home.resolve("worker/huggingface/hub/models--test--tiny/snapshots").resolve(commit))
        .isNotEmptyDirectory();
  }

  private static String hash() throws IOException {
    return ModelDirectory.open(TinyModels.torch()).sha256();
  }

  /** As another process leaves it that fetches, or was killed at it. */
  @Test
  void aFolderThatIsNotWholeIsFilled() throws IOException {
    String commit = hub.host("test/tiny", "main", TinyModels.torch(), Map.of());
    ModelSource source = new ModelSource("hf://test/tiny@" + commit, "", hash());
    Path snapshot =
        home.resolve("worker/huggingface/hub/models--test--tiny/snapshots").resolve(commit);
    Files.createDirectories(snapshot.resolve("unet"));

    ModelFetch worker = worker("HF_ENDPOINT", hub.url());
    try (ImageGenerator generator = loader(snapshot, false, source).create(worker)) {
      assertThat(generator.slots()).isEqualTo(1);
    }
    assertThat(snapshot.resolve("model_index.json")).exists();
  }

  @Test
  void anotherModelThanTheJobWasCheckedWithIsRefused() throws IOException {
    String commit = hub.host("test/tiny", "main", TinyModels.torch(), Map.of());
    ModelSource source = new ModelSource("hf://test/tiny@" + commit, "", "0".repeat(64));

    assertThatThrownBy(
            () ->
                loader(home.resolve("none"), false, source)
                    .create(worker("HF_ENDPOINT", hub.url())))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("must be the model that the job was checked with")
        .hasMessageContaining(hash());
  }

  /** Of a token a job carries the name of the secret that holds it. */
  @Test
  void readsTheTokenOfASecretForItself() throws IOException {
    String commit = hub.host("test/tiny", "main", TinyModels.torch(), Map.of());
    hub.gate("hf_keptInASecret");
    String secret = "projects/p/secrets/hf/versions/latest";
    LoadModel loader =
        loader(
            home.resolve("none"),
            false,
            new ModelSource("hf://test/tiny@" + commit, secret, hash()));
    HttpServer secrets =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    secrets.createContext(
        "/v1/" + secret + ":access",
        exchange -> {
          byte[] answer =
              "{\"payload\": {\"data\": \"%s\"}}"
                  .formatted(Base64.getEncoder().encodeToString("hf_keptInASecret".getBytes(UTF_8)))
                  .getBytes(UTF_8);
          exchange.sendResponseHeaders(200, answer.length);
          exchange.getResponseBody().write(answer);
          exchange.close();
        });
    secrets.start();
    try {
      ModelFetch worker =
          new ModelFetch(
              Map.of(
                  CacheDirectory.VARIABLE,
                  home.resolve("worker").toString(),
                  "HF_ENDPOINT",
                  hub.url(),
                  "CLOUDSDK_API_ENDPOINT_OVERRIDES_SECRETMANAGER",
                  "http://127.0.0.1:" + secrets.getAddress().getPort()),
              () ->
                  PipelineOptionsFactory.fromArgs(
                          "--credentialFactoryClass=" + NobodysCredentials.class.getName())
                      .create());
      try (ImageGenerator generator = loader.create(worker)) {
        assertThat(generator.slots()).isEqualTo(1);
      }
    } finally {
      secrets.stop(0);
    }
    assertThat(hub.authorizations()).containsOnly("Bearer hf_keptInASecret");
    ByteArrayOutputStream travelling = new ByteArrayOutputStream();
    new ObjectOutputStream(travelling).writeObject(loader);
    assertThat(travelling.toString(ISO_8859_1)).contains(secret).doesNotContain("hf_keptInASecret");
  }

  /** An account that no server knows. */
  public static final class NobodysCredentials implements CredentialFactory {
    /** Beam calls it by this name. */
    public static NobodysCredentials fromOptions(PipelineOptions options) {
      return new NobodysCredentials();
    }

    @Override
    public Credentials getCredential() {
      return GoogleCredentials.create(
          new AccessToken("ya29.ofNobody", Date.from(Instant.parse("2999-01-01T00:00:00Z"))));
    }
  }

  @Test
  void fetchesFromABucketForItself() throws IOException {
    Terminal terminal = Terminal.at(home);
    List<String> words =
        new ArrayList<>(List.of("stage", "--model=" + TinyModels.torch(), "--to=gs://models/tiny"));
    words.addAll(gcs.beamOptions());
    assertThat(terminal.run(words.toArray(new String[0]))).as("%s", terminal.errLines()).isZero();
    ModelSource source = new ModelSource("gs://models/tiny", "", hash());

    try (ImageGenerator generator = loader(home.resolve("none"), false, source).create(worker())) {
      assertThat(generator.slots()).isEqualTo(1);
    }
    assertThat(home.resolve("worker/shardlight/models")).isNotEmptyDirectory();
  }
}
