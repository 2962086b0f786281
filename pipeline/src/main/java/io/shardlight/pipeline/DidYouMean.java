package io.shardlight.pipeline;

import java.util.Collection;
import java.util.Locale;
import java.util.Optional;

/** Finds the word somebody probably meant. */
final class DidYouMean {
  private DidYouMean() {}

  /**
   * The candidate fewest edits away, if that is at most a third of the word typed (and one edit is
   * always allowed), or the only candidate that starts with it. Case is ignored.
   */
  static Optional<String> nearest(String typed, Collection<String> candidates) {
    String word = typed.toLowerCase(Locale.ROOT);
    int allowed = Math.max(1, word.length() / 3);
    Optional<String> best = Optional.empty();
    int bestEdits = allowed + 1;
    for (String candidate : candidates) {
      int edits = edits(word, candidate.toLowerCase(Locale.ROOT));
      if (edits < bestEdits) {
        bestEdits = edits;
        best = Optional.of(candidate);
      }
    }
    if (best.isPresent() || word.length() < 3) {
      return best;
    }
    var longer =
        candidates.stream().filter(c -> c.toLowerCase(Locale.ROOT).startsWith(word)).toList();
    return longer.size() == 1 ? Optional.of(longer.get(0)) : Optional.empty();
  }

  /** Insertions, deletions, replacements and swaps of neighbours (optimal string alignment). */
  static int edits(String a, String b) {
    int[][] distance = new int[a.length() + 1][b.length() + 1];
    for (int i = 0; i <= a.length(); i++) {
      distance[i][0] = i;
    }
    for (int j = 0; j <= b.length(); j++) {
      distance[0][j] = j;
    }
    for (int i = 1; i <= a.length(); i++) {
      for (int j = 1; j <= b.length(); j++) {
        int replace = distance[i - 1][j - 1] + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
        int least = Math.min(replace, 1 + Math.min(distance[i - 1][j], distance[i][j - 1]));
        if (i > 1
            && j > 1
            && a.charAt(i - 1) == b.charAt(j - 2)
            && a.charAt(i - 2) == b.charAt(j - 1)) {
          least = Math.min(least, 1 + distance[i - 2][j - 2]);
        }
        distance[i][j] = least;
      }
    }
    return distance[a.length()][b.length()];
  }
}
