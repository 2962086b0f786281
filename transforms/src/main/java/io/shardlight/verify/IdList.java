package io.shardlight.verify;

import java.util.Arrays;

/** Example ids one after the other, in 16 bytes each. */
final class IdList {
  /** Takes an id. */
  interface Taker {
    void take(long high, long low);
  }

  private long[] halves = new long[64];
  private int length;

  void add(String id) {
    if (length == halves.length) {
      halves = Arrays.copyOf(halves, 2 * length);
    }
    halves[length++] = ExampleIds.high(id);
    halves[length++] = ExampleIds.low(id);
  }

  int size() {
    return length / 2;
  }

  void forEach(Taker taker) {
    for (int i = 0; i < length; i += 2) {
      taker.take(halves[i], halves[i + 1]);
    }
  }
}
