package io.shardlight.pipeline;

import io.shardlight.data.Sha256;
import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.Channels;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.apache.beam.sdk.io.FileSystems;
import org.apache.beam.sdk.io.fs.EmptyMatchTreatment;
import org.apache.beam.sdk.io.fs.MatchResult;

/**
 * The prompt files of a job, told from others by what is in them. Buckets know the MD5 of their
 * objects, so that these need not be read; files of this machine are. The same files give the same
 * hash wherever they lie, and whenever they were copied there. Not thread-safe.
 */
final class InputFiles {
  private static final int BUFFER = 1 << 16;

  private final List<String> patterns;
  private Optional<String> sha256 = Optional.empty();

  /**
   * @param patterns paths and globs, each of which matches a file
   */
  InputFiles(List<String> patterns) {
    this.patterns = List.copyOf(patterns);
  }

  /** Paths and globs. */
  List<String> patterns() {
    return patterns;
  }

  /**
   * Hash over names, without folders, as these decide about seeds; lengths; and MD5s, in the place
   * of which composite objects, which have none, have the time of their last change.
   */
  String sha256() throws IOException {
    if (sha256.isEmpty()) {
      List<String> lines = new ArrayList<>();
      Set<String> seen = new HashSet<>();
      for (MatchResult match : FileSystems.match(patterns, EmptyMatchTreatment.DISALLOW)) {
        for (MatchResult.Metadata file : match.metadata()) {
          if (seen.add(file.resourceId().toString())) {
            lines.add(
                file.sizeBytes()
                    + " "
                    + checksum(file)
                    + " "
                    + file.resourceId().getFilename()
                    + "\n");
          }
        }
      }
      Collections.sort(lines);
      sha256 = Optional.of(Sha256.hex(String.join("", lines)));
    }
    return sha256.get();
  }

  private static String checksum(MatchResult.Metadata file) throws IOException {
    String known = file.checksum();
    if (known != null && !known.isEmpty()) {
      return known;
    }
    return file.resourceId().getScheme().equals("file")
        ? md5(file)
        : "changed " + file.lastModifiedMillis();
  }

  private static String md5(MatchResult.Metadata file) throws IOException {
    MessageDigest digest;
    try {
      digest = MessageDigest.getInstance("MD5");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("this Java has no MD5", e);
    }
    byte[] buffer = new byte[BUFFER];
    try (InputStream in = Channels.newInputStream(FileSystems.open(file.resourceId()))) {
      for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
        digest.update(buffer, 0, read);
      }
    }
    return Base64.getEncoder().encodeToString(digest.digest());
  }
}
