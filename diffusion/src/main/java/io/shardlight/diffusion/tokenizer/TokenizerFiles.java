package io.shardlight.diffusion.tokenizer;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The files of a diffusers model's {@code tokenizer/} folder, read and checked. */
final class TokenizerFiles {
  private static final ObjectMapper JSON = new ObjectMapper();

  /** Field names are tokens, each seen once: interning them took a quarter of the loading time. */
  private static final JsonFactory VOCABULARY =
      JsonFactory.builder()
          .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
          .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES)
          .build();

  /**
   * CLIP's vocabulary has 49152 entries before its special tokens; 256 are bytes, two special, and
   * transformers' CLIPTokenizer reads no more merges than what is left, whatever the file holds.
   */
  private static final int MAX_MERGES = 49152 - 256 - 2;

  /** transformers writes 1e30 where the tokenizer sets no limit: as good as none. */
  private static final int MAX_LENGTH = 1 << 16;

  private static final int CLIP_LENGTH = 77;

  private final Path folder;
  private final JsonNode config;
  private final JsonNode specialTokens;

  TokenizerFiles(Path folder) throws IOException {
    this.folder = folder;
    this.config = object("tokenizer_config.json");
    Path special = folder.resolve("special_tokens_map.json");
    this.specialTokens =
        Files.exists(special) ? object("special_tokens_map.json") : JSON.createObjectNode();
    JsonNode tokenizerClass = config.get("tokenizer_class");
    if (tokenizerClass != null
        && !Set.of("CLIPTokenizer", "CLIPTokenizerFast").contains(tokenizerClass.asText())) {
      throw new IOException(
          folder.resolve("tokenizer_config.json")
              + (": tokenizer_class is " + tokenizerClass)
              + ", but only CLIPTokenizer is built; use a checkpoint of Stable Diffusion 1.x or"
              + " 2.x");
    }
  }

  /** Ids by token, read as they come: CLIP's file has 49408 entries. */
  Map<String, Integer> vocabulary() throws IOException {
    Path file = requireFile(folder.resolve("vocab.json"));
    Map<String, Integer> vocabulary = new HashMap<>(1 << 17);
    try (JsonParser json = VOCABULARY.createParser(Files.readAllBytes(file))) {
      if (json.nextToken() != JsonToken.START_OBJECT) {
        throw new IOException(file + ": must be a JSON object, but begins with " + json.getText());
      }
      while (json.nextToken() == JsonToken.FIELD_NAME) {
        String token = json.currentName();
        if (json.nextToken() != JsonToken.VALUE_NUMBER_INT
            || json.getNumberType() != JsonParser.NumberType.INT
            || json.getIntValue() < 0) {
          throw new IOException(
              file
                  + (": the id of token \"" + token + "\" must be an integer from 0 on, but is ")
                  + json.getText());
        }
        vocabulary.put(token, json.getIntValue());
      }
    } catch (JsonProcessingException e) {
      throw new IOException(
          file + ": not JSON (" + e.getOriginalMessage() + "); was the file cut short?", e);
    }
    return vocabulary;
  }

  /** Pairs of symbols in the order in which they were learned. */
  List<String[]> merges() throws IOException {
    Path file = folder.resolve("merges.txt");
    List<String> lines = lines(file);
    List<String[]> merges = new ArrayList<>();
    for (int i = 1; i < lines.size() && merges.size() < MAX_MERGES; i++) { // the first is a header
      if (lines.get(i).isEmpty() && i == lines.size() - 1) {
        break;
      }
      String[] pair = lines.get(i).split(" ", -1);
      if (pair.length != 2 || pair[0].isEmpty() || pair[1].isEmpty()) {
        throw new IOException(
            file
                + (": line " + (i + 1) + " must be two symbols with a space between, but is \"")
                + (lines.get(i) + "\"; was the file cut short?"));
      }
      merges.add(pair);
    }
    if (merges.isEmpty()) {
      throw new IOException(file + ": no merges in it; was the file cut short?");
    }
    return merges;
  }

  private static List<String> lines(Path file) throws IOException {
    try {
      return Files.readAllLines(requireFile(file));
    } catch (CharacterCodingException e) {
      throw new IOException(file + ": not UTF-8; was the file damaged?", e);
    }
  }

  /** How many ids a prompt has, padding included. */
  int maxLength() throws IOException {
    JsonNode length = config.get("model_max_length");
    if (length == null || length.isNull() || length.asDouble() > MAX_LENGTH) {
      return CLIP_LENGTH;
    }
    if (!length.isInt() || length.intValue() < 3) {
      throw new IOException(
          folder.resolve("tokenizer_config.json")
              + ": model_max_length must be an integer of at least 3, but is "
              + length);
    }
    return length.intValue();
  }

  /**
   * A special token, written as a string or as an object with its content. Where the two files
   * disagree, as in Stable Diffusion 2 about the padding, {@code special_tokens_map.json} is right,
   * but newer tokenizer configs, known by their {@code added_tokens_decoder}, stand alone: so does
   * transformers' {@code from_pretrained}.
   */
  String specialToken(String key, String fallback) {
    List<JsonNode> sources =
        config.has("added_tokens_decoder") ? List.of(config) : List.of(specialTokens, config);
    for (JsonNode source : sources) {
      JsonNode token = source.get(key);
      if (token != null && token.isObject()) {
        token = token.get("content");
      }
      if (token != null && token.isTextual() && !token.textValue().isEmpty()) {
        return token.textValue();
      }
    }
    return fallback;
  }

  /** The id of a special token, which the vocabulary must have. */
  int requireId(Map<String, Integer> vocabulary, String key, String token) throws IOException {
    Integer id = vocabulary.get(token);
    if (id == null) {
      throw new IOException(
          folder.resolve("vocab.json")
              + (": no token \"" + token + "\", which is the " + key)
              + "; do vocab.json and tokenizer_config.json belong together?");
    }
    return id;
  }

  private JsonNode object(String name) throws IOException {
    Path file = folder.resolve(name);
    JsonNode root;
    try {
      root = JSON.readTree(Files.readAllBytes(requireFile(file)));
    } catch (JsonProcessingException e) {
      throw new IOException(
          file + ": not JSON (" + e.getOriginalMessage() + "); was the file cut short?", e);
    }
    if (!root.isObject()) {
      throw new IOException(file + ": must be a JSON object, but is " + root.getNodeType());
    }
    return root;
  }

  private static Path requireFile(Path file) throws IOException {
    if (!Files.isRegularFile(file)) {
      throw new IOException(
          file + ": no such file, but every CLIP tokenizer has one; is the model folder complete?");
    }
    return file;
  }
}
