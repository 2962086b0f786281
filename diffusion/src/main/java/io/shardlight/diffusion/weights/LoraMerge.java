package io.shardlight.diffusion.weights;

import io.shardlight.diffusion.graph.Graph;
import io.shardlight.diffusion.graph.Node;
import io.shardlight.diffusion.graph.ParameterSource;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Finds which weights of a model the layers of LoRAs change. Every naming is brought to one: the
 * component, and the module's path with underscores for dots, as kohya's trainer has it.
 */
public final class LoraMerge {
  private static final String TEXT_ENCODER = "text_encoder";
  private static final String UNET = "unet";

  /** Beginnings of names, and the component; the first that fits. Without one it is the UNet. */
  private static final Map<String, String> PREFIXES = prefixes();

  /** Models that such beginnings belong to. */
  private static final Map<String, String> OTHER_MODELS =
      Map.of(
          "lora_te2_", "Stable Diffusion XL (a second text encoder)",
          "text_encoder_2.", "Stable Diffusion XL (a second text encoder)",
          "lora_te3_", "Stable Diffusion 3 (a third text encoder)",
          "transformer.", "a transformer (Stable Diffusion 3, Flux)",
          "lora_transformer_", "a transformer (Stable Diffusion 3, Flux)",
          "lora_unet_double_blocks", "Flux",
          "lora_unet_single_blocks", "Flux");

  /** {@code ….attn1.processor.to_q_lora}, {@code ….self_attn.to_q_lora}. */
  private static final Pattern PROCESSOR =
      Pattern.compile("(.+?)(?:\\.processor)?\\.to_(q|k|v|out)_lora");

  /** How wide a token of the prompt is in the models that LoRAs are made for. */
  private static final Map<Long, String> PROMPT_WIDTHS =
      Map.of(
          768L,
          "Stable Diffusion 1.x",
          1024L,
          "Stable Diffusion 2.x",
          2048L,
          "Stable Diffusion XL");

  private LoraMerge() {}

  private static Map<String, String> prefixes() {
    Map<String, String> prefixes = new LinkedHashMap<>();
    prefixes.put("lora_unet_", UNET);
    prefixes.put("lora_te_", TEXT_ENCODER);
    prefixes.put("lora_te1_", TEXT_ENCODER);
    prefixes.put("unet.", UNET);
    prefixes.put("text_encoder.", TEXT_ENCODER);
    return prefixes;
  }

  /** A weight that can be changed. */
  private record Target(String component, String parameter, List<Long> shape) {}

  /**
   * The weights with LoRAs added.
   *
   * @param weights by component
   * @param graphs of the components that LoRAs may change, by component
   * @param loras in the order in which they are added
   * @throws LoraException if a file is no LoRA for these graphs, naming the layers that do not fit
   * @throws MalformedWeightsException if a file is damaged
   */
  public static Map<String, ParameterSource> merge(
      Map<String, ? extends ParameterSource> weights, Map<String, Graph> graphs, List<Lora> loras)
      throws IOException {
    Map<String, Target> targets = targets(graphs);
    Map<String, Map<String, List<MergedWeights.Change>>> changes = new HashMap<>();
    List<String> fingerprints = new ArrayList<>();
    for (Lora lora : loras) {
      LoraFile file = LoraFile.read(lora.file());
      fingerprints.add(file.fingerprint() + "*" + lora.scale());
      find(file, targets)
          .forEach(
              (layer, target) ->
                  changes
                      .computeIfAbsent(target.component, c -> new HashMap<>())
                      .computeIfAbsent(target.parameter, p -> new ArrayList<>())
                      .add(
                          new MergedWeights.Change(
                              layer, (float) (lora.scale() * layer.factor()))));
    }
    Map<String, ParameterSource> merged = new LinkedHashMap<>(weights);
    changes.forEach(
        (component, added) ->
            merged.computeIfPresent(
                component,
                (c, base) -> new MergedWeights(base, added, String.join("+", fingerprints))));
    return merged;
  }

  private static Map<String, Target> targets(Map<String, Graph> graphs) {
    Map<String, Target> targets = new HashMap<>();
    graphs.forEach(
        (component, graph) -> {
          for (Map.Entry<String, Node> parameter : graph.parameters().entrySet()) {
            String name = parameter.getKey();
            if (name.endsWith(".weight") && parameter.getValue().shape().dimension() >= 2) {
              String module = name.substring(0, name.length() - ".weight".length());
              List<Long> shape =
                  LoraFile.withoutTrailingOnes(LoraFile.dimensions(parameter.getValue().shape()));
              targets.put(key(component, module), new Target(component, name, shape));
            }
          }
        });
    return targets;
  }

  /** The text model's own level is left out, as transformers 5 leaves it out of its names. */
  private static String key(String component, String module) {
    String underscored = module.replace('.', '_');
    String textModel = "text_model_";
    return component
        + "/"
        + (component.equals(TEXT_ENCODER) && underscored.startsWith(textModel)
            ? underscored.substring(textModel.length())
            : underscored);
  }

  private static Map<LoraFile.Layer, Target> find(LoraFile file, Map<String, Target> targets)
      throws LoraException {
    Map<LoraFile.Layer, Target> found = new LinkedHashMap<>();
    List<String> unknown = new ArrayList<>();
    List<String> misshapen = new ArrayList<>();
    Map<Target, String> taken = new HashMap<>();
    for (LoraFile.Layer layer : file.layers()) {
      @Nullable Target target = targets.get(key(layer.stem()));
      if (target == null) {
        unknown.add(layer.stem());
      } else if (!layer.weightShape().equals(target.shape)) {
        misshapen.add(
            layer.stem()
                + " is for a weight of "
                + layer.weightShape()
                + ", but the model's is "
                + target.shape);
      } else {
        @Nullable String twin = taken.put(target, layer.stem());
        if (twin != null) {
          throw new LoraException(
              file.file(),
              "changes one weight twice",
              List.of(twin, layer.stem()),
              "download or save it again");
        }
        found.put(layer, target);
      }
    }
    refuse(file, targets, unknown, misshapen);
    return found;
  }

  private static String key(String stem) {
    for (Map.Entry<String, String> prefix : PREFIXES.entrySet()) {
      if (stem.startsWith(prefix.getKey())) {
        return key(prefix.getValue(), module(prefix.getValue(), stem, prefix.getKey().length()));
      }
    }
    return key(UNET, module(UNET, stem, 0));
  }

  private static String module(String component, String stem, int start) {
    String module = stem.substring(start);
    Matcher processor = PROCESSOR.matcher(module);
    if (!processor.matches()) {
      return module;
    }
    String word = processor.group(2);
    String leaf =
        component.equals(TEXT_ENCODER)
            ? word + "_proj"
            : "to_" + (word.equals("out") ? "out.0" : word);
    return processor.group(1) + "." + leaf;
  }

  private static void refuse(
      LoraFile file, Map<String, Target> targets, List<String> unknown, List<String> misshapen)
      throws LoraException {
    if (!unknown.isEmpty()) {
      for (String stem : unknown) {
        Optional<String> model =
            OTHER_MODELS.entrySet().stream()
                .filter(entry -> stem.startsWith(entry.getKey()))
                .map(Map.Entry::getValue)
                .findFirst();
        if (model.isPresent()) {
          throw new LoraException(
              file.file(),
              "was made for " + model.get() + ", as its layers show",
              unknown,
              "take one for Stable Diffusion 1.x or 2.x, as the model is");
        }
      }
      throw new LoraException(
          file.file(),
          unknown.size()
              + " of its "
              + file.layers().size()
              + " layers match no weight of the model",
          unknown,
          otherFamily(file, targets)
              .orElse(
                  "take a LoRA for this model, named as kohya's trainer or diffusers name them"));
    }
    if (!misshapen.isEmpty()) {
      throw new LoraException(
          file.file(),
          misshapen.size()
              + " of its "
              + file.layers().size()
              + " layers have other shapes than the model's weights",
          misshapen,
          otherFamily(file, targets).orElse("take a LoRA that was made for this model"));
    }
  }

  /**
   * What the LoRA was made for, if that is another family than the model: the width of a prompt's
   * token, of which attention to the prompt makes keys, tells.
   */
  private static Optional<String> otherFamily(LoraFile file, Map<String, Target> targets) {
    for (LoraFile.Layer layer : file.layers()) {
      @Nullable Target target = targets.get(key(layer.stem()));
      if (target != null && target.parameter.contains("attn2.to_k")) {
        @Nullable String made = PROMPT_WIDTHS.get(layer.weightShape().get(1));
        @Nullable String model = PROMPT_WIDTHS.get(target.shape.get(1));
        if (made != null && !layer.weightShape().get(1).equals(target.shape.get(1))) {
          return Optional.of(
              "it was made for "
                  + made
                  + ", but the model is "
                  + (model == null ? "another" : model)
                  + "; take one that was made for it");
        }
      }
    }
    return Optional.empty();
  }
}
