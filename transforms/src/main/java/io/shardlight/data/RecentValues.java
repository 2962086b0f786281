package io.shardlight.data;

import java.util.concurrent.atomic.AtomicReferenceArray;

/**
 * Values met lately. What millions of records have in common, such as the name of their file, is
 * then one object instead of millions of equal ones. It holds a fixed number of values and forgets
 * them one by one. Thread-safe.
 *
 * @param <T> immutable
 */
final class RecentValues<T> {
  /** A power of two. */
  private static final int PLACES = 256;

  private final AtomicReferenceArray<T> values = new AtomicReferenceArray<>(PLACES);

  /** An equal value met before, if it is still known, else this one. */
  T share(T value) {
    int hash = value.hashCode();
    int place = (hash ^ (hash >>> 16) ^ (hash >>> 8)) & (PLACES - 1);
    T known = values.get(place);
    if (known != null && known.equals(value)) {
      return known;
    }
    values.set(place, value);
    return value;
  }
}
