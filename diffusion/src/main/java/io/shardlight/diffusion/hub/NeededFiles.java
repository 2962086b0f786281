package io.shardlight.diffusion.hub;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;
import java.util.regex.Pattern;

/**
 * Which files of a model are worth bringing: configurations, tokenizer, card, and the weights in
 * one format. Decides by names alone, which is all a list of files has; what of them is read is up
 * to {@link io.shardlight.diffusion.weights.ModelDirectory}, whose order of preference this is.
 *
 * @param description all but weights; small
 * @param weights of all components
 */
public record NeededFiles(List<String> description, List<String> weights) {
  /** Without these no image can be made. */
  private static final List<String> REQUIRED = List.of("text_encoder", "unet", "vae");

  /** Of every model, beside its components. */
  private static final List<String> ALWAYS =
      List.of(
          "model_index.json",
          "scheduler/scheduler_config.json",
          "tokenizer/merges.txt",
          "tokenizer/vocab.json");

  private static final List<String> COMPONENTS =
      List.of("text_encoder", "unet", "vae", "safety_checker");

  private static final Pattern DESCRIPTION =
      Pattern.compile(
          "model_index\\.json|generation_config\\.json|README\\.md|LICEN[CS]E[^/]*"
              + "|(text_encoder|unet|vae|safety_checker)/config\\.json"
              + "|scheduler/scheduler_config\\.json"
              + "|tokenizer/[^/]+\\.(json|txt)"
              + "|feature_extractor/preprocessor_config\\.json");

  /** Under these names diffusers and transformers save weights; the first that is there counts. */
  private static final List<String> TORCH_STEMS = List.of("diffusion_pytorch_model", "model");

  private static final String PART = "-[0-9]{5}-of-[0-9]{5}";
  private static final List<Pattern> FLAX =
      List.of(
          Pattern.compile("diffusion_flax_model\\.msgpack"),
          Pattern.compile("flax_model\\.msgpack"));

  /** A component's weights in one piece, else in several with an index. */
  private static List<Pattern> torch(Optional<String> variant) {
    String dotted = variant.map(v -> "\\." + Pattern.quote(v)).orElse("");
    List<Pattern> forms = new ArrayList<>();
    for (String stem : TORCH_STEMS) {
      forms.add(Pattern.compile(stem + dotted + "\\.safetensors"));
      // The variant stands before the number of the part, or behind it in older files.
      forms.add(
          Pattern.compile(
              stem
                  + "(\\.safetensors\\.index"
                  + dotted
                  + "\\.json|"
                  + dotted
                  + PART
                  + "\\.safetensors|"
                  + PART
                  + dotted
                  + "\\.safetensors)"));
    }
    return forms;
  }

  /**
   * Chooses.
   *
   * @param names of all files there are
   * @param variant of the weights that is asked for, for example {@code fp16}; without one, full
   *     precision, and {@code fp16} of what has nothing else
   * @throws IllegalArgumentException if they make no model that can be used, saying why
   */
  public static NeededFiles of(Collection<String> names, Optional<String> variant) {
    TreeSet<String> sorted = new TreeSet<>(names);
    if (!sorted.contains("model_index.json")) {
      throw new IllegalArgumentException(
          "not a model in diffusers' layout, as it has no model_index.json; give one that has,"
              + " such as CompVis/stable-diffusion-v1-4");
    }
    List<List<Pattern>> frameworks =
        variant.isPresent() ? List.of(torch(variant)) : List.of(torch(), FLAX);
    for (List<Pattern> framework : frameworks) {
      if (REQUIRED.stream().allMatch(c -> !weights(sorted, c, framework).isEmpty())) {
        TreeSet<String> chosen = new TreeSet<>();
        COMPONENTS.forEach(component -> chosen.addAll(weights(sorted, component, framework)));
        return new NeededFiles(description(sorted), List.copyOf(chosen));
      }
    }
    throw new IllegalArgumentException(unusable(sorted, variant));
  }

  /** What no model can do without, of which there is nothing; weights by their component. */
  static List<String> missing(Collection<String> names) {
    TreeSet<String> sorted = new TreeSet<>(names);
    List<String> missing = new ArrayList<>();
    for (String file : ALWAYS) {
      if (!sorted.contains(file)) {
        missing.add(file);
      }
    }
    for (String component : REQUIRED) {
      if (!sorted.contains(component + "/config.json")) {
        missing.add(component + "/config.json");
      }
      if (weights(sorted, component, torch()).isEmpty()
          && weights(sorted, component, FLAX).isEmpty()) {
        missing.add("weights of " + component);
      }
    }
    return missing;
  }

  /** What a tokenizer is read from. */
  public static List<String> ofTokenizer(Collection<String> names) {
    return description(new TreeSet<>(names)).stream()
        .filter(name -> name.startsWith("tokenizer/"))
        .toList();
  }

  private static List<String> description(TreeSet<String> names) {
    return names.stream().filter(name -> DESCRIPTION.matcher(name).matches()).toList();
  }

  /** Those of the first form that there is; none if there is none. */
  private static List<String> weights(
      TreeSet<String> names, String component, List<Pattern> forms) {
    String folder = component + "/";
    for (Pattern form : forms) {
      List<String> found =
          names.stream()
              .filter(name -> name.startsWith(folder))
              .filter(name -> form.matcher(name.substring(folder.length())).matches())
              .toList();
      if (!found.isEmpty()) {
        return found;
      }
    }
    return List.of();
  }

  /** Full precision, else fp16. */
  private static List<Pattern> torch() {
    List<Pattern> forms = new ArrayList<>(torch(Optional.empty()));
    forms.addAll(torch(Optional.of("fp16")));
    return forms;
  }

  private static String unusable(TreeSet<String> names, Optional<String> variant) {
    if (variant.isPresent()) {
      return "not every one of "
          + String.join(", ", REQUIRED)
          + " has weights of variant "
          + variant.get()
          + " in safetensors; leave --variant out, or give one that is there";
    }
    List<String> without =
        REQUIRED.stream()
            .filter(c -> weights(names, c, torch()).isEmpty() && weights(names, c, FLAX).isEmpty())
            .toList();
    boolean pickled = names.stream().anyMatch(n -> n.endsWith(".bin") || n.endsWith(".ckpt"));
    return (without.isEmpty()
            ? "its components have weights, but not all in one format"
            : "no weights in safetensors or Flax msgpack for " + String.join(", ", without))
        + (pickled
            ? "; pickled .bin and .ckpt files are never read because they can run code: look for a"
                + " revision with safetensors, or convert it by"
                + " pipeline.save_pretrained(folder, safe_serialization=True)"
            : "; give another model or revision");
  }

  /** All of them. */
  public List<String> all() {
    List<String> all = new ArrayList<>(description);
    all.addAll(weights);
    return all;
  }
}
