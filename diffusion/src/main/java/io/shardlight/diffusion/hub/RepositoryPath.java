package io.shardlight.diffusion.hub;

import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;

/** Names from elsewhere that become paths on this disk and parts of addresses. */
public final class RepositoryPath {
  private RepositoryPath() {}

  /** Whether a name with {@code /} between its parts stays below the folder it is put in. */
  public static boolean isSafe(String path) {
    if (path.length() > 1024) {
      return false;
    }
    for (String part : path.split("/", -1)) {
      if (part.isEmpty() || part.equals(".") || part.equals("..")) {
        return false;
      }
    }
    // A backslash separates, and a colon names a disk, where there is Windows.
    return path.chars().noneMatch(c -> c < ' ' || c == 0x7f || c == '\\' || c == ':');
  }

  /** Percent-encoded, but for the slashes. */
  static String encode(String path) {
    return encodePart(path).replace("%2F", "/");
  }

  /** Percent-encoded, slashes too. */
  static String encodePart(String text) {
    return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
  }
}
