package io.shardlight.diffusion.transfer;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/**
 * What a file's bytes must hash to.
 *
 * @param hex lower-case digits
 */
public record Checksum(Kind kind, String hex) {
  /** How the bytes are hashed. */
  public enum Kind {
    SHA256("SHA-256", "SHA-256"),

    /**
     * SHA-1 over git's header and the bytes, by which git names a file's content.
     *
     * @see <a href="https://git-scm.com/book/en/v2/Git-Internals-Git-Objects">Git objects</a>
     */
    GIT_BLOB("SHA-1", "git hash");

    private final String algorithm;
    private final String title;

    Kind(String algorithm, String title) {
      this.algorithm = algorithm;
      this.title = title;
    }
  }

  private static final int BUFFER_BYTES = 1 << 20;

  public Checksum {
    if (!hex.matches("[0-9a-f]{" + (kind == Kind.SHA256 ? 64 : 40) + "}")) {
      throw new IllegalArgumentException(
          "a " + kind.title + " must be lower-case hexadecimal digits, but was \"" + hex + "\"");
    }
  }

  public static Checksum sha256(String hex) {
    return new Checksum(Kind.SHA256, hex);
  }

  public static Checksum gitBlob(String hex) {
    return new Checksum(Kind.GIT_BLOB, hex);
  }

  /** The same kind of checksum over a file as it is. */
  public Checksum of(Path file) throws IOException {
    MessageDigest digest = digest();
    if (kind == Kind.GIT_BLOB) {
      digest.update(("blob " + Files.size(file) + "\0").getBytes(StandardCharsets.US_ASCII));
    }
    byte[] buffer = new byte[BUFFER_BYTES];
    try (InputStream in = Files.newInputStream(file)) {
      for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
        digest.update(buffer, 0, n);
      }
    }
    return new Checksum(kind, HexFormat.of().formatHex(digest.digest()));
  }

  private MessageDigest digest() {
    try {
      return MessageDigest.getInstance(kind.algorithm);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has " + kind.algorithm, e);
    }
  }

  @Override
  public String toString() {
    return kind.title + " " + hex;
  }
}
