package io.shardlight.diffusion.safety;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import com.fasterxml.jackson.databind.JsonNode;
import io.shardlight.diffusion.graph.ParameterData;
import io.shardlight.diffusion.graph.ParameterSource;
import io.shardlight.diffusion.weights.ModelDirectory;
import io.shardlight.diffusion.weights.Weights;
import io.shardlight.fixtures.Golden;
import io.shardlight.fixtures.NpyArray;
import io.shardlight.fixtures.TinyModels;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Against diffusers' StableDiffusionSafetyChecker, with thresholds as they are and lowered. */
class ConceptThresholdsTest {
  private static final NpyArray EMBEDS = Golden.array("tiny/safety_image_embeds.npy");

  /** The tiny model's concepts, with lower thresholds. */
  private record Lowered(ParameterSource weights, double specialShift, double shift)
      implements ParameterSource {
    @Override
    public ParameterData get(String name) {
      ParameterData data = weights.get(name);
      return switch (name) {
        case "special_care_embeds_weights" -> changed(data, specialShift);
        case "concept_embeds_weights" -> changed(data, shift);
        default -> data;
      };
    }

    private static ParameterData changed(ParameterData data, double shift) {
      float[] values = values(data);
      for (int i = 0; i < values.length; i++) {
        values[i] -= (float) shift;
      }
      return new Values(data.name(), data.shape(), values);
    }

    @Override
    public String fingerprint() {
      return "";
    }
  }

  @SuppressWarnings("ArrayRecordComponent") // Never compared.
  private record Values(String name, Shape shape, float[] values) implements ParameterData {
    @Override
    public DataType dataType() {
      return DataType.FLOAT32;
    }

    @Override
    public Optional<FileRegion> region() {
      return Optional.empty();
    }

    @Override
    public void read(long start, FloatBuffer target) {
      target.put(values, (int) start, target.remaining());
    }
  }

  private static float[] values(ParameterData data) {
    float[] values = new float[Math.toIntExact(data.shape().size())];
    data.read(0, FloatBuffer.wrap(values));
    return values;
  }

  private static ConceptThresholds lowered(Path model, double specialShift, double shift)
      throws Exception {
    Weights weights = ModelDirectory.open(model).weights("safety_checker");
    return ConceptThresholds.read(new Lowered(weights, specialShift, shift));
  }

  @Test
  void cosinesEqualDiffusers() throws Exception {
    Weights weights = ModelDirectory.open(TinyModels.torch()).weights("safety_checker");
    for (Map.Entry<String, String> golden :
        Map.of(
                "concept_embeds", "tiny/safety_cos.npy",
                "special_care_embeds", "tiny/safety_special_cos.npy")
            .entrySet()) {
      float[] concepts = values(weights.get(golden.getKey()));
      NpyArray cosines = Golden.array(golden.getValue());
      int width = EMBEDS.shape()[1];
      for (int image = 0; image < EMBEDS.shape()[0]; image++) {
        for (int i = 0; i < concepts.length / width; i++) {
          float[] concept = Arrays.copyOfRange(concepts, i * width, (i + 1) * width);
          float wanted = cosines.at(image).floats()[i];
          assertThat(
                  Math.abs(ConceptThresholds.cosine(EMBEDS.at(image).floats(), concept) - wanted))
              .as("%s %d of image %d", golden.getKey(), i, image)
              .isLessThan(1e-6f);
        }
      }
    }
  }

  static List<Path> models() {
    return List.of(TinyModels.torch(), TinyModels.flax());
  }

  /** What the pipeline of diffusers 0.5.1 found. */
  @ParameterizedTest
  @MethodSource("models")
  void findsWhatThePipelineFound(Path model) throws Exception {
    Iterator<Map.Entry<String, JsonNode>> cases =
        Golden.json("tiny/safety_threshold_shift.json").fields();
    int found = 0;
    while (cases.hasNext()) {
      Map.Entry<String, JsonNode> golden = cases.next();
      ConceptThresholds thresholds = lowered(model, 0, Double.parseDouble(golden.getKey()));
      for (int image = 0; image < 8; image++) {
        boolean flagged = thresholds.score(EMBEDS.at(image).floats()).isFlagged();
        assertThat(flagged)
            .as("image %d, thresholds lowered by %s", image, golden.getKey())
            .isEqualTo(golden.getValue().get(image).asBoolean());
        found += flagged ? 1 : 0;
      }
    }
    assertThat(found).isEqualTo(2 + 6 + 8);
  }

  /** Special-care concepts raise the scores after them, by 0.01 once. */
  @Test
  void scoresEqualDiffusersWithSpecialCare() throws Exception {
    int compared = 0;
    for (JsonNode golden : Golden.json("safety/scores.json").get("cases")) {
      ConceptThresholds thresholds =
          lowered(
              TinyModels.torch(),
              golden.get("special_shift").asDouble(),
              golden.get("shift").asDouble());
      for (int image = 0; image < 8; image++) {
        double largest = Double.NEGATIVE_INFINITY;
        for (JsonNode score : golden.get("concept_scores").get(image)) {
          largest = Math.max(largest, score.asDouble());
        }
        SafetyScore score = thresholds.score(EMBEDS.at(image).floats());

        assertThat(score.value()).isEqualTo(largest);
        assertThat(score.isFlagged()).isEqualTo(golden.get("has_nsfw").get(image).asBoolean());
        compared++;
      }
    }
    assertThat(compared).isEqualTo(56);
  }

  /** One concept and no special care: the embedding's cosine with it is its first element. */
  private static SafetyScore score(float cosine, float threshold) {
    Map<String, Values> weights =
        Map.of(
            "concept_embeds", new Values("", new Shape(1, 2), new float[] {1, 0}),
            "concept_embeds_weights", new Values("", new Shape(1), new float[] {threshold}),
            "special_care_embeds", new Values("", new Shape(1, 2), new float[] {1, 0}),
            "special_care_embeds_weights", new Values("", new Shape(1), new float[] {1}));
    ParameterSource source =
        new ParameterSource() {
          @Override
          public ParameterData get(String name) {
            return Optional.ofNullable(weights.get(name)).orElseThrow();
          }

          @Override
          public String fingerprint() {
            return "";
          }
        };
    float rest = (float) Math.sqrt(1 - (double) cosine * cosine);
    return ConceptThresholds.read(source).score(new float[] {cosine, rest});
  }

  @Test
  void roundsToThreeDigitsBeforeItCompares() {
    assertThat(score(0.5f, 0.4996f)).isEqualTo(new SafetyScore(0));
    assertThat(score(0.5f, 0.4996f).isFlagged()).isFalse();
    assertThat(score(0.5f, 0.4994f)).isEqualTo(new SafetyScore(0.001));
    assertThat(score(0.5f, 0.4994f).isFlagged()).isTrue();
    assertThat(score(0.5f, 0.7f)).isEqualTo(new SafetyScore(-0.2));
  }

  /** Else a checker with damaged weights would let everything pass. */
  @Test
  void valuesThatAreNoNumbersAreNotTakenForHarmless() {
    assertThatThrownBy(() -> score(Float.NaN, 0.5f))
        .isInstanceOf(ArithmeticException.class)
        .hasMessageContaining("NaN");
  }
}
