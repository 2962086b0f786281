package io.shardlight.data;

import java.io.IOException;
import org.apache.beam.sdk.coders.CoderProvider;
import org.apache.beam.sdk.coders.CoderProviders;
import org.apache.beam.sdk.values.TypeDescriptor;

/** Deterministic coder of {@link BatchShape}. */
public final class BatchShapeCoder extends VersionedCoder<BatchShape> {
  public static BatchShapeCoder of() {
    return new BatchShapeCoder();
  }

  /** Asked by Beam for records annotated with this coder. */
  public static CoderProvider getCoderProvider() {
    return CoderProviders.forCoder(TypeDescriptor.of(BatchShape.class), of());
  }

  @Override
  void write(BatchShape value, FieldOutput out) throws IOException {
    out.shape(value);
  }

  @Override
  BatchShape read(FieldInput in) throws IOException {
    return in.shape();
  }
}
