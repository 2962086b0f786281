package io.shardlight.diffusion;

import io.shardlight.diffusion.tokenizer.ClipTokenizer;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Prompts to embeddings. Embeddings are kept for a while, so that the unconditional prompt is
 * computed once a run and the images of one prompt share theirs. Thread-safe.
 */
final class PromptEncoder {
  private static final int CACHED_PROMPTS = 64;

  /** Immutable by convention: the values are not copied. */
  static final class PromptEmbeddings {
    private final float[] values;
    private final boolean truncated;

    PromptEmbeddings(float[] values, boolean truncated) {
      this.values = values;
      this.truncated = truncated;
    }

    /** Float32 {@code [1, tokens, width]}, row-major; not to be written. */
    float[] values() {
      return values;
    }

    /** Whether tokens were cut off. */
    boolean truncated() {
      return truncated;
    }
  }

  private final ClipTokenizer tokenizer;
  private final Programs programs;
  private final Map<String, PromptEmbeddings> cache =
      new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, PromptEmbeddings> eldest) {
          return size() > capacity;
        }
      };
  private int capacity = CACHED_PROMPTS;
  private int runs;

  PromptEncoder(ClipTokenizer tokenizer, Programs programs) {
    this.tokenizer = tokenizer;
    this.programs = programs;
  }

  PromptEmbeddings encode(String prompt) {
    synchronized (cache) {
      PromptEmbeddings known = cache.get(prompt);
      if (known != null) {
        return known;
      }
      // Under the lock: a prompt that several images share is computed once, not once a lane.
      ClipTokenizer.Encoding encoding = tokenizer.encode(prompt);
      long[] ids = new long[encoding.ids().length];
      for (int i = 0; i < ids.length; i++) {
        ids[i] = encoding.ids()[i];
      }
      PromptEmbeddings embeddings =
          new PromptEmbeddings(programs.textEncoder().run((Object) ids), encoding.truncated());
      runs++;
      cache.put(prompt, embeddings);
      return embeddings;
    }
  }

  /** Makes room for as many prompts as are to be kept at once. */
  void keep(int prompts) {
    synchronized (cache) {
      capacity = Math.max(capacity, prompts);
    }
  }

  /** Whether tokens of a prompt are cut off. */
  boolean truncates(String prompt) {
    return tokenizer.encode(prompt).truncated();
  }

  /** How often the text encoder ran, for tests. */
  int runs() {
    synchronized (cache) {
      return runs;
    }
  }
}
