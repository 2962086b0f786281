package io.shardlight.data;

import java.io.IOException;
import org.apache.beam.sdk.coders.CoderProvider;
import org.apache.beam.sdk.coders.CoderProviders;
import org.apache.beam.sdk.values.TypeDescriptor;

/** Deterministic coder of {@link PlanDigest}. */
public final class PlanDigestCoder extends VersionedCoder<PlanDigest> {
  public static PlanDigestCoder of() {
    return new PlanDigestCoder();
  }

  /** Asked by Beam for records annotated with this coder. */
  public static CoderProvider getCoderProvider() {
    return CoderProviders.forCoder(TypeDescriptor.of(PlanDigest.class), of());
  }

  @Override
  void write(PlanDigest value, FieldOutput out) throws IOException {
    out.data.writeLong(value.examples());
    out.data.writeLong(value.high());
    out.data.writeLong(value.low());
  }

  @Override
  PlanDigest read(FieldInput in) throws IOException {
    return new PlanDigest(in.data.readLong(), in.data.readLong(), in.data.readLong());
  }
}
