package io.shardlight.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.shardlight.diffusion.scheduler.SchedulerKind;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

class GenerationSettingsTest {
  private static final GenerationSettings BASE = TestSettings.builder().build();

  @Test
  void fingerprintIsTheHashOfTheDocumentedJson() {
    String json =
        "{\"device_kind\":\"cpu\",\"dtype\":\"float32\",\"engine\":\"OnnxRuntime\","
            + "\"format_version\":1,\"guidance_scale\":7.5,\"height\":64,\"image_format\":\"png\","
            + "\"model_sha256\":\""
            + "ab".repeat(32)
            + "\",\"negative_prompt\":\"\",\"numerics\":\"torch\",\"scheduler\":\"pndm\","
            + "\"seed_policy\":\"perImage\",\"steps\":20,\"width\":64}";

    assertThat(BASE.configFingerprint()).isEqualTo(Sha256.hex(json));
  }

  static Stream<UnaryOperator<GenerationSettings.Builder>> pixels() {
    return Stream.of(
        b -> b.model(new ModelIdentity("tiny-sd", "main", "cd".repeat(32), "")),
        b -> b.engine(new EngineIdentity("PJRT", "cpu", "float32", "torch")),
        b -> b.engine(new EngineIdentity("OnnxRuntime", "gpu", "float32", "torch")),
        b -> b.engine(new EngineIdentity("OnnxRuntime", "cpu", "bfloat16", "torch")),
        b -> b.engine(new EngineIdentity("OnnxRuntime", "cpu", "float32", "flax")),
        b -> b.sampling(new Sampling(SchedulerKind.DDIM, 20, 7.5f, 64, 64)),
        b -> b.sampling(new Sampling(SchedulerKind.PNDM, 21, 7.5f, 64, 64)),
        b -> b.sampling(new Sampling(SchedulerKind.PNDM, 20, 7.6f, 64, 64)),
        b -> b.sampling(new Sampling(SchedulerKind.PNDM, 20, 7.5f, 72, 64)),
        b -> b.sampling(new Sampling(SchedulerKind.PNDM, 20, 7.5f, 64, 72)),
        b -> b.additions(AdditionsIdentity.of(List.of(lora("a", "ab", 1)), Optional.empty())),
        b -> b.additions(AdditionsIdentity.of(List.of(lora("a", "cd", 1)), Optional.empty())),
        b -> b.additions(AdditionsIdentity.of(List.of(lora("a", "ab", 0.8f)), Optional.empty())),
        b -> b.additions(additions(lora("a", "ab", 1), lora("b", "cd", 1))),
        b -> b.additions(additions(lora("b", "cd", 1), lora("a", "ab", 1))),
        b -> b.additions(AdditionsIdentity.of(List.of(), vae("v", "ab"))),
        b -> b.additions(AdditionsIdentity.of(List.of(), vae("v", "cd"))),
        b -> b.negativePrompt("blurry"),
        b -> b.imageFormat(ImageFormat.JPEG),
        b -> b.imageFormat(ImageFormat.WEBP),
        b -> b.safety(new SafetySettings(SafetyPolicy.BLANK, "5a".repeat(32))),
        b -> b.seedPolicy(SeedPolicy.JAX_SPLIT));
  }

  @ParameterizedTest
  @MethodSource("pixels")
  void whatShapesThePixelsChangesTheFingerprint(UnaryOperator<GenerationSettings.Builder> change) {
    assertThat(change.apply(BASE.toBuilder()).build().configFingerprint())
        .isNotEqualTo(BASE.configFingerprint());
  }

  private static AdditionsIdentity additions(AdditionsIdentity.Lora... loras) {
    return AdditionsIdentity.of(List.of(loras), vae("vae", "ef"));
  }

  private static AdditionsIdentity.Lora lora(String name, String hash, float scale) {
    return new AdditionsIdentity.Lora(name, hash.repeat(32), scale);
  }

  private static Optional<AdditionsIdentity.Vae> vae(String name, String hash) {
    return Optional.of(new AdditionsIdentity.Vae(name, hash.repeat(32)));
  }

  @Test
  void everyAdditionHasAFingerprintOfItsOwn() {
    assertThat(
            pixels()
                .map(change -> change.apply(BASE.toBuilder()).build().configFingerprint())
                .distinct())
        .hasSize((int) pixels().count());
  }

  @Test
  void namesOfAdditionsAreStoredAndDoNotCount() {
    GenerationSettings one = BASE.toBuilder().additions(additions(lora("a", "ab", 1))).build();
    GenerationSettings other = BASE.toBuilder().additions(additions(lora("b", "ab", 1))).build();

    assertThat(other.configFingerprint()).isEqualTo(one.configFingerprint());
    assertThat(other.toJson()).isNotEqualTo(one.toJson());
    assertThat(BASE.toJson().has("loras")).isFalse();
    assertThat(BASE.toJson().has("vae_name")).isFalse();
  }

  @ParameterizedTest
  @EnumSource
  void qualityChangesTheFingerprintWhereThereIsAny(ImageFormat format) {
    GenerationSettings usual = BASE.toBuilder().imageFormat(format).build();
    GenerationSettings poor = usual.toBuilder().imageQuality(50).build();

    assertThat(poor.configFingerprint().equals(usual.configFingerprint()))
        .isEqualTo(format == ImageFormat.PNG);
    assertThat(poor.toJson().equals(usual.toJson())).isEqualTo(format == ImageFormat.PNG);
  }

  static Stream<UnaryOperator<GenerationSettings.Builder>> filing() {
    return Stream.of(
        b -> b.model(new ModelIdentity("other-name", "v2", "ab".repeat(32), "mit")),
        b -> b.seed(9),
        b -> b.imagesPerPrompt(4),
        b -> b.shardSize(10),
        b -> b.layout(Layout.FILES),
        b -> b.manifestFormats(List.of(ManifestFormat.PARQUET)),
        b -> b.saveAdditionalColumns(false),
        b -> b.templates(new TemplateSettings(true, "", "ab".repeat(32))),
        b -> b.safety(new SafetySettings(SafetyPolicy.MARK, "5a".repeat(32))),
        b -> b.safety(new SafetySettings(SafetyPolicy.DROP, "5a".repeat(32))),
        b -> b.pipelineVersion("0.2.0"));
  }

  @ParameterizedTest
  @MethodSource("filing")
  void howResultsAreFiledChangesOnlyTheStoredSettings(
      UnaryOperator<GenerationSettings.Builder> change) {
    GenerationSettings changed = change.apply(BASE.toBuilder()).build();

    assertThat(changed.configFingerprint()).isEqualTo(BASE.configFingerprint());
    assertThat(changed.toJson()).isNotEqualTo(BASE.toJson());
  }

  /** It decides which images are black, and which rows are marked or blocked. */
  @ParameterizedTest
  @EnumSource(value = SafetyPolicy.class, names = "OFF", mode = EnumSource.Mode.EXCLUDE)
  void anotherCheckerIsAnotherSetting(SafetyPolicy policy) {
    GenerationSettings one =
        BASE.toBuilder().safety(new SafetySettings(policy, "5a".repeat(32))).build();
    GenerationSettings other =
        BASE.toBuilder().safety(new SafetySettings(policy, "5b".repeat(32))).build();

    assertThat(other.toJson()).isNotEqualTo(one.toJson());
    assertThat(other.configFingerprint().equals(one.configFingerprint()))
        .isEqualTo(policy != SafetyPolicy.BLANK);
    assertThat(GenerationSettings.fromJson(one.toJson())).isEqualTo(one);
    assertThat(BASE.toJson().has("safety")).isFalse();
  }

  @Test
  void theFailureRatioMayChangeBetweenRuns() {
    assertThat(BASE.toBuilder().maxFailureRatio(0.5).build().toJson()).isEqualTo(BASE.toJson());
  }

  @Test
  void wildcardsCountByWhatIsInThemNotByWhereTheyLie() {
    GenerationSettings here =
        BASE.toBuilder().templates(new TemplateSettings(true, "/here", "ab".repeat(32))).build();

    assertThat(
            BASE.toBuilder()
                .templates(new TemplateSettings(true, "/there", "ab".repeat(32)))
                .build()
                .toJson())
        .isEqualTo(here.toJson());
    assertThat(
            BASE.toBuilder()
                .templates(new TemplateSettings(true, "/here", "cd".repeat(32)))
                .build()
                .toJson())
        .isNotEqualTo(here.toJson());
    assertThat(BASE.toJson().has("wildcards_sha256")).isFalse();
  }

  @Test
  void namesTheValueThatIsOutOfRange() {
    assertThatThrownBy(() -> BASE.toBuilder().maxFailureRatio(1.5).build())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("maxFailureRatio must be in [0, 1], but was 1.5");
    assertThatThrownBy(() -> BASE.toBuilder().seed(-1).build())
        .hasMessage("seed must be in [0, 4294967295], but was -1");
    assertThatThrownBy(() -> BASE.toBuilder().manifestFormats(List.of()).build())
        .hasMessageContaining("manifestFormat must be at least one format");
    assertThatThrownBy(() -> ManifestFormat.fromOption("csv"))
        .hasMessage("manifestFormat must be one of avro, parquet, jsonl, but was \"csv\"");
    assertThatThrownBy(() -> BASE.toBuilder().imageQuality(0).build())
        .hasMessage("imageQuality must be in [1, 100], but was 0");
    assertThatThrownBy(() -> BASE.toBuilder().imageQuality(101).build())
        .hasMessage("imageQuality must be in [1, 100], but was 101");
  }

  @Test
  void comesBackFromItsJson() {
    for (GenerationSettings settings :
        List.of(
            TestSettings.builder().build(),
            TestSettings.builder()
                .sampling(new Sampling(SchedulerKind.DDIM, 7, 7.45f, 640, 8))
                .negativePrompt("\"blurry\" 猫")
                .additions(additions(lora("a", "ab", 0.7f), lora("b", "cd", -1)))
                .seed(Seeds.MAX)
                .seedPolicy(SeedPolicy.JAX_SPLIT)
                .imagesPerPrompt(8)
                .imageFormat(ImageFormat.JPEG)
                .imageQuality(70)
                .layout(Layout.FILES)
                .shardSize(17)
                .manifestFormats(List.of(ManifestFormat.JSONL, ManifestFormat.AVRO))
                .saveAdditionalColumns(false)
                .templates(new TemplateSettings(true, "", "ab".repeat(32)))
                .build())) {
      assertThat(GenerationSettings.fromJson(settings.toJson())).isEqualTo(settings);
    }
  }

  @Test
  void takesNoJsonThatItDoesNotWrite() {
    ObjectNode json = TestSettings.builder().build().toJson();

    assertThatThrownBy(() -> GenerationSettings.fromJson(json.deepCopy().put("steps", 21)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("config_fingerprint must be \"");
    assertThatThrownBy(() -> GenerationSettings.fromJson(json.deepCopy().put("more", 1)))
        .hasMessage("more must be absent, but is 1");
    assertThatThrownBy(() -> GenerationSettings.fromJson(json.deepCopy().put("seed", "0")))
        .hasMessage("seed must be 0, but is \"0\"");
    assertThatThrownBy(() -> GenerationSettings.fromJson(json.deepCopy().without("layout")))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> GenerationSettings.fromJson(json.objectNode()))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
