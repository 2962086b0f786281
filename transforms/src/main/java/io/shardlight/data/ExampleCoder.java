package io.shardlight.data;

import io.shardlight.diffusion.random.PrngKey;
import java.io.IOException;
import java.util.Optional;
import org.apache.beam.sdk.coders.CoderProvider;
import org.apache.beam.sdk.coders.CoderProviders;
import org.apache.beam.sdk.values.TypeDescriptor;

/**
 * Deterministic coder of {@link Example}. Every example is written out several times on its way
 * through a runner, so what follows from other fields is left out.
 */
public final class ExampleCoder extends VersionedCoder<Example> {
  /** Flag: the prompt's id is not the one that follows from the source. */
  private static final int OWN_PROMPT_ID = 1;

  /** Flag: the noise key is not the one of the seed. */
  private static final int OWN_NOISE_KEY = 2;

  public static ExampleCoder of() {
    return new ExampleCoder();
  }

  /** Asked by Beam for records annotated with this coder. */
  public static CoderProvider getCoderProvider() {
    return CoderProviders.forCoder(TypeDescriptor.of(Example.class), of());
  }

  @Override
  void write(Example value, FieldOutput out) throws IOException {
    Optional<String> promptId = value.ownPromptId();
    PrngKey noiseKey = value.noiseKey();
    boolean ownKey = !noiseKey.equals(PrngKey.ofSeed(value.seed()));
    out.data.writeByte((promptId.isPresent() ? OWN_PROMPT_ID : 0) | (ownKey ? OWN_NOISE_KEY : 0));
    out.data.writeLong(value.idHigh());
    out.data.writeLong(value.idLow());
    out.string(value.prompt());
    out.string(value.negativePrompt());
    if (promptId.isPresent()) {
      out.string(promptId.get());
    }
    out.source(value.source());
    out.number(value.imageIndex());
    out.data.writeInt((int) value.seed());
    if (ownKey) {
      out.data.writeInt(noiseKey.high());
      out.data.writeInt(noiseKey.low());
    }
    out.sampling(value.sampling());
    out.strings(value.carried());
  }

  @Override
  Example read(FieldInput in) throws IOException {
    int flags = in.data.readUnsignedByte();
    long idHigh = in.data.readLong();
    long idLow = in.data.readLong();
    String prompt = in.string();
    String negativePrompt = in.string();
    Optional<String> promptId =
        (flags & OWN_PROMPT_ID) != 0 ? Optional.of(in.string()) : Optional.empty();
    PromptSource source = in.source();
    int imageIndex = in.number();
    long seed = Integer.toUnsignedLong(in.data.readInt());
    PrngKey noiseKey =
        (flags & OWN_NOISE_KEY) != 0
            ? new PrngKey(in.data.readInt(), in.data.readInt())
            : PrngKey.ofSeed(seed);
    return new Example(
        idHigh,
        idLow,
        prompt,
        negativePrompt,
        promptId,
        source,
        imageIndex,
        seed,
        noiseKey,
        in.sampling(),
        in.strings());
  }
}
