package io.shardlight.diffusion.weights;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * peft's configuration of a LoRA, which diffusers since 0.34 keeps in the file's head instead of an
 * alpha with each layer: {@code unet.lora_alpha}, {@code unet.alpha_pattern}, {@code
 * unet.use_rslora}, and the same for {@code text_encoder}.
 */
final class LoraMetadata {
  private static final String KEY = "lora_adapter_metadata";
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Path file;
  private final JsonNode config;

  private LoraMetadata(Path file, JsonNode config) {
    this.file = file;
    this.config = config;
  }

  /**
   * @param metadata of the safetensors file
   * @throws LoraException if it asks for more than plain LoRA
   */
  static LoraMetadata of(Path file, Map<String, String> metadata) throws LoraException {
    @Nullable String text = metadata.get(KEY);
    if (text == null) {
      return new LoraMetadata(file, JsonNodeFactory.instance.objectNode());
    }
    JsonNode config;
    try {
      config = JSON.readTree(text);
    } catch (JsonProcessingException e) {
      throw new LoraException(
          file, "has " + KEY + " that is not JSON", List.of(), "download or save it again");
    }
    for (String component : List.of("unet", "text_encoder")) {
      for (String flag : List.of("use_dora", "lora_bias", "use_qalora", "use_bdlora")) {
        String name = component + "." + flag;
        if (config.path(name).asBoolean()) {
          throw new LoraException(
              file,
              "asks for more than a plain LoRA",
              List.of(name + " is true"),
              "merge it into the checkpoint with the tool that made it");
        }
      }
    }
    return new LoraMetadata(file, config);
  }

  /** alpha / rank, or alpha / √rank if the LoRA was trained so; alpha is the rank by default. */
  double factor(String stem, long rank) throws LoraException {
    String component = stem.startsWith("text_encoder.") ? "text_encoder." : "unet.";
    String module = stem.startsWith(component) ? stem.substring(component.length()) : stem;
    JsonNode alpha = config.path(component + "lora_alpha");
    for (Map.Entry<String, JsonNode> entry :
        config.path(component + "alpha_pattern").properties()) {
      if (names(entry.getKey(), module)) {
        alpha = entry.getValue();
        break;
      }
    }
    if (alpha.isMissingNode()) {
      return 1;
    }
    if (!alpha.isNumber() || !Double.isFinite(alpha.doubleValue())) {
      throw new LoraException(
          file,
          "has a lora_alpha that is not a number",
          List.of(stem + ": " + alpha),
          "download or save it again");
    }
    boolean stabilised = config.path(component + "use_rslora").asBoolean();
    return alpha.doubleValue() / (stabilised ? Math.sqrt((double) rank) : (double) rank);
  }

  /**
   * Whether a pattern, which peft holds to the end of a module's name from one of its dots on,
   * means a module. Those that diffusers writes are names; {@code ^} stands for the beginning.
   */
  private boolean names(String pattern, String module) throws LoraException {
    if (pattern.matches("\\^?[A-Za-z0-9_.]+\\$?")) {
      String name = pattern.replaceAll("[\\^$]", "");
      return module.equals(name) || (!pattern.startsWith("^") && module.endsWith("." + name));
    }
    throw new LoraException(
        file,
        "has an alpha_pattern that is no module's name",
        List.of(pattern),
        "merge it into the checkpoint with the tool that made it");
  }
}
