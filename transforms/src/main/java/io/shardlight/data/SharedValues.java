package io.shardlight.data;

import java.util.List;

/** What records have in common, kept once in this JVM. */
final class SharedValues {
  /** Longer texts are most likely of one record alone, and would stay in memory after it. */
  private static final int MAX_LENGTH = 1024;

  private static final RecentValues<String> STRINGS = new RecentValues<>();
  private static final RecentValues<Sampling> SAMPLINGS = new RecentValues<>();
  private static final RecentValues<List<String>> NAMES = new RecentValues<>();

  private SharedValues() {}

  static String of(String value) {
    return value.length() <= MAX_LENGTH ? STRINGS.share(value) : value;
  }

  static Sampling of(Sampling value) {
    return SAMPLINGS.share(value);
  }

  /** Names of columns, which all records of a file have alike. */
  static List<String> of(List<String> value) {
    return NAMES.share(value);
  }
}
