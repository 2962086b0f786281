package io.shardlight.transforms;

import io.shardlight.data.CanonicalJson;
import io.shardlight.data.DigitalSource;
import io.shardlight.data.Example;
import io.shardlight.data.GenerationSettings;
import io.shardlight.data.SeedPolicy;
import io.shardlight.diffusion.scheduler.SchedulerKind;
import java.util.Locale;

/** What an image file says about how it was made, in the words of other tools. */
final class ImageMetadata {
  private ImageMetadata() {}

  /**
   * The text that AUTOMATIC1111's web UI writes and reads: prompt, negative prompt, and a line of
   * settings.
   */
  static String parameters(Example example, GenerationSettings settings) {
    StringBuilder text = new StringBuilder(example.prompt());
    if (!example.negativePrompt().isEmpty()) {
      text.append("\nNegative prompt: ").append(example.negativePrompt());
    }
    text.append("\nSteps: ").append(example.sampling().steps());
    text.append(", Sampler: ").append(sampler(example.sampling().scheduler()));
    text.append(", CFG scale: ")
        .append(CanonicalJson.shortest(example.sampling().guidanceScale()).toPlainString());
    text.append(", Seed: ").append(example.seed());
    text.append(", Size: ")
        .append(example.sampling().widthPixels())
        .append('x')
        .append(example.sampling().heightPixels());
    String hash = settings.model().sha256();
    text.append(", Model hash: ").append(hash, 0, Math.min(10, hash.length()));
    text.append(", Model: ").append(quote(settings.model().id()));
    if (!settings.additions().loras().isEmpty()) {
      text.append(", LoRA: ").append(quote(settings.additions().lorasAsOption()));
    }
    settings.additions().vae().forEach(vae -> text.append(", VAE: ").append(quote(vae.name())));
    if (settings.seedPolicy() == SeedPolicy.JAX_SPLIT) {
      text.append(
          String.format(
              Locale.ROOT,
              ", Noise key: %08x%08x",
              example.noiseKey().high(),
              example.noiseKey().low()));
    }
    text.append(", Version: ").append(quote("Shardlight " + settings.pipelineVersion()));
    return text.toString();
  }

  /**
   * The web UI's names; its PLMS is pseudo numerical linear multi-step, diffusers' PNDM. Since 1.9
   * it writes "Schedule type: Karras" beside the sampler, and reads the older name as that.
   */
  private static String sampler(SchedulerKind scheduler) {
    return switch (scheduler) {
      case PNDM -> "PLMS";
      case DDIM -> "DDIM";
      case LMS -> "LMS";
      case EULER -> "Euler";
      case EULER_A -> "Euler a";
      case DPMPP_2M -> "DPM++ 2M";
      case DPMPP_2M_KARRAS -> "DPM++ 2M Karras";
    };
  }

  /** As the web UI quotes values that would break its line. */
  private static String quote(String value) {
    boolean plain = value.indexOf(',') < 0 && value.indexOf(':') < 0 && value.indexOf('\n') < 0;
    return plain
        ? value
        : CanonicalJson.write(com.fasterxml.jackson.databind.node.TextNode.valueOf(value));
  }

  /** An XMP packet that holds IPTC's digital source type, the mark of generated pictures. */
  static String xmp() {
    return DigitalSource.xmp();
  }
}
