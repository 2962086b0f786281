package io.shardlight.diffusion.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.shardlight.fixtures.TinyModels;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.security.MessageDigest;
import java.time.Instant;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class ModelDirectoryTest {
  private static final Instant LONG_AGO = Instant.parse("2024-02-29T12:00:00Z");

  private final Path temporary;

  ModelDirectoryTest(@TempDir Path temporary) {
    this.temporary = temporary;
  }

  @Test
  void opensPyTorchAndFlaxFolders() throws IOException {
    ModelDirectory torch = ModelDirectory.open(TinyModels.torch());
    assertThat(torch.origin()).isEqualTo(Origin.TORCH);
    assertThat(torch.path()).isEqualTo(TinyModels.torch());
    assertThat(torch.config("unet").path("cross_attention_dim").asInt()).isEqualTo(32);
    assertThat(torch.config("scheduler").path("_class_name").asText()).isEqualTo("PNDMScheduler");
    assertThat(torch.modelIndex().path("_class_name").asText())
        .isEqualTo("StableDiffusionPipeline");
    assertThat(torch.tokenizer().resolve("merges.txt")).isRegularFile();
    assertThat(torch.weights("vae").file())
        .isEqualTo(TinyModels.torch().resolve("vae/diffusion_pytorch_model.safetensors"));
    assertThat(torch.has("safety_checker")).isTrue();
    assertThat(torch.has("image_encoder")).isFalse();
    assertThatThrownBy(() -> torch.config("image_encoder"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("no component \"image_encoder\", but [text_encoder, unet, vae");

    assertThat(ModelDirectory.open(TinyModels.flax()).origin()).isEqualTo(Origin.FLAX);
  }

  @Test
  void prefersFullPrecisionThenHalfThenFlax() throws IOException {
    Path model = copy(TinyModels.torch());
    for (String component : List.of("text_encoder", "unet", "vae")) {
      for (Path file : list(TinyModels.flax().resolve(component))) {
        if (file.toString().endsWith(".msgpack")) {
          Files.copy(file, model.resolve(component).resolve(file.getFileName()));
        }
      }
    }
    assertThat(fileName(model, "unet")).isEqualTo("diffusion_pytorch_model.safetensors");
    assertThat(fileName(model, "text_encoder")).isEqualTo("model.safetensors");

    Files.delete(model.resolve("unet/diffusion_pytorch_model.safetensors"));
    assertThat(fileName(model, "unet")).isEqualTo("diffusion_pytorch_model.fp16.safetensors");
    assertThat(ModelDirectory.open(model).origin()).isEqualTo(Origin.TORCH);

    Files.delete(model.resolve("unet/diffusion_pytorch_model.fp16.safetensors"));
    assertThat(ModelDirectory.open(model).origin()).isEqualTo(Origin.FLAX);
    assertThat(fileName(model, "unet")).isEqualTo("diffusion_flax_model.msgpack");
    assertThat(fileName(model, "text_encoder")).isEqualTo("flax_model.msgpack");
  }

  @Test
  void missingDirectoryIsRefused() {
    assertThatThrownBy(() -> ModelDirectory.open(temporary.resolve("nowhere")))
        .isInstanceOf(ModelDirectoryException.class)
        .hasMessageContaining("nowhere")
        .hasMessageContaining("no such directory; a folder with model_index.json");
  }

  @Test
  void everythingMissingIsReportedAtOnce() throws IOException {
    Path model = copy(TinyModels.torch());
    Files.delete(model.resolve("model_index.json"));
    Files.delete(model.resolve("tokenizer/merges.txt"));
    Files.delete(model.resolve("unet/config.json"));
    deleteWeights(model.resolve("vae"));
    deleteWeights(model.resolve("text_encoder"));
    Files.writeString(model.resolve("text_encoder/pytorch_model.bin"), "pickle");
    Files.writeString(model.resolve("scheduler/scheduler_config.json"), "{\"a\":1,\n  b}");

    assertThatThrownBy(() -> ModelDirectory.open(model))
        .isInstanceOfSatisfying(
            ModelDirectoryException.class,
            e -> {
              assertThat(e.problems()).hasSize(6);
              assertThat(e.problems().get(0)).startsWith("model_index.json is missing; download");
              assertThat(e.problems().get(1))
                  .startsWith("text_encoder/ holds weights only as pickled .bin")
                  .contains("safe_serialization=True");
              assertThat(e.problems().get(2)).startsWith("unet/config.json is missing");
              assertThat(e.problems().get(3))
                  .startsWith("vae/ has no weights: one of diffusion_pytorch_model.safetensors")
                  .contains("found config.json; download");
              assertThat(e.problems().get(4))
                  .startsWith("scheduler/scheduler_config.json, line 2 column ")
                  .contains("not proper JSON");
              assertThat(e.problems().get(5)).startsWith("tokenizer/merges.txt is missing");
            })
        .hasMessageStartingWith(model + ": not a usable diffusers model:");
  }

  @Test
  void emptyDirectoryListsEverything() throws IOException {
    assertThatThrownBy(() -> ModelDirectory.open(temporary))
        .isInstanceOfSatisfying(
            ModelDirectoryException.class, e -> assertThat(e.problems()).hasSize(10))
        .hasMessageContaining("found nothing");
  }

  @Test
  void shardsAreTakenBeforeHalfPrecision() throws IOException {
    Path model = copy(TinyModels.torch());
    String index = "unet/diffusion_pytorch_model.safetensors.index.json";
    Files.writeString(model.resolve(index), "{}");
    assertThat(fileName(model, "unet")).isEqualTo("diffusion_pytorch_model.safetensors");

    Files.delete(model.resolve("unet/diffusion_pytorch_model.safetensors"));
    assertThatThrownBy(() -> ModelDirectory.open(model).weights("unet"))
        .isInstanceOf(MalformedWeightsException.class)
        .hasMessageStartingWith(model.resolve(index) + ", byte 0: ");

    Files.delete(model.resolve(index));
    assertThat(fileName(model, "unet")).isEqualTo("diffusion_pytorch_model.fp16.safetensors");
  }

  @Test
  void shardsOfHalfPrecisionAreTakenToo() throws IOException {
    Path model = copy(TinyModels.torch());
    Path half = model.resolve("text_encoder/model.fp16.safetensors");
    Files.delete(model.resolve("text_encoder/model.safetensors"));
    Files.move(half, half.resolveSibling("model.fp16-00001-of-00001.safetensors"));
    StringBuilder map = new StringBuilder();
    for (String name : ModelDirectory.open(TinyModels.torch()).weights("text_encoder").names()) {
      map.append(map.isEmpty() ? "" : ",")
          .append("\"" + name + "\": \"model.fp16-00001-of-00001.safetensors\"");
    }
    Files.writeString(
        half.resolveSibling("model.safetensors.index.fp16.json"),
        "{\"weight_map\": {" + map + "}}");

    Weights weights = ModelDirectory.open(model).weights("text_encoder");

    assertThat(weights.names())
        .isEqualTo(ModelDirectory.open(TinyModels.torch()).weights("text_encoder").names());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "StableDiffusionXLPipeline          | it has two text encoders and another UNet",
        "StableDiffusion3Pipeline           | it has a transformer and three text encoders",
        "FluxPipeline                       | it has a transformer and a T5 text encoder",
        "StableDiffusionInpaintPipeline     | its UNet sees a mask and a masked image",
        "StableDiffusionDepth2ImgPipeline   | its UNet sees a depth map",
        "StableDiffusionUpscalePipeline     | its UNet sees a small picture",
        "StableDiffusionInstructPix2PixPipeline | its UNet sees a picture",
        "StableDiffusionControlNetPipeline  | it has a ControlNet",
        "LatentConsistencyModelPipeline     | its UNet takes the guidance scale as an input",
        "WuerstchenPipeline                 | \"WuerstchenPipeline\", which is not supported",
      })
  void otherFamiliesAreRefusedByName(String pipeline, String reason) throws IOException {
    Path model = copy(TinyModels.torch());
    Files.writeString(model.resolve("model_index.json"), "{\"_class_name\": \"" + pipeline + "\"}");
    Files.delete(model.resolve("unet/config.json"));

    assertThatThrownBy(() -> ModelDirectory.open(model))
        .isInstanceOfSatisfying(
            ModelDirectoryException.class, e -> assertThat(e.problems()).hasSize(1))
        .hasMessageContainingAll(
            "model_index.json: _class_name is \"" + pipeline + "\"",
            reason,
            "which is not supported; Stable Diffusion 1.x and 2.x text-to-image checkpoints"
                + " (StableDiffusionPipeline) are");
  }

  @Test
  void furtherNetworksAreRefusedByName() throws IOException {
    Path model = copy(TinyModels.torch());
    Path index = model.resolve("model_index.json");
    String whole = Files.readString(index).strip();
    String head = whole.substring(0, whole.length() - 1);
    Files.writeString(index, head + ", \"controlnet\": [\"diffusers\", \"ControlNetModel\"]}");

    assertThatThrownBy(() -> ModelDirectory.open(model))
        .isInstanceOf(ModelDirectoryException.class)
        .hasMessageContaining("it has a component controlnet (ControlNetModel)");

    Files.writeString(index, head + ", \"text_encoder_2\": [null, null]}");
    assertThat(ModelDirectory.open(model).origin()).isEqualTo(Origin.TORCH);
  }

  @Test
  void flaxFolderWithAHoleIsReportedAsFlax() throws IOException {
    Path model = copy(TinyModels.flax());
    Files.delete(model.resolve("vae/diffusion_flax_model.msgpack"));
    assertThatThrownBy(() -> ModelDirectory.open(model))
        .isInstanceOfSatisfying(
            ModelDirectoryException.class,
            e ->
                assertThat(e.problems())
                    .singleElement()
                    .asString()
                    .startsWith("vae/ has no weights: one of diffusion_flax_model.msgpack"));
  }

  @Test
  void truncatedWeightsAreNamed() throws IOException {
    Path model = copy(TinyModels.torch());
    Path file = model.resolve("vae/diffusion_pytorch_model.safetensors");
    byte[] whole = Files.readAllBytes(file);
    Files.write(file, java.util.Arrays.copyOf(whole, whole.length - 1));
    ModelDirectory directory = ModelDirectory.open(model);
    assertThatThrownBy(() -> directory.weights("vae"))
        .isInstanceOf(MalformedWeightsException.class)
        .hasMessageStartingWith(file + ", byte ")
        .hasMessageContaining("bytes that follow the header; the file is damaged");
  }

  @Test
  void sha256IsTheDigestOfPathsAndFileDigests() throws Exception {
    Path model = copy(TinyModels.flax());
    MessageDigest wanted = MessageDigest.getInstance("SHA-256");
    for (String file :
        List.of(
            "model_index.json",
            "scheduler/scheduler_config.json",
            "text_encoder/config.json",
            "text_encoder/flax_model.msgpack",
            "tokenizer/merges.txt",
            "tokenizer/special_tokens_map.json",
            "tokenizer/tokenizer_config.json",
            "tokenizer/vocab.json",
            "unet/config.json",
            "unet/diffusion_flax_model.msgpack",
            "vae/config.json",
            "vae/diffusion_flax_model.msgpack")) {
      wanted.update(file.getBytes(StandardCharsets.UTF_8));
      wanted.update((byte) 0);
      byte[] content = Files.readAllBytes(model.resolve(file));
      wanted.update(MessageDigest.getInstance("SHA-256").digest(content));
    }
    assertThat(ModelDirectory.open(model).sha256())
        .isEqualTo(HexFormat.of().formatHex(wanted.digest()));
  }

  @Test
  void sha256FollowsWhatShapesPixelsAndNothingElse() throws IOException {
    Path model = copy(TinyModels.torch());
    String before = ModelDirectory.open(model).sha256();
    Files.writeString(model.resolve("README.md"), "hello");
    Files.writeString(model.resolve("feature_extractor/preprocessor_config.json"), "{}");
    Files.delete(model.resolve("vae/diffusion_pytorch_model.fp16.safetensors"));
    assertThat(ModelDirectory.open(model).sha256()).isEqualTo(before);

    for (String file :
        List.of(
            "tokenizer/vocab.json",
            "scheduler/scheduler_config.json",
            "unet/config.json",
            "unet/diffusion_pytorch_model.safetensors")) {
      byte[] content = Files.readAllBytes(model.resolve(file));
      byte[] other = content.clone();
      other[other.length - 1] ^= 1;
      if (file.endsWith(".json")) {
        other =
            (new String(content, StandardCharsets.UTF_8) + " ").getBytes(StandardCharsets.UTF_8);
      }
      Files.write(model.resolve(file), other);
      assertThat(ModelDirectory.open(model).sha256()).as(file).isNotEqualTo(before);
      Files.write(model.resolve(file), content);
    }
    assertThat(ModelDirectory.open(model).sha256()).isEqualTo(before);
  }

  @Test
  void fileDigestsAreRememberedBySizeAndTime() throws IOException {
    Path model = copy(TinyModels.torch());
    Path cache = temporary.resolve("cache/deep");
    Path unet = model.resolve("unet/diffusion_pytorch_model.safetensors");
    String before = ModelDirectory.open(model).sha256(cache);
    assertThat(before).isEqualTo(ModelDirectory.open(model).sha256());
    assertThat(list(cache))
        .extracting(p -> p.getFileName().toString())
        .containsExactly("file-digests.json");

    // Same size and time: the content is not looked at again.
    byte[] content = Files.readAllBytes(unet);
    content[content.length - 1] ^= 1;
    Files.write(unet, content);
    Files.setLastModifiedTime(unet, FileTime.from(LONG_AGO));
    assertThat(ModelDirectory.open(model).sha256(cache)).isEqualTo(before);

    // Another time: it is.
    Files.setLastModifiedTime(unet, FileTime.from(LONG_AGO.plusNanos(1_000_000)));
    String after = ModelDirectory.open(model).sha256(cache);
    assertThat(after).isNotEqualTo(before).isEqualTo(ModelDirectory.open(model).sha256());
  }

  @Test
  void freshFilesAreNotRemembered() throws IOException {
    Path model = copy(TinyModels.torch());
    Path cache = temporary.resolve("cache");
    Path config = model.resolve("unet/config.json");
    FileTime now = FileTime.from(Instant.now());
    Files.setLastModifiedTime(config, now);
    String before = ModelDirectory.open(model).sha256(cache);

    String text = Files.readString(config);
    Files.writeString(config, text.replaceFirst("8", "9"));
    Files.setLastModifiedTime(config, now); // a clock too coarse to tell the two apart
    assertThat(ModelDirectory.open(model).sha256(cache)).isNotEqualTo(before);
  }

  @Test
  void damagedCacheIsAsGoodAsNone() throws IOException {
    Path model = copy(TinyModels.torch());
    String wanted = ModelDirectory.open(model).sha256();
    Path cache = temporary.resolve("cache");
    ModelDirectory.open(model).sha256(cache);
    Path file = cache.resolve("file-digests.json");
    String whole = Files.readString(file);
    for (String damaged :
        List.of(
            "",
            "[]",
            whole.substring(0, whole.length() / 2),
            whole.replaceAll("\"sha256\" : \"[0-9a-f]{8}", "\"sha256\" : \"zzzz"))) {
      Files.writeString(file, damaged);
      assertThat(ModelDirectory.open(model).sha256(cache)).isEqualTo(wanted);
    }
    assertThat(Files.readString(file)).isEqualTo(whole);
  }

  private static String fileName(Path model, String component) throws IOException {
    return ModelDirectory.open(model).weights(component).file().getFileName().toString();
  }

  private static List<Path> list(Path folder) throws IOException {
    try (Stream<Path> entries = Files.list(folder)) {
      return entries.sorted().toList();
    }
  }

  private static void deleteWeights(Path folder) throws IOException {
    for (Path file : list(folder)) {
      if (!file.toString().endsWith(".json")) {
        Files.delete(file);
      }
    }
  }

  /** A copy whose files are old enough for their digests to be remembered. */
  private Path copy(Path model) throws IOException {
    Path target = temporary.resolve("model");
    try (Stream<Path> tree = Files.walk(model)) {
      for (Path from : tree.toList()) {
        Path to = target.resolve(model.relativize(from).toString());
        if (Files.isDirectory(from)) {
          Files.createDirectories(to);
        } else {
          Files.write(to, Files.readAllBytes(from));
          Files.setLastModifiedTime(to, FileTime.from(LONG_AGO));
        }
      }
    }
    return target;
  }
}
