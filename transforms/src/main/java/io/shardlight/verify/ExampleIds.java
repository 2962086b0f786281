package io.shardlight.verify;

/**
 * A set of example ids in some 32 bytes each: 128 bits in an open table that is half full at most.
 * Not thread-safe.
 */
final class ExampleIds {
  private static final int FIRST_SLOTS = 1 << 10;

  /** Pairs of high and low bits; an empty slot is zero. */
  private long[] table = new long[2 * FIRST_SLOTS];

  private int size;
  private boolean hasZero;

  /** Whether a text is an id: 32 lower-case hex digits. */
  static boolean isId(String text) {
    return text.length() == 32
        && text.chars().allMatch(c -> (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'));
  }

  static long high(String id) {
    return Long.parseUnsignedLong(id, 0, 16, 16);
  }

  static long low(String id) {
    return Long.parseUnsignedLong(id, 16, 32, 16);
  }

  static String id(long high, long low) {
    return String.format("%016x%016x", high, low);
  }

  /** Adds an id; false if it was there. */
  boolean add(long high, long low) {
    if ((high | low) == 0) {
      boolean added = !hasZero;
      hasZero = true;
      return added;
    }
    int slot = find(table, high, low);
    if ((table[slot] | table[slot + 1]) != 0) {
      return false;
    }
    table[slot] = high;
    table[slot + 1] = low;
    size++;
    if (4 * size > table.length) {
      grow();
    }
    return true;
  }

  int size() {
    return size + (hasZero ? 1 : 0);
  }

  boolean contains(String id) {
    long high = high(id);
    long low = low(id);
    if ((high | low) == 0) {
      return hasZero;
    }
    int slot = find(table, high, low);
    return (table[slot] | table[slot + 1]) != 0;
  }

  private void grow() {
    if (table.length > Integer.MAX_VALUE / 2) {
      throw new IllegalStateException(
          "a dataset must have at most " + size + " rows to be verified on one machine");
    }
    long[] larger = new long[2 * table.length];
    for (int i = 0; i < table.length; i += 2) {
      if ((table[i] | table[i + 1]) != 0) {
        int slot = find(larger, table[i], table[i + 1]);
        larger[slot] = table[i];
        larger[slot + 1] = table[i + 1];
      }
    }
    table = larger;
  }

  /** Where the id is, or is to go. */
  private static int find(long[] table, long high, long low) {
    // Ids are hashes: their bits are as good as any.
    int mask = table.length / 2 - 1;
    for (int slot = (int) (low ^ high >>> 32) & mask; ; slot = (slot + 1) & mask) {
      int at = 2 * slot;
      if ((table[at] | table[at + 1]) == 0 || (table[at] == high && table[at + 1] == low)) {
        return at;
      }
    }
  }
}
