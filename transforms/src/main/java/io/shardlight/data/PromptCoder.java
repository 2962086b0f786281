package io.shardlight.data;

import java.io.IOException;
import org.apache.beam.sdk.coders.CoderProvider;
import org.apache.beam.sdk.coders.CoderProviders;
import org.apache.beam.sdk.values.TypeDescriptor;

/** Deterministic coder of {@link Prompt}. */
public final class PromptCoder extends VersionedCoder<Prompt> {
  public static PromptCoder of() {
    return new PromptCoder();
  }

  /** Asked by Beam for records annotated with this coder. */
  public static CoderProvider getCoderProvider() {
    return CoderProviders.forCoder(TypeDescriptor.of(Prompt.class), of());
  }

  @Override
  void write(Prompt value, FieldOutput out) throws IOException {
    out.source(value.source());
    out.string(value.id());
    out.string(value.text());
    Overrides own = value.overrides();
    out.optional(own.negativePrompt(), out::string);
    out.optional(own.seed(), out.data::writeLong);
    out.optional(own.images(), out.data::writeInt);
    out.optional(own.scheduler(), out::scheduler);
    out.optional(own.steps(), out.data::writeInt);
    out.optional(own.guidanceScale(), out.data::writeFloat);
    out.optional(own.widthPixels(), out.data::writeInt);
    out.optional(own.heightPixels(), out.data::writeInt);
    out.strings(value.carried());
  }

  @Override
  Prompt read(FieldInput in) throws IOException {
    PromptSource source = in.source();
    String id = in.string();
    String text = in.string();
    // Arguments are evaluated from left to right, in the order they were written.
    Overrides own =
        new Overrides(
            in.optional(in::string),
            in.optional(in.data::readLong),
            in.optional(in.data::readInt),
            in.optional(in::scheduler),
            in.optional(in.data::readInt),
            in.optional(in.data::readFloat),
            in.optional(in.data::readInt),
            in.optional(in.data::readInt));
    return new Prompt(source, id, text, own, in.strings());
  }
}
