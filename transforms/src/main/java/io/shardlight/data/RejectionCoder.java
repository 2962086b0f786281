package io.shardlight.data;

import java.io.IOException;
import org.apache.beam.sdk.coders.CoderProvider;
import org.apache.beam.sdk.coders.CoderProviders;
import org.apache.beam.sdk.values.TypeDescriptor;

/** Deterministic coder of {@link Rejection}. */
public final class RejectionCoder extends VersionedCoder<Rejection> {
  public static RejectionCoder of() {
    return new RejectionCoder();
  }

  /** Asked by Beam for records annotated with this coder. */
  public static CoderProvider getCoderProvider() {
    return CoderProviders.forCoder(TypeDescriptor.of(Rejection.class), of());
  }

  @Override
  void write(Rejection value, FieldOutput out) throws IOException {
    out.source(value.source());
    out.string(value.reason());
  }

  @Override
  Rejection read(FieldInput in) throws IOException {
    PromptSource source = in.source();
    return new Rejection(source, in.string());
  }
}
