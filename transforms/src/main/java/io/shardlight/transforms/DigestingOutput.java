package io.shardlight.transforms;

import io.shardlight.data.ObjectDigest;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;

/** Passes bytes on and adds them up, so that a file need not be read again for its hashes. */
final class DigestingOutput extends FilterOutputStream {
  private final ObjectDigest digest;

  DigestingOutput(OutputStream out, ObjectDigest digest) {
    super(out);
    this.digest = digest;
  }

  @Override
  public void write(int value) throws IOException {
    write(new byte[] {(byte) value}, 0, 1);
  }

  @Override
  public void write(byte[] bytes, int offset, int length) throws IOException {
    out.write(bytes, offset, length);
    digest.update(bytes, offset, length);
  }
}
