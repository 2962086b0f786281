package io.shardlight.data;

import java.util.AbstractMap;
import java.util.AbstractSet;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Columns of one record by name, in the names' order. Records with the same columns share the
 * names, so that one of millions takes little more than its values. Immutable.
 */
final class CarriedColumns extends AbstractMap<String, String> {
  private final List<String> names;
  private final String[] values;

  private CarriedColumns(List<String> names, String[] values) {
    this.names = names;
    this.values = values;
  }

  /** An immutable map with the same entries, sorted by key. */
  static Map<String, String> copyOf(Map<String, String> columns) {
    if (columns.isEmpty()) {
      return Map.of();
    }
    if (columns instanceof CarriedColumns) {
      return columns;
    }
    TreeMap<String, String> sorted = new TreeMap<>(columns);
    return new CarriedColumns(
        SharedValues.of(List.copyOf(sorted.keySet())), sorted.values().toArray(new String[0]));
  }

  @Override
  public int size() {
    return values.length;
  }

  @Override
  public @Nullable String get(@Nullable Object name) {
    int index = name instanceof String key ? Collections.binarySearch(names, key) : -1;
    return index < 0 ? null : values[index];
  }

  @Override
  public boolean containsKey(@Nullable Object name) {
    return get(name) != null;
  }

  @Override
  public Set<Map.Entry<String, String>> entrySet() {
    return new AbstractSet<>() {
      @Override
      public int size() {
        return values.length;
      }

      @Override
      public Iterator<Map.Entry<String, String>> iterator() {
        return entries();
      }
    };
  }

  private Iterator<Map.Entry<String, String>> entries() {
    return new Iterator<>() {
      private int next;

      @Override
      public boolean hasNext() {
        return next < values.length;
      }

      @Override
      public Map.Entry<String, String> next() {
        if (!hasNext()) {
          throw new NoSuchElementException("no column after the last of " + values.length);
        }
        return Map.entry(names.get(next), values[next++]);
      }
    };
  }
}
