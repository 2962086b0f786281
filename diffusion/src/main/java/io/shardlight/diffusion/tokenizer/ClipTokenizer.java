package io.shardlight.diffusion.tokenizer;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * CLIP's tokenizer: text to the ids that the text encoder takes, the start token first, the end
 * token after the prompt, padding to a fixed length. Ids equal those of transformers' {@code
 * CLIPTokenizer} with ftfy installed and {@code padding="max_length", truncation=True}.
 * Thread-safe.
 *
 * @see <a href="https://github.com/openai/CLIP/blob/main/clip/simple_tokenizer.py">openai/CLIP,
 *     simple_tokenizer.py</a>
 */
public final class ClipTokenizer {
  private final BytePairEncoder words;

  /** The special tokens, and the id of each; a text is cut at them before it is cleaned. */
  private final List<String> specialTokens;

  private final int[] specialIds;

  /** Special tokens that the words of lower-case text can be. */
  private final Map<String, Integer> wordIds;

  private final int startId;
  private final int endId;
  private final int paddingId;
  private final int maxLength;
  private final int vocabularySize;

  private ClipTokenizer(TokenizerFiles files) throws IOException {
    Map<String, Integer> vocabulary = files.vocabulary();
    String start = files.specialToken("bos_token", WordSplitter.START_OF_TEXT);
    String end = files.specialToken("eos_token", WordSplitter.END_OF_TEXT);
    String unknown = files.specialToken("unk_token", WordSplitter.END_OF_TEXT);
    String padding = files.specialToken("pad_token", WordSplitter.END_OF_TEXT);
    startId = files.requireId(vocabulary, "bos_token", start);
    endId = files.requireId(vocabulary, "eos_token", end);
    paddingId = files.requireId(vocabulary, "pad_token", padding);
    int unknownId = files.requireId(vocabulary, "unk_token", unknown);
    maxLength = files.maxLength();
    vocabularySize = 1 + Collections.max(vocabulary.values());
    words = new BytePairEncoder(files.merges(), vocabulary, unknownId);
    Set<String> special = new LinkedHashSet<>(List.of(start, end));
    special.add(unknown);
    special.add(padding);
    specialTokens = List.copyOf(special);
    specialIds = specialTokens.stream().mapToInt(vocabulary::get).toArray();
    wordIds =
        Map.of(
            WordSplitter.START_OF_TEXT,
            vocabulary.getOrDefault(WordSplitter.START_OF_TEXT, unknownId),
            WordSplitter.END_OF_TEXT,
            vocabulary.getOrDefault(WordSplitter.END_OF_TEXT, unknownId));
  }

  /**
   * Reads {@code vocab.json}, {@code merges.txt}, {@code tokenizer_config.json} and, if there is
   * one, {@code special_tokens_map.json}.
   *
   * @param tokenizerDirectory the {@code tokenizer} folder of a diffusers model
   * @throws IOException if a file is missing, damaged, or of another kind of tokenizer; the message
   *     names the file and what is wrong with it
   */
  public static ClipTokenizer load(Path tokenizerDirectory) throws IOException {
    return new ClipTokenizer(new TokenizerFiles(tokenizerDirectory));
  }

  /** How many ids an encoding has: 77 for CLIP ViT-L/14. */
  public int maxLength() {
    return maxLength;
  }

  /** One more than the largest id. */
  public int vocabularySize() {
    return vocabularySize;
  }

  /**
   * Ids of a text.
   *
   * @param text may be empty, which is the unconditional prompt
   */
  public Encoding encode(String text) {
    IdBuffer ids = new IdBuffer(maxLength - 2);
    int start = 0;
    while (start < text.length() && !ids.overflown()) {
      int special = nextSpecial(text, start);
      int cut = special < 0 ? text.length() : text.indexOf(specialTokens.get(special), start);
      encodePiece(text.substring(start, cut), ids);
      start = cut;
      if (special >= 0) {
        ids.add(specialIds[special]);
        start += specialTokens.get(special).length();
      }
    }
    int[] out = new int[maxLength];
    Arrays.fill(out, paddingId);
    out[0] = startId;
    System.arraycopy(ids.ids, 0, out, 1, ids.count);
    out[ids.count + 1] = endId;
    return new Encoding(out, ids.overflown);
  }

  /** The special token that begins first from here on, the longest of several; or -1. */
  private int nextSpecial(String text, int start) {
    int nearest = -1;
    int nearestAt = text.length();
    for (int i = 0; i < specialTokens.size(); i++) {
      int at = text.indexOf(specialTokens.get(i), start);
      boolean longer =
          nearest < 0 || specialTokens.get(i).length() > specialTokens.get(nearest).length();
      if (at >= 0 && (at < nearestAt || (at == nearestAt && longer))) {
        nearest = i;
        nearestAt = at;
      }
    }
    return nearest;
  }

  private void encodePiece(String piece, IdBuffer ids) {
    String cleaned = LowerCase.of(TextCleaner.clean(piece));
    WordSplitter.split(
        cleaned,
        word -> {
          Integer special = word.charAt(0) == '<' ? wordIds.get(word) : null;
          if (special != null) {
            ids.add(special);
          } else if (!ids.overflown()) {
            for (int id : words.encode(word)) {
              ids.add(id);
            }
          }
        });
  }

  /** The ids of a prompt as far as they fit. */
  private static final class IdBuffer {
    private final int[] ids;
    private int count;
    private boolean overflown;

    IdBuffer(int capacity) {
      ids = new int[capacity];
    }

    void add(int id) {
      if (count == ids.length) {
        overflown = true;
      } else {
        ids[count++] = id;
      }
    }

    boolean overflown() {
      return overflown;
    }
  }

  /** The ids of a text. Immutable; a class and no record, since a record's array is open to all. */
  public static final class Encoding {
    private final int[] ids;
    private final boolean truncated;

    private Encoding(int[] ids, boolean truncated) {
      this.ids = ids;
      this.truncated = truncated;
    }

    /** {@code maxLength} ids of the vocabulary; a copy. */
    public int[] ids() {
      return ids.clone();
    }

    /** Whether the text had more tokens than fit; the end token is kept all the same. */
    public boolean truncated() {
      return truncated;
    }

    @Override
    public boolean equals(Object other) {
      return other instanceof Encoding that
          && truncated == that.truncated
          && Arrays.equals(ids, that.ids);
    }

    @Override
    public int hashCode() {
      return 31 * Arrays.hashCode(ids) + Boolean.hashCode(truncated);
    }

    @Override
    public String toString() {
      return Arrays.toString(ids) + (truncated ? " truncated" : "");
    }
  }
}
