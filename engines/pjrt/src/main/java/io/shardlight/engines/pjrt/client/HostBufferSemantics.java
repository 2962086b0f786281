package io.shardlight.engines.pjrt.client;

/** For how long a plugin may read the host memory that an upload is given. */
public enum HostBufferSemantics {
  /** Until the upload returns: the plugin copies. For what is small. */
  IMMUTABLE_ONLY_DURING_CALL(0),

  /**
   * Until {@link PjrtBuffer#awaitTransfer} returns: the plugin may read where the memory lies. For
   * weights, straight from the mapped file; the memory must not change meanwhile.
   */
  IMMUTABLE_UNTIL_TRANSFER_COMPLETES(1);

  private final int code;

  HostBufferSemantics(int code) {
    this.code = code;
  }

  /** The value of {@code PJRT_HostBufferSemantics}. */
  int code() {
    return code;
  }
}
