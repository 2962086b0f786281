package io.shardlight.data;

import java.io.IOException;
import org.apache.beam.sdk.coders.CoderProvider;
import org.apache.beam.sdk.coders.CoderProviders;
import org.apache.beam.sdk.values.TypeDescriptor;

/** Deterministic coder of {@link ShardKey}. */
public final class ShardKeyCoder extends VersionedCoder<ShardKey> {
  public static ShardKeyCoder of() {
    return new ShardKeyCoder();
  }

  /** Asked by Beam for records annotated with this coder. */
  public static CoderProvider getCoderProvider() {
    return CoderProviders.forCoder(TypeDescriptor.of(ShardKey.class), of());
  }

  @Override
  void write(ShardKey value, FieldOutput out) throws IOException {
    out.shardKey(value);
  }

  @Override
  ShardKey read(FieldInput in) throws IOException {
    return in.shardKey();
  }
}
