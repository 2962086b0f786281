package io.shardlight.diffusion.hub;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A model on the Hub at a branch, a tag or a commit.
 *
 * @param id {@code owner/name}
 * @param revision {@code main} unless something else is asked for
 */
public record HubModel(String id, String revision) {
  public static final String SCHEME = "hf://";
  private static final String DEFAULT_REVISION = "main";
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,95}");
  private static final Pattern FORM = Pattern.compile("hf://([^/@]+)/([^/@]+)(?:@(.+))?");
  private static final Pattern COMMIT = Pattern.compile("[0-9a-f]{40}");

  /**
   * Reads {@code hf://owner/name[@revision]}.
   *
   * @throws IllegalArgumentException if it is not of this form
   */
  public static HubModel parse(String text) {
    Matcher form = FORM.matcher(text);
    if (!form.matches() || !isName(form.group(1)) || !isName(form.group(2))) {
      throw new IllegalArgumentException(
          "a model on the Hugging Face Hub must be hf://owner/name or hf://owner/name@revision,"
              + " for example hf://CompVis/stable-diffusion-v1-4@bf16, but was \""
              + text
              + "\"");
    }
    String revision = form.group(3) == null ? DEFAULT_REVISION : form.group(3);
    if (!RepositoryPath.isSafe(revision)) {
      throw new IllegalArgumentException(
          "a revision must be the name of a branch or tag, or a commit of 40 hexadecimal digits,"
              + " but was \""
              + revision
              + "\"");
    }
    return new HubModel(form.group(1) + "/" + form.group(2), revision);
  }

  /** As the Hub itself names things: no two dashes or dots in a row, none at the end. */
  private static boolean isName(String name) {
    return NAME.matcher(name).matches()
        && !name.contains("--")
        && !name.contains("..")
        && !name.endsWith("-")
        && !name.endsWith(".");
  }

  /** The same model at a commit. */
  public HubModel at(String commit) {
    return new HubModel(id, commit);
  }

  static boolean isCommit(String revision) {
    return COMMIT.matcher(revision).matches();
  }

  @Override
  public String toString() {
    return SCHEME + id + (revision.equals(DEFAULT_REVISION) ? "" : "@" + revision);
  }
}
