package io.shardlight.transforms;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.shardlight.data.AdditionsIdentity;
import io.shardlight.data.Example;
import io.shardlight.data.ExamplePlanner;
import io.shardlight.data.GenerationSettings;
import io.shardlight.data.ModelIdentity;
import io.shardlight.data.Overrides;
import io.shardlight.data.OverridesBuilder;
import io.shardlight.data.Prompt;
import io.shardlight.data.PromptSource;
import io.shardlight.data.SeedPolicy;
import io.shardlight.data.TestSettings;
import io.shardlight.diffusion.scheduler.SchedulerKind;
import java.io.ByteArrayInputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.w3c.dom.Document;

class ImageMetadataTest {
  @Test
  void parametersReadAsTheWebUiWritesThem() {
    Overrides own =
        new OverridesBuilder().seed(7).negativePrompt("blurry").guidanceScale(7.1f).build();

    assertThat(parameters(TestSettings.builder().build(), own))
        .isEqualTo(
            "a red fox\n"
                + "Negative prompt: blurry\n"
                + "Steps: 20, Sampler: PLMS, CFG scale: 7.1, Seed: 7, Size: 64x64, Model hash:"
                + " ababababab, Model: tiny-sd, Version: Shardlight 0.1.0");
  }

  @ParameterizedTest
  @CsvSource({
    "PNDM, PLMS",
    "DDIM, DDIM",
    "LMS, LMS",
    "EULER, Euler",
    "EULER_A, Euler a",
    "DPMPP_2M, DPM++ 2M",
    "DPMPP_2M_KARRAS, DPM++ 2M Karras"
  })
  void samplersHaveTheWebUisNames(SchedulerKind scheduler, String name) {
    assertThat(
            parameters(
                TestSettings.builder().build(),
                new OverridesBuilder().scheduler(scheduler).build()))
        .contains(", Sampler: " + name + ", CFG scale: ");
  }

  @Test
  void withoutNegativePromptItsLineIsLeftOut() {
    assertThat(parameters(TestSettings.builder().build(), Overrides.NONE))
        .startsWith("a red fox\nSteps: 20, ");
  }

  @Test
  void aSplitKeyIsToldBecauseTheSeedAloneDoesNotGiveIt() {
    assertThat(
            parameters(
                TestSettings.builder().seedPolicy(SeedPolicy.JAX_SPLIT).imagesPerPrompt(8).build(),
                Overrides.NONE))
        .contains(", Seed: 0,", ", Noise key: 88a71f30f8cfa2d2,");
  }

  @Test
  void valuesThatWouldBreakTheLineAreQuoted() {
    GenerationSettings settings =
        TestSettings.builder()
            .model(new ModelIdentity("models, old: v1", "", "ab".repeat(32), ""))
            .build();

    assertThat(parameters(settings, Overrides.NONE)).contains(", Model: \"models, old: v1\", ");
  }

  @Test
  void additionsAreToldAsTheCommandTakesThem() {
    GenerationSettings settings =
        TestSettings.builder()
            .additions(
                AdditionsIdentity.of(
                    List.of(
                        new AdditionsIdentity.Lora("ink.safetensors", "ab".repeat(32), 0.8f),
                        new AdditionsIdentity.Lora("fox.safetensors", "cd".repeat(32), 1)),
                    Optional.of(new AdditionsIdentity.Vae("sd-vae-ft-mse", "ef".repeat(32)))))
            .build();

    assertThat(parameters(settings, Overrides.NONE))
        .contains(
            ", Model: tiny-sd, LoRA: \"ink.safetensors:0.8,fox.safetensors:1\", VAE:"
                + " sd-vae-ft-mse, Version: ");
  }

  @Test
  void xmpMarksThePictureAsGenerated() throws Exception {
    DocumentBuilderFactory factory = DocumentBuilderFactory.newInstance();
    factory.setNamespaceAware(true);
    Document document =
        factory
            .newDocumentBuilder()
            .parse(new ByteArrayInputStream(ImageMetadata.xmp().getBytes(UTF_8)));

    assertThat(
            document
                .getElementsByTagNameNS(
                    "http://iptc.org/std/Iptc4xmpExt/2008-02-29/", "DigitalSourceType")
                .item(0)
                .getTextContent())
        .isEqualTo("http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia");
  }

  private static String parameters(GenerationSettings settings, Overrides own) {
    PromptSource source = new PromptSource("p.txt", 1);
    List<Example> examples = new ArrayList<>();
    new ExamplePlanner(settings)
        .plan(new Prompt(source, "p.txt:1", "a red fox", own, Map.of()), examples::add);
    return ImageMetadata.parameters(examples.get(0), settings);
  }
}
