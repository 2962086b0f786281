package io.shardlight.data;

import java.io.IOException;
import org.apache.beam.sdk.coders.CoderProvider;
import org.apache.beam.sdk.coders.CoderProviders;
import org.apache.beam.sdk.values.TypeDescriptor;

/** Deterministic coder of {@link ShapePlan}. */
public final class ShapePlanCoder extends VersionedCoder<ShapePlan> {
  public static ShapePlanCoder of() {
    return new ShapePlanCoder();
  }

  /** Asked by Beam for records annotated with this coder. */
  public static CoderProvider getCoderProvider() {
    return CoderProviders.forCoder(TypeDescriptor.of(ShapePlan.class), of());
  }

  @Override
  void write(ShapePlan value, FieldOutput out) throws IOException {
    out.shape(value.shape());
    out.data.writeLong(value.images());
    out.data.writeLong(value.duplicates());
    out.data.writeLong(value.shards());
    out.data.writeLong(value.presentImages());
    out.data.writeLong(value.presentShards());
    out.data.writeLong(value.presentBytes());
    out.data.writeLong(value.batches());
    out.data.writeLong(value.paddedSlots());
  }

  @Override
  ShapePlan read(FieldInput in) throws IOException {
    return new ShapePlan(
        in.shape(),
        in.data.readLong(),
        in.data.readLong(),
        in.data.readLong(),
        in.data.readLong(),
        in.data.readLong(),
        in.data.readLong(),
        in.data.readLong(),
        in.data.readLong());
  }
}
