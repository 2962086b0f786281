package io.shardlight.data;

import io.shardlight.diffusion.ImageRequest;
import io.shardlight.diffusion.random.PrngKey;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.apache.beam.sdk.coders.DefaultCoder;
import org.jspecify.annotations.Nullable;

/**
 * One image to make, and its row. A runner may hold all examples of a job in memory at once, so
 * this is a class and no record: it has numbers for what the accessors give as objects, no id of
 * its prompt that follows from the source, and shares with others what they have in common. Beside
 * the prompt's text an example takes 80 bytes.
 */
@DefaultCoder(ExampleCoder.class)
public final class Example {
  /** By id; of two with the same id the one that stands first in the input. */
  public static final Comparator<Example> ORDER =
      Comparator.<Example, Long>comparing(example -> example.idHigh, Long::compareUnsigned)
          .thenComparing(example -> example.idLow, Long::compareUnsigned)
          .thenComparing(Example::source)
          .thenComparing(Example::promptId);

  private static final int ID_DIGITS = 32;

  private final long idHigh;
  private final long idLow;
  private final String prompt;
  private final String negativePrompt;

  /** Null where it is {@link Prompt#defaultId}. */
  private final @Nullable String ownPromptId;

  private final String sourceFile;
  private final long sourceLine;
  private final int imageIndex;

  /** Unsigned. */
  private final int seed;

  private final int noiseKeyHigh;
  private final int noiseKeyLow;
  private final Sampling sampling;
  private final Map<String, String> carried;

  /**
   * @param id 32 lower-case hex digits that name the image wherever it is made; see {@link
   *     ExamplePlanner}
   * @param promptId of the record
   * @param imageIndex which of its prompt's images, from 0
   * @param seed unsigned 32 bits: of the image, or of its prompt under {@link SeedPolicy#JAX_SPLIT}
   * @param noiseKey the key of the initial noise
   * @param carried columns for the manifest
   */
  public Example(
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
    this(
        digits(requireId(id), 0),
        digits(id, ID_DIGITS / 2),
        prompt,
        negativePrompt,
        promptId.equals(Prompt.defaultId(source)) ? Optional.empty() : Optional.of(promptId),
        source,
        imageIndex,
        seed,
        noiseKey,
        sampling,
        carried);
  }

  /**
   * @param idHigh the id's first 64 bits
   * @param idLow the id's last 64 bits
   * @param ownPromptId empty where it is {@link Prompt#defaultId}
   */
  Example(
      long idHigh,
      long idLow,
      String prompt,
      String negativePrompt,
      Optional<String> ownPromptId,
      PromptSource source,
      int imageIndex,
      long seed,
      PrngKey noiseKey,
      Sampling sampling,
      Map<String, String> carried) {
    this.idHigh = idHigh;
    this.idLow = idLow;
    this.prompt = prompt;
    this.negativePrompt = SharedValues.of(negativePrompt);
    this.ownPromptId = ownPromptId.orElse(null);
    this.sourceFile = SharedValues.of(source.file());
    this.sourceLine = source.line();
    this.imageIndex = imageIndex;
    this.seed = (int) Seeds.require(seed);
    this.noiseKeyHigh = noiseKey.high();
    this.noiseKeyLow = noiseKey.low();
    this.sampling = SharedValues.of(sampling);
    this.carried = CarriedColumns.copyOf(carried);
  }

  private static String requireId(String id) {
    if (id.length() != ID_DIGITS || !id.chars().allMatch(Example::isDigit)) {
      throw new IllegalArgumentException(
          "an example's id must be " + ID_DIGITS + " lower-case hex digits, but was " + id);
    }
    return id;
  }

  private static boolean isDigit(int c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
  }

  private static long digits(String id, int from) {
    return HexFormat.fromHexDigitsToLong(id, from, from + ID_DIGITS / 2);
  }

  /** 32 lower-case hex digits. */
  public String id() {
    HexFormat hex = HexFormat.of();
    return hex.toHexDigits(idHigh) + hex.toHexDigits(idLow);
  }

  /** The id's first 64 bits. */
  public long idHigh() {
    return idHigh;
  }

  /** The id's last 64 bits. */
  public long idLow() {
    return idLow;
  }

  public String prompt() {
    return prompt;
  }

  public String negativePrompt() {
    return negativePrompt;
  }

  public String promptId() {
    return ownPromptId == null ? Prompt.defaultId(source()) : ownPromptId;
  }

  /** Empty where the prompt's id is {@link Prompt#defaultId}. */
  Optional<String> ownPromptId() {
    return Optional.ofNullable(ownPromptId);
  }

  public PromptSource source() {
    return new PromptSource(sourceFile, sourceLine);
  }

  public int imageIndex() {
    return imageIndex;
  }

  public long seed() {
    return Integer.toUnsignedLong(seed);
  }

  public PrngKey noiseKey() {
    return new PrngKey(noiseKeyHigh, noiseKeyLow);
  }

  public Sampling sampling() {
    return sampling;
  }

  /** Sorted by name, and unmodifiable. */
  public Map<String, String> carried() {
    return carried;
  }

  public BatchShape shape() {
    return BatchShape.of(sampling);
  }

  public ImageRequest request() {
    return new ImageRequest(
        prompt,
        negativePrompt,
        noiseKey(),
        sampling.widthPixels(),
        sampling.heightPixels(),
        sampling.scheduler(),
        sampling.steps(),
        sampling.guidanceScale());
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof Example that
        && idHigh == that.idHigh
        && idLow == that.idLow
        && prompt.equals(that.prompt)
        && negativePrompt.equals(that.negativePrompt)
        && promptId().equals(that.promptId())
        && source().equals(that.source())
        && imageIndex == that.imageIndex
        && seed == that.seed
        && noiseKey().equals(that.noiseKey())
        && sampling.equals(that.sampling)
        && carried.equals(that.carried);
  }

  @Override
  public int hashCode() {
    return Objects.hash(idHigh, idLow, sourceFile, sourceLine);
  }

  /** Without the prompt, which may be private. */
  @Override
  public String toString() {
    return "Example[" + id() + ", image " + imageIndex + " of " + source() + "]";
  }
}
