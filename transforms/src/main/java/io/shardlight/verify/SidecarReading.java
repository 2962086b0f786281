package io.shardlight.verify;

import io.shardlight.data.DatasetPaths;
import io.shardlight.data.ObjectStore;
import io.shardlight.data.Sha256;
import io.shardlight.data.StoredObject;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.NoSuchFileException;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.Optional;

/**
 * Goes once through {@code metadata.jsonl}, shard by shard: each knows length and hash of its
 * lines.
 */
final class SidecarReading implements AutoCloseable {
  private final InputStream in;
  private Optional<String> problem = Optional.empty();
  private long bytes;

  private SidecarReading(InputStream in) {
    this.in = in;
  }

  /** Opens it, to be closed; empty if it isn't there. */
  static Optional<SidecarReading> open(ObjectStore store) throws IOException {
    try {
      return Optional.of(new SidecarReading(store.read(DatasetPaths.SIDECAR)));
    } catch (NoSuchFileException e) {
      return Optional.empty();
    }
  }

  /** Compares the lines of the next shard. */
  void expect(int shard, StoredObject lines) throws IOException {
    if (problem.isPresent()) {
      return;
    }
    MessageDigest found = Sha256.digest();
    byte[] buffer = new byte[1 << 16];
    for (long left = lines.bytes(); left > 0; ) {
      int read = in.read(buffer, 0, (int) Math.min(left, buffer.length));
      if (read < 0) {
        problem =
            Optional.of("must have the lines of shard " + shard + ", but ends before or in them");
        return;
      }
      found.update(buffer, 0, read);
      left -= read;
      bytes += read;
    }
    if (!HexFormat.of().formatHex(found.digest()).equals(lines.sha256())) {
      problem =
          Optional.of(
              "must have the rows of the manifests, but differs in the lines of shard " + shard);
    }
  }

  /** What is wrong with it, once all shards were compared. */
  Optional<String> finish() throws IOException {
    if (problem.isEmpty() && in.read() >= 0) {
      problem = Optional.of("must end with the last shard's lines, but goes on");
    }
    return problem;
  }

  /** Read so far. */
  long bytes() {
    return bytes;
  }

  @Override
  public void close() throws IOException {
    in.close();
  }
}
