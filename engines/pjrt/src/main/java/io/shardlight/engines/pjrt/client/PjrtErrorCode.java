package io.shardlight.engines.pjrt.client;

/** The kinds of errors that plugins tell: {@code PJRT_Error_Code}, which are Abseil's. */
public enum PjrtErrorCode {
  OK(0),
  CANCELLED(1),
  UNKNOWN(2),
  INVALID_ARGUMENT(3),
  DEADLINE_EXCEEDED(4),
  NOT_FOUND(5),
  ALREADY_EXISTS(6),
  PERMISSION_DENIED(7),
  /** A device's memory is full: a smaller batch may fit. */
  RESOURCE_EXHAUSTED(8),
  FAILED_PRECONDITION(9),
  ABORTED(10),
  OUT_OF_RANGE(11),
  UNIMPLEMENTED(12),
  INTERNAL(13),
  UNAVAILABLE(14),
  DATA_LOSS(15),
  UNAUTHENTICATED(16);

  private final int code;

  PjrtErrorCode(int code) {
    this.code = code;
  }

  /** {@link #UNKNOWN} for a number that has no name here. */
  static PjrtErrorCode of(int code) {
    for (PjrtErrorCode known : values()) {
      if (known.code == code) {
        return known;
      }
    }
    return UNKNOWN;
  }
}
