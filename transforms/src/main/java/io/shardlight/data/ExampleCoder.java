package io.shardlight.data;

import io.shardlight.diffusion.random.PrngKey;
import java.io.IOException;
import org.apache.beam.sdk.coders.CoderProvider;
import org.apache.beam.sdk.coders.CoderProviders;
import org.apache.beam.sdk.values.TypeDescriptor;

/** Deterministic coder of {@link Example}. */
public final class ExampleCoder extends VersionedCoder<Example> {
  public static ExampleCoder of() {
    return new ExampleCoder();
  }

  /** Asked by Beam for records annotated with this coder. */
  public static CoderProvider getCoderProvider() {
    return CoderProviders.forCoder(TypeDescriptor.of(Example.class), of());
  }

  @Override
  void write(Example value, FieldOutput out) throws IOException {
    out.string(value.id());
    out.string(value.prompt());
    out.string(value.negativePrompt());
    out.string(value.promptId());
    out.source(value.source());
    out.data.writeInt(value.imageIndex());
    out.data.writeLong(value.seed());
    out.data.writeInt(value.noiseKey().high());
    out.data.writeInt(value.noiseKey().low());
    out.sampling(value.sampling());
    out.strings(value.carried());
  }

  @Override
  Example read(FieldInput in) throws IOException {
    // Arguments are evaluated from left to right, in the order they were written.
    return new Example(
        in.string(),
        in.string(),
        in.string(),
        in.string(),
        in.source(),
        in.data.readInt(),
        in.data.readLong(),
        new PrngKey(in.data.readInt(), in.data.readInt()),
        in.sampling(),
        in.strings());
  }
}
