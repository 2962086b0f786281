package io.shardlight.data;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import org.apache.beam.sdk.coders.AtomicCoder;
import org.apache.beam.sdk.coders.CoderException;

/**
 * A coder that writes a version byte, then the fields in order. Deterministic: equal values give
 * equal bytes.
 */
abstract class VersionedCoder<T> extends AtomicCoder<T> {
  /** Of the fields and their order; one more with each change. */
  int version() {
    return 1;
  }

  abstract void write(T value, FieldOutput out) throws IOException;

  abstract T read(FieldInput in) throws IOException;

  @Override
  public final void encode(T value, OutputStream stream) throws IOException {
    if (value == null) {
      throw new CoderException("cannot encode a null with " + getClass().getSimpleName());
    }
    DataOutputStream data = new DataOutputStream(stream);
    data.writeByte(version());
    write(value, new FieldOutput(data));
    data.flush();
  }

  @Override
  public final T decode(InputStream stream) throws IOException {
    DataInputStream data = new DataInputStream(stream);
    int version = data.readUnsignedByte();
    if (version != version()) {
      throw new CoderException(
          getClass().getSimpleName()
              + " reads version "
              + version()
              + ", but found "
              + version
              + "; don't update a running job across versions");
    }
    return read(new FieldInput(data));
  }
}
