package io.shardlight.engines.pjrt.client;

import org.jspecify.annotations.Nullable;

/** What a plugin refused or failed to do, or why it cannot be used. */
public final class PjrtException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final PjrtErrorCode code;
  private final String function;
  private final String reason;

  /**
   * @param function the C function that told the error, such as {@code PJRT_Client_Compile}
   * @param reason the plugin's own words
   */
  public PjrtException(PjrtErrorCode code, String function, String reason) {
    this(code, function, reason, null);
  }

  PjrtException(PjrtErrorCode code, String function, String reason, @Nullable PjrtException cause) {
    super(function + ": " + code + ": " + reason, cause);
    this.code = code;
    this.function = function;
    this.reason = reason;
  }

  /** The first of several failures, with the next one suppressed in it. */
  static PjrtException joined(@Nullable PjrtException first, PjrtException next) {
    if (first == null) {
      return next;
    }
    first.addSuppressed(next);
    return first;
  }

  public PjrtErrorCode code() {
    return code;
  }

  /** The C function that told the error, such as {@code PJRT_Client_Compile}. */
  public String function() {
    return function;
  }

  /** The plugin's own words, without the function and the code. */
  public String reason() {
    return reason;
  }
}
