package io.shardlight.engines.pjrt.client;

/** The types of elements: {@code PJRT_Buffer_Type}. */
public enum PjrtBufferType {
  INVALID(0, 0),
  PRED(1, 1),
  S8(2, 1),
  S16(3, 2),
  S32(4, 4),
  S64(5, 8),
  U8(6, 1),
  U16(7, 2),
  U32(8, 4),
  U64(9, 8),
  F16(10, 2),
  F32(11, 4),
  F64(12, 8),
  BF16(13, 2),
  C64(14, 8),
  C128(15, 16),
  F8E5M2(16, 1),
  F8E4M3FN(17, 1),
  F8E4M3B11FNUZ(18, 1),
  F8E5M2FNUZ(19, 1),
  F8E4M3FNUZ(20, 1),
  S4(21, 1),
  U4(22, 1),
  TOKEN(23, 0),
  S2(24, 1),
  U2(25, 1),
  F8E4M3(26, 1),
  F8E3M4(27, 1),
  F8E8M0FNU(28, 1),
  F4E2M1FN(29, 1),
  S1(30, 1),
  U1(31, 1);

  private final int code;
  private final int hostBytes;

  PjrtBufferType(int code, int hostBytes) {
    this.code = code;
    this.hostBytes = hostBytes;
  }

  /**
   * @param code the value of {@code PJRT_Buffer_Type}
   * @throws IllegalArgumentException if it has no name here
   */
  public static PjrtBufferType of(int code) {
    for (PjrtBufferType type : values()) {
      if (type.code == code) {
        return type;
      }
    }
    throw new IllegalArgumentException("no PJRT_Buffer_Type of value " + code + " is known here");
  }

  /** The value of {@code PJRT_Buffer_Type}. */
  public int code() {
    return code;
  }

  /**
   * Of one element in host memory, where elements smaller than a byte have one each; 0 for what has
   * no elements.
   */
  public int hostBytes() {
    return hostBytes;
  }
}
