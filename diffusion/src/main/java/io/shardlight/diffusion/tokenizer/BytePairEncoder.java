package io.shardlight.diffusion.tokenizer;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Byte-pair encoding of single words: a word's bytes, joined pair by pair in the order in which the
 * merges were learned. Thread-safe; remembers the ids of words it has seen.
 *
 * <p>Takes O(n log n) for a word of n bytes, so that a prompt of a million x's does no harm.
 *
 * @see <a href="https://aclanthology.org/P16-1162">Sennrich et al. 2016, Neural Machine Translation
 *     of Rare Words with Subword Units, section 3.2</a>
 */
final class BytePairEncoder {
  /** Ends the last symbol of a word. */
  private static final String END_OF_WORD = "</w>";

  /** The cache starts anew beyond this many words: some 30 MB. */
  private static final int MAX_CACHED_WORDS = 200_000;

  /** Longer words are seldom seen twice. */
  private static final int MAX_CACHED_LENGTH = 64;

  /** A merge learned: its turn, and the symbol it makes. */
  private record Merge(int rank, int symbol) {}

  /** A pair in a word that can be joined: its turn, and where its left symbol begins. */
  private record Candidate(int rank, int left, int right, int symbol)
      implements Comparable<Candidate> {
    @Override
    public int compareTo(Candidate other) {
      return rank != other.rank
          ? Integer.compare(rank, other.rank)
          : Integer.compare(left, other.left);
    }
  }

  private final Map<Long, Merge> merges;

  /** Vocabulary ids of symbols, by number of the symbol. */
  private final int[] ids;

  /** Numbers of the symbols of a byte, within a word and at its end. */
  private final int[] inner = new int[256];

  private final int[] last = new int[256];
  private final ConcurrentHashMap<String, int[]> cache = new ConcurrentHashMap<>();

  /**
   * @param mergesInOrder pairs of symbols, the one learned first in front
   * @param vocabulary ids by symbol
   * @param unknownId of symbols that the vocabulary lacks
   */
  BytePairEncoder(List<String[]> mergesInOrder, Map<String, Integer> vocabulary, int unknownId) {
    Map<String, Integer> numbers = new HashMap<>(4 * mergesInOrder.size());
    merges = new HashMap<>(2 * mergesInOrder.size());
    for (int b = 0; b < 256; b++) {
      String symbol = ByteSymbols.of((byte) b);
      inner[b] = number(numbers, symbol);
      last[b] = number(numbers, symbol + END_OF_WORD);
    }
    for (int rank = 0; rank < mergesInOrder.size(); rank++) {
      String[] pair = mergesInOrder.get(rank);
      int left = number(numbers, pair[0]);
      int right = number(numbers, pair[1]);
      int joined = number(numbers, pair[0] + pair[1]);
      merges.put(key(left, right), new Merge(rank, joined));
    }
    ids = new int[numbers.size()];
    numbers.forEach((symbol, n) -> ids[n] = vocabulary.getOrDefault(symbol, unknownId));
  }

  private static int number(Map<String, Integer> numbers, String symbol) {
    return numbers.computeIfAbsent(symbol, s -> numbers.size());
  }

  private static long key(int left, int right) {
    return ((long) left << 32) | right;
  }

  /** Ids of a word; the array is shared and must not be changed. */
  int[] encode(String word) {
    if (word.length() > MAX_CACHED_LENGTH) {
      return encodeBytes(word.getBytes(StandardCharsets.UTF_8));
    }
    int[] known = cache.get(word);
    if (known != null) {
      return known;
    }
    int[] encoded = encodeBytes(word.getBytes(StandardCharsets.UTF_8));
    if (cache.size() >= MAX_CACHED_WORDS) {
      cache.clear();
    }
    cache.put(word, encoded);
    return encoded;
  }

  int cachedWords() {
    return cache.size();
  }

  private int[] encodeBytes(byte[] bytes) {
    int n = bytes.length;
    // A linked list of symbols; a joined pair lives on at its left place.
    int[] symbols = new int[n];
    int[] next = new int[n];
    int[] previous = new int[n];
    for (int i = 0; i < n; i++) {
      symbols[i] = (i < n - 1 ? inner : last)[bytes[i] & 0xff];
      next[i] = i + 1;
      previous[i] = i - 1;
    }
    PriorityQueue<Candidate> candidates = new PriorityQueue<>();
    for (int i = 0; i + 1 < n; i++) {
      offer(candidates, symbols, i, i + 1);
    }
    while (!candidates.isEmpty()) {
      // All places of the pair that was learned first, from left to right; pairs that arise on the
      // way come after it, also those with an earlier turn.
      int rank = candidates.element().rank();
      PriorityQueue<Candidate> arising = new PriorityQueue<>();
      while (!candidates.isEmpty() && candidates.element().rank() == rank) {
        Candidate pair = candidates.remove();
        int left = pair.left();
        int right = pair.right();
        if (next[left] != right || !isStill(pair, symbols)) {
          continue; // one of its symbols was joined to another
        }
        symbols[left] = pair.symbol();
        symbols[right] = -1;
        next[left] = next[right];
        if (next[left] < n) {
          previous[next[left]] = left;
          offer(arising, symbols, left, next[left]);
        }
        if (previous[left] >= 0) {
          offer(arising, symbols, previous[left], left);
        }
      }
      candidates.addAll(arising);
    }
    int[] out = new int[n];
    int count = 0;
    for (int i = 0; i < n; i = next[i]) {
      out[count++] = ids[symbols[i]];
    }
    return Arrays.copyOf(out, count);
  }

  private void offer(PriorityQueue<Candidate> queue, int[] symbols, int left, int right) {
    Merge merge = merges.get(key(symbols[left], symbols[right]));
    if (merge != null) {
      queue.add(new Candidate(merge.rank(), left, right, merge.symbol()));
    }
  }

  private boolean isStill(Candidate pair, int[] symbols) {
    int left = symbols[pair.left()];
    int right = symbols[pair.right()];
    if (left < 0 || right < 0) {
      return false;
    }
    Merge merge = merges.get(key(left, right));
    return merge != null && merge.rank() == pair.rank();
  }
}
