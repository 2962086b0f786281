package io.shardlight.data;

import java.io.IOException;
import org.apache.beam.sdk.coders.CoderProvider;
import org.apache.beam.sdk.coders.CoderProviders;
import org.apache.beam.sdk.values.TypeDescriptor;

/** Deterministic coder of {@link ShardReport}. */
public final class ShardReportCoder extends VersionedCoder<ShardReport> {
  public static ShardReportCoder of() {
    return new ShardReportCoder();
  }

  /** Asked by Beam for records annotated with this coder. */
  public static CoderProvider getCoderProvider() {
    return CoderProviders.forCoder(TypeDescriptor.of(ShardReport.class), of());
  }

  @Override
  int version() {
    return 3;
  }

  @Override
  void write(ShardReport value, FieldOutput out) throws IOException {
    out.shardKey(value.key());
    out.string(value.facts().toJson());
    out.data.writeBoolean(value.alreadyPresent());
    out.data.writeLong(value.made().asked());
    out.data.writeLong(value.made().attempted());
    out.data.writeLong(value.made().ok());
    out.data.writeLong(value.made().blocked());
    out.data.writeLong(value.made().flagged());
    ShardReport.Work work = value.work();
    out.data.writeInt(work.batches());
    out.data.writeLong(work.paddedSlots());
    out.data.writeInt(work.containment().retries());
    out.data.writeInt(work.containment().splits());
    out.data.writeInt(work.containment().oomHalvings());
    out.data.writeLong(work.deviceMillis());
    out.data.writeLong(work.workMillis());
    out.data.writeLong(work.startMillis());
    out.data.writeLong(work.totalMillis());
    out.durations(work.stages().generate());
    out.durations(work.stages().encode());
    out.durations(work.stages().write());
    out.durations(work.stages().commit());
  }

  @Override
  ShardReport read(FieldInput in) throws IOException {
    ShardKey key = in.shardKey();
    ShardFacts facts = ShardFacts.fromJson(in.string());
    boolean alreadyPresent = in.data.readBoolean();
    ShardReport.Made made =
        new ShardReport.Made(
            in.data.readLong(),
            in.data.readLong(),
            in.data.readLong(),
            in.data.readLong(),
            in.data.readLong());
    ShardReport.Work work =
        new ShardReport.Work(
            in.data.readInt(),
            in.data.readLong(),
            new ShardReport.Containment(in.data.readInt(), in.data.readInt(), in.data.readInt()),
            in.data.readLong(),
            in.data.readLong(),
            in.data.readLong(),
            in.data.readLong(),
            new ShardReport.Stages(in.durations(), in.durations(), in.durations(), in.durations()));
    return new ShardReport(key, facts, alreadyPresent, made, work);
  }
}
