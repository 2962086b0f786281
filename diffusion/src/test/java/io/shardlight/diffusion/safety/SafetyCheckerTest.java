package io.shardlight.diffusion.safety;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.shardlight.diffusion.weights.MalformedWeightsException;
import io.shardlight.diffusion.weights.ModelDirectory;
import io.shardlight.diffusion.weights.SafetyCheckerFiles;
import io.shardlight.diffusion.weights.WeightsMismatchException;
import io.shardlight.fixtures.EditedSafetensors;
import io.shardlight.fixtures.TinyModels;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Checkers that cannot be used are refused, and leave the model as it is. */
class SafetyCheckerTest {
  private static final String NONE = "[\n    null,\n    null\n  ]";
  private static final String CLASS = "\"StableDiffusionSafetyChecker\"";

  private final Path folder;

  SafetyCheckerTest(@TempDir Path folder) {
    this.folder = folder;
  }

  @BeforeEach
  void copy() throws IOException {
    TinyModels.copy(TinyModels.torch(), folder);
  }

  private SafetyChecker open() throws IOException {
    return SafetyChecker.open(ModelDirectory.open(folder));
  }

  private boolean isDeclared() throws IOException {
    return SafetyCheckerFiles.areOf(ModelDirectory.open(folder));
  }

  private void edit(String file, String from, String to) throws IOException {
    Path path = folder.resolve(file);
    String text = Files.readString(path);
    assertThat(text).contains(from);
    Files.writeString(path, text.replace(from, to));
  }

  private void delete(String path) throws IOException {
    try (Stream<Path> walk = Files.walk(folder.resolve(path))) {
      for (Path file : walk.sorted((a, b) -> b.compareTo(a)).toList()) {
        Files.delete(file);
      }
    }
  }

  private String checkpoint() throws IOException {
    return ModelDirectory.open(folder).sha256();
  }

  private String hash() throws IOException {
    Path cache = Files.createTempDirectory(folder, "cache");
    return SafetyCheckerFiles.open(ModelDirectory.open(folder)).sha256(cache);
  }

  @Test
  void theTinyModelsHaveOne() throws IOException {
    assertThat(isDeclared()).isTrue();
    assertThat(open().graph().inputs().get(0).shape().getShape()).containsExactly(1, 3, 32, 32);
    assertThat(SafetyChecker.open(ModelDirectory.open(TinyModels.flax())).graph().parameters())
        .hasSize(open().graph().parameters().size());
    assertThat(SafetyChecker.open(ModelDirectory.open(TinyModels.flaxBfloat16()))).isNotNull();
  }

  @Test
  void aModelSavedWithoutCheckerHasNone() throws IOException {
    delete("safety_checker");
    assertThat(isDeclared()).as("named by model_index.json").isTrue();
    edit("model_index.json", "\"stable_diffusion\",\n    " + CLASS, "null,\n    null");
    assertThat(Files.readString(folder.resolve("model_index.json"))).contains(NONE);
    assertThat(isDeclared()).isFalse();

    edit("model_index.json", "\"safety_checker\": " + NONE + ",", "");
    assertThat(isDeclared()).as("neither named nor there").isFalse();
    Files.createDirectory(folder.resolve("safety_checker"));
    assertThat(isDeclared()).as("there and not named").isTrue();
  }

  @Test
  void allMissingFilesAreNamed() throws IOException {
    delete("safety_checker");
    delete("feature_extractor");

    assertThatThrownBy(this::open)
        .hasMessageContaining("safety_checker/config.json is missing")
        .hasMessageContaining("safety_checker/ has no weights: one of")
        .hasMessageContaining("feature_extractor/preprocessor_config.json is missing");
  }

  @Test
  void pickledWeightsAreNotRead() throws IOException {
    delete("safety_checker/model.safetensors");
    delete("safety_checker/model.fp16.safetensors");
    Files.writeString(folder.resolve("safety_checker/pytorch_model.bin"), "");

    assertThatThrownBy(this::open).hasMessageContaining("safety_checker/ holds weights only as");
  }

  @Test
  void theHalfPrecisionVariantWillDo() throws IOException {
    delete("safety_checker/model.safetensors");

    assertThat(open().weights().fingerprint()).contains("model.fp16.safetensors");
  }

  @Test
  void damagedFilesAreNamedAndOnlyHere() throws IOException {
    Path weights = folder.resolve("safety_checker/model.safetensors");
    byte[] whole = Files.readAllBytes(weights);
    Files.write(weights, java.util.Arrays.copyOf(whole, whole.length / 2));
    assertThatThrownBy(this::open)
        .isInstanceOf(MalformedWeightsException.class)
        .hasMessageContaining("safety_checker/model.safetensors");

    Files.writeString(folder.resolve("safety_checker/config.json"), "{");
    assertThatThrownBy(this::open).hasMessageContaining("safety_checker/config.json, line 1");
    assertThat(isDeclared()).isTrue();
    assertThat(ModelDirectory.open(folder).weights("unet").names()).isNotEmpty();
  }

  @Test
  void missingThresholdsAreNamed() throws IOException {
    EditedSafetensors.of(folder.resolve("safety_checker/model.safetensors"))
        .rename(name -> name.replaceFirst("^concept_embeds_weights$", "concept_embeds_heights"))
        .write();

    assertThatThrownBy(this::open)
        .isInstanceOf(WeightsMismatchException.class)
        .hasMessageContainingAll(
            "safety_checker/model.safetensors",
            "missing from the file",
            "concept_embeds_weights",
            "concept_embeds_heights");
  }

  /** transformers 5 has one level of modules less. */
  @Test
  void newerNamesWillDo() throws IOException {
    SafetyChecker before = open();
    EditedSafetensors.of(folder.resolve("safety_checker/model.safetensors"))
        .rename(name -> name.replaceFirst("^vision_model\\.vision_model\\.", "vision_model."))
        .write();

    String name = "vision_model.vision_model.post_layernorm.weight";
    assertThat(open().weights().get(name).shape()).isEqualTo(before.weights().get(name).shape());
  }

  @Test
  void checkersOfAnotherClassAreRefused() throws IOException {
    edit("model_index.json", CLASS, "\"IFSafetyChecker\"");
    assertThatThrownBy(this::open)
        .hasMessageContainingAll("model_index.json", "IFSafetyChecker", CLASS.replace("\"", ""));
  }

  @Test
  void filesOfTwoModelsAreRefused() throws IOException {
    edit("feature_extractor/preprocessor_config.json", "\"crop_size\": 32", "\"crop_size\": 31");
    assertThatThrownBy(this::open)
        .hasMessageContainingAll("crop_size is 31", "safety_checker/config.json: image_size is 32");
  }

  /** A dataset without check is the same with and without the files of a checker. */
  @Test
  void theModelsHashIsThatOfAModelWithoutChecker() throws IOException {
    String with = checkpoint();
    delete("safety_checker");
    delete("feature_extractor");

    assertThat(checkpoint()).isEqualTo(with);
  }

  @Test
  void theCheckersHashTellsWhatItFinds() throws IOException {
    String before = hash();
    String model = checkpoint();
    assertThat(hash()).isEqualTo(before).matches("[0-9a-f]{64}").isNotEqualTo(model);

    edit("feature_extractor/preprocessor_config.json", "\"crop_size\": 32", "\"crop_size\": 31");
    assertThat(hash()).as("preprocessing").isNotEqualTo(before);
    edit("feature_extractor/preprocessor_config.json", "\"crop_size\": 31", "\"crop_size\": 32");
    assertThat(hash()).isEqualTo(before);

    edit(
        "safety_checker/config.json", "\"initializer_factor\": 1.0", "\"initializer_factor\": 2.0");
    assertThat(hash()).as("configuration").isNotEqualTo(before);
    edit(
        "safety_checker/config.json", "\"initializer_factor\": 2.0", "\"initializer_factor\": 1.0");

    Path weights = folder.resolve("safety_checker/model.safetensors");
    byte[] bytes = Files.readAllBytes(weights);
    bytes[bytes.length - 1] ^= 1;
    Files.write(weights, bytes);
    assertThat(hash()).as("weights").isNotEqualTo(before);
    assertThat(checkpoint()).isEqualTo(model);
  }
}
