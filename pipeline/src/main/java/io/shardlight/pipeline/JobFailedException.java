package io.shardlight.pipeline;

/** Says for the user why a job has failed that other processes ran. */
public final class JobFailedException extends RuntimeException {
  private static final long serialVersionUID = 1;

  /**
   * @param message on one line
   * @param cause for {@code --verbose}
   */
  public JobFailedException(String message, Throwable cause) {
    super(message, cause);
  }

  /**
   * @param message on one line
   */
  public JobFailedException(String message) {
    super(message);
  }
}
