package io.shardlight.verify;

import io.shardlight.data.ObjectDigest;
import io.shardlight.data.StoredObject;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.Optional;

/** Measures and hashes what is read, and remembers whether the store failed. */
final class MeasuredInput extends FilterInputStream {
  private final String name;
  private final ObjectDigest digest = new ObjectDigest();
  private Optional<IOException> failure = Optional.empty();

  /**
   * @param name of the object
   */
  MeasuredInput(String name, InputStream in) {
    super(in);
    this.name = name;
  }

  @Override
  public int read() throws IOException {
    byte[] one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
  }

  @Override
  public int read(byte[] buffer, int offset, int length) throws IOException {
    int read;
    try {
      read = super.read(buffer, offset, length);
    } catch (IOException e) {
      failure = Optional.of(e);
      throw e;
    }
    if (read > 0) {
      digest.update(buffer, offset, read);
    }
    return read;
  }

  /** Nothing goes unread. */
  @Override
  public long skip(long count) throws IOException {
    byte[] buffer = new byte[(int) Math.min(count, 1 << 16)];
    return Math.max(0, read(buffer, 0, buffer.length));
  }

  @Override
  public boolean markSupported() {
    return false;
  }

  /** Bytes read so far. */
  long bytes() {
    return digest.bytes();
  }

  /**
   * Tells a store that failed from content that is damaged.
   *
   * @throws IOException what the store threw, if it did
   */
  void requireStore() throws IOException {
    if (failure.isPresent()) {
      throw failure.get();
    }
  }

  /** Reads to the end and says what the object is. */
  StoredObject finish() throws IOException {
    byte[] buffer = new byte[1 << 16];
    while (read(buffer, 0, buffer.length) >= 0) {
      // Hashed as it goes by.
    }
    return digest.finish(name);
  }
}
