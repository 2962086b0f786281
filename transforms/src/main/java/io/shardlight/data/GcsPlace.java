package io.shardlight.data;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A folder of a Cloud Storage bucket.
 *
 * @param folder empty for the whole bucket, else without a slash at its ends
 */
record GcsPlace(String bucket, String folder) {
  static final String SCHEME = "gs://";

  private static final Pattern FORM =
      Pattern.compile("gs://([a-z0-9][a-z0-9._-]{1,220}[a-z0-9])(?:/(.*))?");

  /**
   * Reads {@code gs://bucket/folder}; slashes at the end do not count.
   *
   * @throws IllegalArgumentException if it is not of this form
   */
  static GcsPlace parse(String text) {
    Matcher form = FORM.matcher(text.replaceFirst("/+$", ""));
    if (!form.matches()) {
      throw new IllegalArgumentException(
          "a place in a bucket must be gs://bucket or gs://bucket/folder, with a bucket's name of"
              + " 3 to 222 lower-case letters, digits, '-', '_' and '.', but was \""
              + text
              + "\"");
    }
    String folder = form.group(2) == null ? "" : form.group(2);
    if (!folder.isEmpty()) {
      requireParts(folder, text);
    }
    return new GcsPlace(form.group(1), folder);
  }

  /** Object names have no folders to go up to, and other tools stumble over such parts. */
  private static void requireParts(String path, String text) {
    for (String part : path.split("/", -1)) {
      if (part.isEmpty() || part.equals(".") || part.equals("..") || part.matches(".*[\r\n].*")) {
        throw new IllegalArgumentException(
            "parts between slashes must be names, not empty, \".\" or \"..\", but was \""
                + text
                + "\"");
      }
    }
  }

  /** What names of the objects in the folder start with. */
  String prefix() {
    return folder.isEmpty() ? "" : folder + "/";
  }

  /**
   * The whole name of an object in the folder.
   *
   * @throws IllegalArgumentException if it isn't below it
   */
  String objectName(String name) {
    try {
      requireParts(name, name);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(
          "an object's name must stay below the root, but was \"" + name + "\"", e);
    }
    return prefix() + name;
  }

  @Override
  public String toString() {
    return SCHEME + bucket + (folder.isEmpty() ? "" : "/" + folder);
  }
}
