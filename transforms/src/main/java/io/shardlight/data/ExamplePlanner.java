package io.shardlight.data;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.shardlight.diffusion.random.JaxRandom;
import io.shardlight.diffusion.random.PrngKey;
import io.shardlight.diffusion.random.ThreefryMode;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Consumer;

/**
 * Turns a prompt into the examples it asks for: ids, seeds, noise keys, defaults. A template is
 * expanded afresh for each image, and the id is of what it became.
 *
 * <p>{@link SeedPolicy#PER_IMAGE}: a prompt without a seed takes {@link Seeds#ofPrompt}; image
 * <i>i</i> has seed {@code seed + i} modulo 2³² and noise key {@code PRNGKey(seed + i)}.
 *
 * <p>{@link SeedPolicy#JAX_SPLIT}: a prompt without a seed takes the <i>run seed itself</i>, so
 * that run seed 0 and eight images give the keys of the original program, {@code split(PRNGKey(0),
 * 8)}; all its prompts then share their noise, as they did there. The seed in the manifest is the
 * prompt's, and image index and number of images give the key.
 *
 * <p>The id is the first 128 bits of the SHA-256 of a canonical JSON object: fingerprint, prompt,
 * negative prompt, all sampling values once resolved, seed, noise key and image index. A record
 * that spells out a default therefore names the same image as one that leaves it out.
 */
public final class ExamplePlanner {
  private final GenerationSettings settings;
  private final String fingerprint;
  private final PromptExpansion expansion;

  /** A planner of prompts that stay as typed. */
  public ExamplePlanner(GenerationSettings settings) {
    this(settings, PromptExpansion.NONE);
  }

  public ExamplePlanner(GenerationSettings settings, PromptExpansion expansion) {
    this.settings = settings;
    this.expansion = expansion;
    this.fingerprint = settings.configFingerprint();
  }

  /** Hands every example of a prompt to {@code output}, in order of image index. */
  public void plan(Prompt prompt, Consumer<Example> output) {
    Overrides own = prompt.overrides();
    int images = own.images().orElse(settings.imagesPerPrompt());
    switch (settings.seedPolicy()) {
      case PER_IMAGE -> {
        long first = own.seed().orElseGet(() -> Seeds.ofPrompt(settings.seed(), prompt.id()));
        for (int i = 0; i < images; i++) {
          long seed = Seeds.plus(first, i);
          output.accept(example(prompt, i, seed, PrngKey.ofSeed(seed)));
        }
      }
      case JAX_SPLIT -> {
        long seed = own.seed().orElse(settings.seed());
        PrngKey[] keys = JaxRandom.split(PrngKey.ofSeed(seed), images, ThreefryMode.ORIGINAL);
        for (int i = 0; i < images; i++) {
          output.accept(example(prompt, i, seed, keys[i]));
        }
      }
    }
  }

  private Example example(Prompt prompt, int imageIndex, long seed, PrngKey noiseKey) {
    Sampling sampling = prompt.overrides().over(settings.sampling());
    PromptExpansion.Expanded expanded = expansion.of(prompt, imageIndex);
    String negative = expanded.negativePrompt().orElse(settings.negativePrompt());
    return new Example(
        id(fingerprint, expanded.text(), negative, sampling, seed, imageIndex, noiseKey),
        expanded.text(),
        negative,
        prompt.id(),
        prompt.source(),
        imageIndex,
        seed,
        noiseKey,
        sampling,
        carried(prompt, expanded));
  }

  /**
   * The name of an image.
   *
   * @param fingerprint of the settings
   * @param sampling with nothing left to default
   */
  public static String id(
      String fingerprint,
      String prompt,
      String negativePrompt,
      Sampling sampling,
      long seed,
      int imageIndex,
      PrngKey noiseKey) {
    ObjectNode identity = JsonNodeFactory.instance.objectNode();
    identity.put("config_fingerprint", fingerprint);
    identity.put("prompt", prompt);
    identity.put("negative_prompt", negativePrompt);
    identity.put("scheduler", sampling.scheduler().optionName());
    identity.put("steps", sampling.steps());
    identity.put("guidance_scale", CanonicalJson.shortest(sampling.guidanceScale()));
    identity.put("width", sampling.widthPixels());
    identity.put("height", sampling.heightPixels());
    identity.put("seed", seed);
    identity.put("image_index", imageIndex);
    identity
        .putArray("noise_key")
        .add(Integer.toUnsignedLong(noiseKey.high()))
        .add(Integer.toUnsignedLong(noiseKey.low()));
    return Sha256.hex(CanonicalJson.write(identity)).substring(0, 32);
  }

  /** What a template was is no column of the input: it goes along in any case. */
  private Map<String, String> carried(Prompt prompt, PromptExpansion.Expanded expanded) {
    Map<String, String> columns = settings.saveAdditionalColumns() ? prompt.carried() : Map.of();
    if (expanded.templates().isEmpty()) {
      return columns;
    }
    Map<String, String> carried = new HashMap<>(columns);
    carried.putAll(expanded.templates());
    return carried;
  }
}
