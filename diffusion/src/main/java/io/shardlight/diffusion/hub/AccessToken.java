package io.shardlight.diffusion.hub;

/**
 * A secret that says who asks. Nothing prints it: not {@link #toString}, no exception, no log; it
 * is not serializable, so that no job carries it.
 */
public final class AccessToken {
  private final String secret;

  private AccessToken(String secret) {
    this.secret = secret;
  }

  /**
   * @param text the secret; white space around it does not count
   * @param origin where it comes from, for the message
   * @throws IllegalArgumentException if it can't be one, without showing it
   */
  public static AccessToken of(String text, String origin) {
    String secret = text.strip();
    // A header with other characters would be refused with a message that shows it.
    if (secret.isEmpty() || !secret.chars().allMatch(c -> c > ' ' && c < 0x7f)) {
      throw new IllegalArgumentException(
          origin
              + " must be an access token, a word of letters, digits and signs, but "
              + (secret.isEmpty() ? "is empty" : "has blanks or other characters within")
              + "; copy it again from https://huggingface.co/settings/tokens");
    }
    return new AccessToken(secret);
  }

  /** The value of the header {@code Authorization}. */
  String authorization() {
    return "Bearer " + secret;
  }

  @Override
  public String toString() {
    return "an access token";
  }
}
