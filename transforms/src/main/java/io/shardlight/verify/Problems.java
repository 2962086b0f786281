package io.shardlight.verify;

import java.util.ArrayList;
import java.util.List;

/** The first problems, and how many there were in all. Not thread-safe. */
final class Problems {
  private final int most;
  private final List<Problem> first = new ArrayList<>();
  private long count;

  /**
   * @param most how many are kept
   */
  Problems(int most) {
    this.most = most;
  }

  void add(String object, String text) {
    if (first.size() < most) {
      first.add(new Problem(object, text));
    }
    count++;
  }

  void addAll(Problems others) {
    others.first.forEach(problem -> add(problem.object(), problem.text()));
    count += others.count - others.first.size();
  }

  List<Problem> first() {
    return List.copyOf(first);
  }

  long count() {
    return count;
  }

  boolean isEmpty() {
    return count == 0;
  }
}
