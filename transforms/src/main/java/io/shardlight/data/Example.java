package io.shardlight.data;

import io.shardlight.diffusion.ImageRequest;
import io.shardlight.diffusion.random.PrngKey;
import java.util.Collections;
import java.util.Comparator;
import java.util.Map;
import java.util.TreeMap;
import org.apache.beam.sdk.coders.DefaultCoder;

/**
 * One image to make, and its row.
 *
 * @param id 32 hex digits that name the image wherever it is made; see {@link ExamplePlanner}
 * @param imageIndex which of its prompt's images, from 0
 * @param seed unsigned 32 bits: of the image, or of its prompt under {@link SeedPolicy#JAX_SPLIT}
 * @param noiseKey the key of the initial noise
 * @param carried columns for the manifest
 */
@DefaultCoder(ExampleCoder.class)
public record Example(
    String id,
    String prompt,
    String negativePrompt,
    String promptId,
    PromptSource source,
    int imageIndex,
    long seed,
    PrngKey noiseKey,
    Sampling sampling,
    Map<String, String> carried) {
  /** By id; of two with the same id the one that stands first in the input. */
  public static final Comparator<Example> ORDER =
      Comparator.comparing(Example::id)
          .thenComparing(Example::source)
          .thenComparing(Example::promptId);

  public Example {
    // A map of its own for each of millions of examples without one would fill the memory.
    carried = carried.isEmpty() ? Map.of() : Collections.unmodifiableMap(new TreeMap<>(carried));
  }

  public BatchShape shape() {
    return BatchShape.of(sampling);
  }

  public ImageRequest request() {
    return new ImageRequest(
        prompt,
        negativePrompt,
        noiseKey,
        sampling.widthPixels(),
        sampling.heightPixels(),
        sampling.scheduler(),
        sampling.steps(),
        sampling.guidanceScale());
  }
}
