package io.shardlight.pipeline;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.shardlight.fixtures.TinyModels;
import io.shardlight.fixtures.gcs.FakeGcs;
import io.shardlight.fixtures.hub.FakeHub;
import io.shardlight.fixtures.hub.HubFault;
import io.shardlight.models.ModelMarker;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Models that are elsewhere, as a user names them. */
class RemoteModelsTest {
  private static final String TOKEN = "hf_aSecretThatNobodyMayPrint";
  private static final String LICENSE = "creativeml-openrail-m";
  private static final String ACCEPT = "--acceptLicense=" + LICENSE;
  private static final String CARD = "---\nlicense: " + LICENSE + "\n---\n# Tiny\n";

  private final FakeHub hub = FakeHub.start();
  private final FakeGcs gcs = FakeGcs.start("models");
  private final Map<String, String> environment = new HashMap<>();
  private final StringBuilder printed = new StringBuilder();
  private final Path home;
  private final String commit;

  RemoteModelsTest(@TempDir Path home) throws IOException {
    this.home = home;
    this.commit =
        hub.host(
            "test/tiny", "main", TinyModels.torch(), Map.of("README.md", CARD.getBytes(UTF_8)));
    hub.gate(TOKEN);
    environment.put("HF_ENDPOINT", hub.url());
    environment.put("HF_HOME", home.resolve("hf").toString());
    environment.put("HF_TOKEN", TOKEN);
    Files.writeString(home.resolve("prompts.txt"), "a lighthouse at dawn\n");
  }

  /** Whatever was done, nobody has seen a secret. */
  @AfterEach
  void stop() throws IOException {
    hub.close();
    gcs.close();
    assertThat(hub.leakedAuthorizations()).isEmpty();
    assertThat(printed.toString()).doesNotContain(TOKEN, FakeHub.SIGNATURE);
    try (Stream<Path> all = Files.walk(home)) {
      for (Path file : (Iterable<Path>) all.filter(Files::isRegularFile)::iterator) {
        assertThat(new String(Files.readAllBytes(file), UTF_8))
            .as(file.toString())
            .doesNotContain(TOKEN);
      }
    }
  }

  private Terminal run(int status, String... words) {
    List<String> all = new ArrayList<>(List.of(words));
    if (all.stream().anyMatch(word -> word.contains("gs://"))) {
      all.addAll(gcs.beamOptions());
    }
    Terminal terminal = Terminal.at(home, environment);
    int found = terminal.run(all.toArray(new String[0]));
    printed.append(terminal.out()).append(String.join("\n", terminal.errLines()));
    assertThat(found).as("%s", terminal.errLines()).isEqualTo(status);
    return terminal;
  }

  private Map<String, byte[]> generate(String model) throws IOException {
    Path out = home.resolve("out-" + model.hashCode());
    run(
        0,
        "generate",
        "--input=" + home.resolve("prompts.txt"),
        "--output=" + out,
        "--model=" + model,
        "--steps=1",
        "--layout=files",
        "--manifestFormat=jsonl",
        "--verbose",
        ACCEPT);
    Map<String, byte[]> files = new TreeMap<>();
    try (Stream<Path> all = Files.walk(out)) {
      for (Path file : (Iterable<Path>) all.filter(Files::isRegularFile)::iterator) {
        files.put(out.relativize(file).toString(), Files.readAllBytes(file));
      }
    }
    files.keySet().removeIf(name -> name.startsWith("runs/"));
    return files;
  }

  private static JsonNode row(Map<String, byte[]> dataset) throws IOException {
    return new ObjectMapper().readTree(dataset.get("manifest/00000.jsonl"));
  }

  private static int[] pixels(Map<String, byte[]> dataset, String name) throws IOException {
    byte[] png = Objects.requireNonNull(dataset.get(name));
    BufferedImage image = ImageIO.read(new ByteArrayInputStream(png));
    return image.getRGB(0, 0, image.getWidth(), image.getHeight(), null, 0, image.getWidth());
  }

  @Test
  void drawsTheSameWhereverTheModelComesFrom() throws IOException {
    Path local = home.resolve("local");
    TinyModelCopy.to(local);
    Files.writeString(local.resolve("README.md"), CARD);

    Map<String, byte[]> fromHub = generate("hf://test/tiny@main");
    run(0, "stage", "--model=hf://test/tiny", "--to=gs://models/tiny", ACCEPT);
    run(0, "stage", "--model=gs://models/tiny", "--to=" + home.resolve("staged"), ACCEPT);
    Map<String, byte[]> fromBucket = generate("gs://models/tiny");
    Map<String, byte[]> fromStaged = generate(home.resolve("staged").toString());
    Map<String, byte[]> fromDisk = generate(local.toString());

    assertThat(fromBucket).containsExactlyEntriesOf(fromHub);
    assertThat(fromStaged).containsExactlyEntriesOf(fromHub);
    JsonNode hubs = row(fromHub);
    JsonNode disks = row(fromDisk);
    assertThat(hubs.get("model_id").asText()).isEqualTo("test/tiny");
    assertThat(hubs.get("model_revision").asText()).isEqualTo(commit);
    assertThat(hubs.get("license").asText()).isEqualTo(LICENSE);
    assertThat(disks.get("model_id").asText()).isEqualTo("local");
    assertThat(disks.get("model_revision").asText()).isEmpty();
    // The image's text names the model, so that its bytes differ; its pixels must not.
    for (String name : (Iterable<String>) hubs::fieldNames) {
      if (!Set.of("model_id", "model_revision", "bytes", "sha256", "crc32c").contains(name)) {
        assertThat(disks.get(name)).as(name).isEqualTo(hubs.get(name));
      }
    }
    String image = hubs.get("file_name").asText();
    assertThat(pixels(fromDisk, image)).isEqualTo(pixels(fromHub, image));
    assertThat(new String(fromHub.get("README.md"), UTF_8))
        .contains("license: " + LICENSE, "test/tiny at " + commit);
    assertThat(home.resolve("hf/hub/models--test--tiny/snapshots").resolve(commit))
        .as("nothing of ours lies in the cache that Python uses")
        .isDirectoryNotContaining("glob:**/.shardlight");
  }

  @Test
  void asksForTheLicenceBeforeAnythingLargeIsFetched() {
    String line =
        "--acceptLicense: the licence of hf://test/tiny is creativeml-openrail-m (CreativeML Open"
            + " RAIL-M: you may ";
    for (List<String> command :
        List.of(
            List.of("generate", "--input=" + home + "/prompts.txt", "--output=" + home + "/out"),
            List.of("plan", "--input=" + home + "/prompts.txt", "--output=" + home + "/out"),
            List.of("stage", "--to=" + home + "/models"))) {
      List<String> words = new ArrayList<>(command);
      words.add("--model=hf://test/tiny");
      assertThat(run(2, words.toArray(new String[0])).errLines())
          .hasSize(2)
          .first()
          .asString()
          .startsWith(line);
    }
    assertThat(hub.requests()).noneMatch(request -> request.startsWith("content "));
    assertThat(home.resolve("models")).doesNotExist();
  }

  /** As those of models whose card is not among their files. */
  @Test
  void takesTheLicenceThatTheHubTells() {
    hub.host("test/bare", "main", TinyModels.torch(), Map.of());
    hub.card("test/bare", "main")
        .put("license", "other")
        .put("license_name", "our-own")
        .put("license_link", "TERMS.md");

    assertThat(run(2, "stage", "--model=hf://test/bare", "--to=" + home + "/m").errLines().get(0))
        .isEqualTo(
            "--acceptLicense: the licence of hf://test/bare is our-own; read it at "
                + hub.url()
                + "/test/bare/blob/main/TERMS.md and accept it by --acceptLicense=our-own");
  }

  @Test
  void whatIsWrongWithOtherOptionsIsToldBeforeAnythingLargeIsFetched() {
    assertThat(
            run(
                    2,
                    "generate",
                    "--input=" + home.resolve("none.txt"),
                    "--output=" + home.resolve("out"),
                    "--model=hf://test/tiny",
                    ACCEPT)
                .errLines())
        .hasSize(2)
        .first()
        .asString()
        .startsWith("--input=");
    assertThat(hub.requests()).noneMatch(request -> request.startsWith("content "));
  }

  @Test
  void stagesIntoADirectoryAndSaysWhatItIs() throws IOException {
    Path target = home.resolve("models/tiny");

    Terminal first = run(0, "stage", "--model=hf://test/tiny", "--to=" + target, ACCEPT);
    assertThat(first.outLines().get(0))
        .startsWith("test/tiny at " + commit + ": 16 files, 8.09 MB, in");
    assertThat(first.outLines())
        .contains("Licence: creativeml-openrail-m", "Model: " + target)
        .last()
        .asString()
        .endsWith("--model=" + target + " --acceptLicense=creativeml-openrail-m");
    assertThat(target.resolve(ModelMarker.NAME)).exists();
    assertThat(target.resolve("unet/diffusion_pytorch_model.fp16.safetensors")).doesNotExist();
    assertThat(Files.isSymbolicLink(target.resolve("unet/config.json"))).isFalse();

    JsonNode again =
        new ObjectMapper()
            .readTree(
                run(0, "stage", "--model=hf://test/tiny", "--to=" + target, ACCEPT, "--json")
                    .out());
    assertThat(again.get("already_present").asBoolean()).isTrue();
    assertThat(again.get("model_revision").asText()).isEqualTo(commit);

    String next =
        hub.host(
            "test/tiny",
            "main",
            TinyModels.torch(),
            Map.of("README.md", (CARD + "more").getBytes(UTF_8)));
    assertThat(run(2, "stage", "--model=hf://test/tiny", "--to=" + target, ACCEPT).errLines())
        .containsExactly(
            "--to=%s: holds test/tiny at %s already, and not test/tiny at %s; choose another folder"
                .formatted(target, commit, next),
            "Nothing was started. ./shardlight stage --help explains.");
  }

  @Test
  void stagesTheVariantThatIsAskedFor() {
    Path target = home.resolve("fp16");
    // The cache has the others too.
    run(0, "stage", "--model=hf://test/tiny", "--to=" + home + "/full", ACCEPT);

    run(0, "stage", "--model=hf://test/tiny", "--to=" + target, "--variant=fp16", ACCEPT);
    run(
        0,
        "plan",
        "--input=" + home.resolve("prompts.txt"),
        "--output=" + home.resolve("out"),
        "--model=" + target,
        ACCEPT);

    assertThat(target.resolve("unet/diffusion_pytorch_model.fp16.safetensors")).exists();
    assertThat(target.resolve("unet/diffusion_pytorch_model.safetensors")).doesNotExist();
    assertThat(
            run(
                    2,
                    "stage",
                    "--model=hf://test/tiny",
                    "--to=" + home + "/x",
                    "--variant=fp8",
                    ACCEPT)
                .errLines()
                .get(0))
        .isEqualTo("--variant=fp8: unknown value; use fp16");
  }

  @Test
  void aVariantThatWasNotStagedIsNotThere() {
    String full = home + "/full";
    run(0, "stage", "--model=hf://test/tiny", "--to=" + full, ACCEPT);
    run(0, "stage", "--model=hf://test/tiny", "--to=gs://models/full", ACCEPT);
    run(0, "stage", "--model=hf://test/tiny", "--to=" + home + "/16", "--variant=fp16", ACCEPT);

    for (String model : List.of(full, "gs://models/full")) {
      String[] words = {
        "stage", "--model=" + model, "--to=" + home + "/x", "--variant=fp16", ACCEPT
      };
      assertThat(run(2, words).errLines().get(0))
          .isEqualTo(
              "--model="
                  + model
                  + ": not every one of text_encoder, unet, vae has weights of variant fp16 in"
                  + " safetensors; leave --variant out, or give one that is there");
    }
    assertThat(home.resolve("x/shardlight-model.json")).doesNotExist();
    run(0, "stage", "--model=" + home + "/16", "--to=" + home + "/x", "--variant=fp16", ACCEPT);
    assertThat(home.resolve("x/unet/diffusion_pytorch_model.fp16.safetensors")).exists();
  }

  @Test
  void aLinkToADirectoryIsStagedAsTheDirectory() throws IOException {
    Path model = home.resolve("local");
    TinyModelCopy.to(model);
    Path unet = Files.move(model.resolve("unet"), home.resolve("elsewhere"));
    Files.createSymbolicLink(model.resolve("unet"), unet);
    Path link = Files.createSymbolicLink(home.resolve("link"), model);

    run(0, "stage", "--model=" + link, "--to=" + home + "/staged");

    assertThat(home.resolve("staged/unet/diffusion_pytorch_model.safetensors"))
        .isRegularFile()
        .hasSameBinaryContentAs(unet.resolve("diffusion_pytorch_model.safetensors"));
    assertThat(home.resolve("staged/shardlight-model.json")).exists();
  }

  @Test
  void aStagedModelThatWasChangedIsRefused() throws IOException {
    Path target = home.resolve("staged");
    run(0, "stage", "--model=hf://test/tiny", "--to=" + target, ACCEPT);
    Path config = target.resolve("scheduler/scheduler_config.json");
    Files.writeString(config, Files.readString(config) + "\n");

    assertThat(
            run(
                    2,
                    "plan",
                    "--input=" + home.resolve("prompts.txt"),
                    "--output=" + home.resolve("out"),
                    "--model=" + target,
                    ACCEPT)
                .errLines()
                .get(0))
        .startsWith("--model=" + target + ": its files together must have the SHA-256 ")
        .endsWith("stage the model anew, or remove shardlight-model.json");
  }

  @Test
  void tokenizeFetchesTheTokenizerAlone() {
    Terminal here = run(0, "tokenize", "--prompt=a red fox", "--model=" + TinyModels.torch());
    Terminal there = run(0, "tokenize", "--prompt=a red fox", "--model=hf://test/tiny");

    assertThat(there.out()).isEqualTo(here.out());
    assertThat(hub.requests())
        .filteredOn(request -> request.startsWith("file "))
        .allMatch(request -> request.startsWith("file tokenizer/"));
    run(0, "stage", "--model=hf://test/tiny", "--to=gs://models/tiny", ACCEPT);
    assertThat(run(0, "tokenize", "--prompt=a red fox", "--model=gs://models/tiny").out())
        .isEqualTo(here.out());
  }

  @ParameterizedTest
  @EnumSource(
      names = {
        "BAD_TOKEN",
        "UNAUTHORIZED",
        "FORBIDDEN",
        "GATED",
        "REPO_NOT_FOUND",
        "REVISION_NOT_FOUND",
        "REDIRECT_LOOP",
        "REDIRECT_TO_FILE"
      })
  void refusalsAreOneLineAndShowNoToken(HubFault fault) {
    hub.inject(HubFault.Plan.always("info ", fault));

    assertThat(
            run(2, "stage", "--model=hf://test/tiny", "--to=" + home + "/m", "--verbose", ACCEPT)
                .errLines())
        .hasSize(2)
        .first()
        .asString()
        .startsWith("--model=hf://test/tiny: ");
  }

  @ParameterizedTest
  @EnumSource(names = {"OTHER_SIZE", "WRONG_CONTENT"})
  void filesThatAreNotWhatTheyShouldBeShowNoTokenEither(HubFault fault) {
    hub.inject(HubFault.Plan.always("content unet/", fault));

    assertThat(
            run(2, "stage", "--model=hf://test/tiny", "--to=" + home + "/m", "--verbose", ACCEPT)
                .errLines()
                .get(0))
        .startsWith("--model=hf://test/tiny: unet/diffusion_pytorch_model.safetensors of ");
    assertThat(home.resolve("m")).doesNotExist();
  }

  @Test
  void tokensThatAreGivenAsOptionsAreNotRepeated() {
    environment.remove("HF_TOKEN");
    List<String> lines =
        run(
                2,
                "stage",
                "--model=hf://test/tiny",
                "--to=" + home + "/m",
                "--hfToken=" + TOKEN,
                "--hfTokenSecret=" + TOKEN)
            .errLines();

    assertThat(lines)
        .contains(
            "--hfToken: no such option; did you mean --hfTokenSecret?",
            "--hfTokenSecret: not understood; give projects/P/secrets/S/versions/V, the name of a"
                + " secret and never a token, for example"
                + " --hfTokenSecret=projects/my-project/secrets/hf-token/versions/latest");
  }

  @Test
  void mistakesAreToldInALineEach() {
    assertThat(run(2, "stage").errLines())
        .containsExactly(
            "--model: missing; give a value, for example"
                + " --model=hf://CompVis/stable-diffusion-v1-4",
            "--to: missing; give a value, for example --to=models/stable-diffusion-v1-4",
            "Nothing was started. ./shardlight stage --help explains.");
    assertThat(run(2, "stage", "--model=hf://tiny", "--to=hf://test/x").errLines())
        .containsExactly(
            "--to=hf://test/x: models are brought from the Hub, not to it; give a directory or"
                + " gs://bucket/folder",
            "--model=hf://tiny: a model on the Hugging Face Hub must be hf://owner/name or"
                + " hf://owner/name@revision, for example hf://CompVis/stable-diffusion-v1-4@bf16,"
                + " but was \"hf://tiny\"",
            "Nothing was started. ./shardlight stage --help explains.");
    assertThat(run(2, "stage", "--model=gs://models/none", "--to=gs://nowhere/x").errLines())
        .containsExactly(
            "--to=gs://nowhere/x: there is no bucket nowhere; make it by `gcloud storage buckets"
                + " create gs://nowhere`, or name another",
            "--model=gs://models/none: no model that was staged whole, as it has no"
                + " shardlight-model.json; put one there by ./shardlight stage --model=DIRECTORY"
                + " --to=gs://models/none",
            "Nothing was started. ./shardlight stage --help explains.");
    assertThat(
            run(2, "stage", "--model=hf://test/tiny@v9", "--to=" + home + "/prompts.txt", ACCEPT)
                .errLines())
        .containsExactly(
            "--to="
                + home
                + "/prompts.txt: a file; give a directory, which is made if it is not there",
            "--model=hf://test/tiny@v9: test/tiny has no revision v9; its branches and tags are"
                + " listed at "
                + hub.url()
                + "/test/tiny/tree/main",
            "Nothing was started. ./shardlight stage --help explains.");
  }

  @Test
  void namesWithoutASchemeAreNearlyRight() {
    assertThat(run(2, "stage", "--model=test/tiny@bf16", "--to=" + home + "/x").errLines().get(0))
        .isEqualTo("--model=test/tiny@bf16: no such directory; did you mean hf://test/tiny@bf16?");
    assertThat(run(2, "stage", "hf://test/tiny", "models").errLines().subList(0, 2))
        .containsExactly(
            "'hf://test/tiny': not an option; did you mean --model=hf://test/tiny?",
            "'models': not an option; did you mean --to=models?");
  }

  @Test
  void placesThatCannotBeWrittenAreNamed() {
    // Nobody can write there, root neither.
    assertThat(run(1, "stage", "--model=hf://test/tiny", "--to=/proc/x", ACCEPT).errLines())
        .first()
        .asString()
        .startsWith("The model could not be staged: cannot write /proc/x (")
        .endsWith("); may you write there, and is there room?");
  }

  @Test
  void withoutTheNetworkTheCacheIsUsedAndSaidSo() {
    run(0, "stage", "--model=hf://test/tiny", "--to=" + home + "/a", ACCEPT);
    environment.put("HF_HUB_OFFLINE", "1");
    int before = hub.requests().size();

    Terminal offline = run(0, "stage", "--model=hf://test/tiny", "--to=" + home + "/b", ACCEPT);

    assertThat(offline.errLines())
        .containsExactly(
            "Taking hf://test/tiny from the cache, commit " + commit + ": HF_HUB_OFFLINE is set");
    assertThat(hub.requests()).hasSize(before);
    assertThat(home.resolve("b/shardlight-model.json"))
        .hasSameBinaryContentAs(home.resolve("a/shardlight-model.json"));
  }

  @Test
  void whatThePartlyFilledCacheLacksIsNamed() {
    run(0, "tokenize", "--model=hf://test/tiny", "--prompt=a fox");
    environment.put("HF_HUB_OFFLINE", "1");
    String[] words = {"stage", "--model=hf://test/tiny", "--to=" + home + "/a", ACCEPT};
    String begin =
        "--model=hf://test/tiny: the cache has only a part of hf://test/tiny, commit " + commit;
    String end =
        ", and the Hub was not asked for the rest (HF_HUB_OFFLINE is set); run the command again"
            + " where the Hub can be reached, or fetch the model first";

    assertThat(run(2, words).errLines())
        .contains(
            begin
                + ", without model_index.json, scheduler/scheduler_config.json,"
                + " text_encoder/config.json, weights of text_encoder, unet/config.json, weights of"
                + " unet, vae/config.json, weights of vae"
                + end);
    run(0, "tokenize", "--model=hf://test/tiny", "--prompt=a fox");

    // A file that was deleted since.
    environment.remove("HF_HUB_OFFLINE");
    run(0, words);
    environment.put("HF_HUB_OFFLINE", "1");
    assertThat(
            home.resolve("hf/hub/models--test--tiny/snapshots/" + commit + "/unet/config.json")
                .toFile()
                .delete())
        .isTrue();
    words[2] = "--to=" + home + "/b";
    assertThat(run(2, words).errLines()).contains(begin + ", without unet/config.json" + end);
  }

  /** A copy that may be changed. */
  private static final class TinyModelCopy {
    static void to(Path target) throws IOException {
      Path source = TinyModels.torch();
      try (Stream<Path> all = Files.walk(source)) {
        for (Path from : (Iterable<Path>) all::iterator) {
          Path to = target.resolve(source.relativize(from).toString());
          if (Files.isDirectory(from)) {
            Files.createDirectories(to);
          } else {
            Files.copy(from, to);
          }
        }
      }
    }
  }
}
