package io.shardlight.diffusion.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.shardlight.diffusion.transfer.ExclusiveFolder;
import io.shardlight.diffusion.transfer.TransferProgress;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class HubTest {
  private final HubRig rig;
  private final Path home;

  HubTest(@TempDir Path home) throws IOException {
    this.home = home;
    this.rig = new HubRig(home);
  }

  @AfterEach
  void stop() {
    rig.close();
  }

  @Test
  void fetchesWhatIsNeededIntoTheCacheThatPythonReads() throws IOException {
    Path snapshot = rig.fetch();

    assertThat(snapshot).isEqualTo(rig.folder().resolve("snapshots").resolve(rig.commit));
    assertThat(rig.folder().resolve("refs/main")).hasContent(rig.commit);
    TreeSet<String> names = new TreeSet<>(rig.files.keySet());
    names.removeIf(n -> n.endsWith(".bin") || n.contains(".fp16.") || n.startsWith("empty"));
    assertThat(new HubCache(rig.cache(), HubRig.MODEL).names(rig.commit))
        .containsExactlyElementsOf(names);
    for (String name : names) {
      Path file = snapshot.resolve(name);
      assertThat(Files.readAllBytes(file)).as(name).isEqualTo(rig.files.get(name));
      Path target = Files.readSymbolicLink(file);
      assertThat(target.isAbsolute()).isFalse();
      assertThat(target.toString()).contains("../blobs/");
      assertThat(target.getFileName().toString()).hasSize(name.endsWith(".safetensors") ? 64 : 40);
    }
    assertThat(rig.told.planned).hasValue(rig.told.advanced.get()).hasPositiveValue();
  }

  @Test
  void fetchesNothingTwice() throws IOException {
    rig.fetch();
    int before = rig.server.requests().size();
    long planned = rig.told.planned.get();

    rig.fetch();

    assertThat(rig.server.requests().subList(before, rig.server.requests().size()))
        .allMatch(request -> request.matches("(info|list) .*"));
    assertThat(rig.told.planned).hasValue(planned);
  }

  @Test
  void aBranchThatMovesOnSharesWhatIsTheSame() throws IOException {
    rig.fetch();
    int before = rig.server.requests().size();
    String next =
        rig.server.host(
            HubRig.ID,
            "main",
            home.resolve("none"),
            with(rig.files, "unet/config.json", "{\"of\": \"another\"}"));

    Path snapshot = rig.fetch();

    assertThat(snapshot.getFileName()).hasToString(next);
    assertThat(snapshot.resolve("unet/config.json")).hasContent("{\"of\": \"another\"}");
    assertThat(rig.folder().resolve("refs/main")).hasContent(next);
    assertThat(rig.server.requests().subList(before, rig.server.requests().size()))
        .filteredOn(request -> !request.matches("(info|list) .*"))
        .containsExactly("file unet/config.json NONE");
  }

  private static Map<String, byte[]> with(Map<String, byte[]> files, String name, String text) {
    Map<String, byte[]> changed = new TreeMap<>(files);
    changed.put(name, text.getBytes(StandardCharsets.UTF_8));
    return changed;
  }

  /** As Python writes it: the same folders, and a file more beside them that is not ours. */
  @Test
  void findsWhatPythonFetchedWithoutAskingAnybody() throws IOException {
    Path snapshot = rig.fetch();
    int before = rig.server.requests().size();
    rig.environment.put("HF_HUB_OFFLINE", "1");

    assertThat(rig.fetch()).isEqualTo(snapshot);
    HubListing byCommit = rig.hub().look(HubRig.MODEL.at(rig.commit));
    assertThat(byCommit.cached()).contains(snapshot);

    assertThat(rig.server.requests()).hasSize(before);
    assertThatThrownBy(() -> rig.hub().look(HubModel.parse("hf://test/tiny@bf16")))
        .isInstanceOf(HubException.class)
        .hasMessage(
            "hf://test/tiny@bf16 is not in the cache "
                + rig.cache()
                + ", and HF_HUB_OFFLINE is set; unset it, or fetch the model first");
  }

  @Test
  void revisionsMayHaveSlashes() throws IOException {
    rig.server.host(HubRig.ID, "refs/pr/1", home.resolve("none"), rig.files);
    HubModel model = HubModel.parse("hf://test/tiny@refs/pr/1");

    HubListing listing = rig.hub().look(model);
    rig.hub().fetch(listing, List.of("README.md"), rig.told);

    assertThat(rig.folder().resolve("refs/refs/pr/1")).hasContent(rig.commit);
    assertThat(rig.server.requests()).contains("info test/tiny@refs/pr/1 NONE");
  }

  @Test
  void theLicenceStandsInTheDescription() throws IOException {
    assertThat(rig.hub().look(HubRig.MODEL).license()).isEmpty();
    rig.server.card(HubRig.ID, "main").put("license", "creativeml-openrail-m");
    assertThat(rig.hub().look(HubRig.MODEL).license())
        .contains(new LicenseTerms("creativeml-openrail-m", ""));
    rig.server
        .card(HubRig.ID, "main")
        .put("license", "other")
        .put("license_name", "our own\u001b[2J")
        .put("license_link", "LICENSE.md");
    assertThat(rig.hub().look(HubRig.MODEL).license())
        .contains(new LicenseTerms("our-own-2J", "LICENSE.md"));
  }

  @Test
  void twoThatFetchTheSameDoItOnce() throws Exception {
    Path lock = new HubCache(rig.cache(), HubRig.MODEL).lockFile();
    ExclusiveFolder other = ExclusiveFolder.acquire(lock, () -> {});
    CountDownLatch waiting = new CountDownLatch(1);
    FutureTask<Path> second =
        new FutureTask<>(
            () -> {
              Hub hub = rig.hub();
              HubListing listing = hub.look(HubRig.MODEL);
              return hub.fetch(
                  listing,
                  NeededFiles.of(listing.names(), Optional.empty()).all(),
                  new TransferProgress() {
                    @Override
                    public void plan(long bytes) {}

                    @Override
                    public void advance(long bytes) {}

                    @Override
                    public void notice(String line) {
                      rig.told.notice(line);
                      waiting.countDown();
                    }
                  });
            });
    Thread thread = new Thread(second);
    thread.start();

    assertThat(waiting.await(2, TimeUnit.MINUTES)).isTrue();
    assertThat(rig.server.requests()).allMatch(request -> request.matches("(info|list) .*"));
    other.close();

    assertThat(second.get().resolve("README.md")).exists();
    thread.join();
    assertThat(rig.told.notices)
        .containsExactly("Waiting for another process that fetches test/tiny");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "hf://gpt2",
        "hf://a/b/c",
        "hf://a/..",
        "hf://../b",
        "hf://a/b@",
        "hf://a/b@../../x",
        "hf://a/b@x/../y",
        "hf:///b",
        "hf://-a/b",
        "hf://a/b--c"
      })
  void refusesWhatIsNoModelOfTheHub(String text) {
    assertThatThrownBy(() -> HubModel.parse(text))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(
            text.startsWith("hf://a/b@") && text.length() > 9 ? "revision" : text);
  }

  @Test
  void theEnvironmentSaysWhereThingsAre() throws IOException {
    Path token = home.resolve("cache/huggingface/token");
    Files.createDirectories(token.getParent());
    Files.writeString(token, "hf_fromFile\n");
    String xdg = home.resolve("cache").toString();

    HubSettings plain = HubSettings.of(Map.of(), Path.of("/home/me"));
    assertThat(plain.endpoint()).hasToString("https://huggingface.co");
    assertThat(plain.cache()).isEqualTo(Path.of("/home/me/.cache/huggingface/hub"));
    assertThat(plain.token()).isEmpty();
    assertThat(plain.offline()).isFalse();
    HubSettings moved =
        HubSettings.of(
            Map.of("XDG_CACHE_HOME", xdg, "HF_ENDPOINT", "http://mirror/", "HF_HUB_OFFLINE", "yes"),
            home);
    assertThat(moved.cache()).isEqualTo(home.resolve("cache/huggingface/hub"));
    assertThat(moved.endpoint()).hasToString("http://mirror");
    assertThat(moved.offline()).isTrue();
    assertThat(moved.token().orElseThrow().authorization()).isEqualTo("Bearer hf_fromFile");
    assertThat(moved.tokenOrigin()).isEqualTo(token.toString());
    HubSettings all =
        HubSettings.of(
            Map.of(
                "XDG_CACHE_HOME",
                xdg,
                "HF_HOME",
                "~/hf",
                "HF_HUB_CACHE",
                "/models",
                "HF_TOKEN_PATH",
                token.toString(),
                "HF_TOKEN",
                " hf_variable "),
            home);
    assertThat(all.cache()).isEqualTo(Path.of("/models"));
    assertThat(all.token().orElseThrow().authorization()).isEqualTo("Bearer hf_variable");
    assertThat(all.toString()).doesNotContain("hf_variable");
    assertThat(HubSettings.of(Map.of("HF_HOME", "~/hf"), home).cache())
        .isEqualTo(home.resolve("hf/hub"));
    assertThat(
            HubSettings.of(Map.of("HF_TOKEN", "hf_x", "HF_HUB_DISABLE_IMPLICIT_TOKEN", "1"), home)
                .token())
        .isEmpty();
    assertThatThrownBy(() -> HubSettings.of(Map.of("HF_ENDPOINT", "https://me:secret@host/"), home))
        .hasMessageContaining("HF_ENDPOINT must be an address")
        .hasMessageNotContaining("secret");
  }

  @ParameterizedTest
  @CsvSource({
    "https://huggingface.co/a, https://huggingface.co:443/b, true",
    "https://HuggingFace.co/, https://huggingface.co/, true",
    "https://huggingface.co/, https://cdn-lfs.huggingface.co/, false",
    "https://huggingface.co/, http://huggingface.co/, false",
    "http://127.0.0.1:80/, http://127.0.0.1:81/, false",
    "https://huggingface.co/, https://huggingface.co.example.org/, false"
  })
  void tokensAreForOneOriginOnly(URI hub, URI other, boolean same) {
    assertThat(Answers.isSameOrigin(hub, other)).isEqualTo(same);
  }

  @Test
  void nothingIsLeftOpen() throws IOException {
    rig.fetch();
    List<String> lost = new ArrayList<>();
    try (Stream<Path> all = Files.walk(rig.cache())) {
      all.map(Path::toString)
          .filter(p -> p.matches(".*(incomplete|chunks|tmp)$"))
          .forEach(lost::add);
    }
    assertThat(lost).isEmpty();
  }
}
