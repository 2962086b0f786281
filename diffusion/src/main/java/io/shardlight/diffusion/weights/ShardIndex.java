package io.shardlight.diffusion.weights;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Weights in several safetensors files beside a {@code *.safetensors.index.json} that tells which
 * tensor is in which. What index and files say must be the same: a file that is missing, that
 * belongs to another index or that lies outside the folder is refused.
 *
 * @see <a href="https://huggingface.co/docs/huggingface_hub/package_reference/serialization">
 *     huggingface_hub, split_torch_state_dict_into_shards</a>
 */
final class ShardIndex {
  /** Of 5,000 tensors it is half a megabyte. */
  private static final long MAX_INDEX_BYTES = 64 << 20;

  private static final int SHOWN = 5;
  private static final String DOWNLOAD_AGAIN = "download the component's folder again";
  private static final JsonMapper JSON =
      JsonMapper.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  private final Path file;

  /** The file name of each tensor. */
  private final Map<String, String> places;

  /** What {@code metadata.total_size} claims; negative if it claims nothing. */
  private final long totalBytes;

  private ShardIndex(Path file, Map<String, String> places, long totalBytes) {
    this.file = file;
    this.places = places;
    this.totalBytes = totalBytes;
  }

  /** Whether a file of this name is an index, of a variant too. */
  static boolean isIndex(Path file) {
    return file.getFileName().toString().matches(".*\\.safetensors\\.index(\\.\\w+)?\\.json");
  }

  /**
   * Reads an index, not yet its files.
   *
   * @throws MalformedWeightsException if it is no index, or names something that is no plain file
   *     of its own folder
   */
  static ShardIndex read(Path file) throws IOException {
    if (Files.size(file) > MAX_INDEX_BYTES) {
      throw malformed(
          file, "an index must have at most " + MAX_INDEX_BYTES + " bytes, but has more");
    }
    JsonNode json;
    try {
      json = JSON.readTree(Files.readAllBytes(file));
    } catch (JsonProcessingException e) {
      MalformedWeightsException malformed =
          malformed(file, "the index is not proper JSON: " + e.getOriginalMessage());
      malformed.initCause(e);
      throw malformed;
    }
    JsonNode map = json.path("weight_map");
    if (!map.isObject() || map.isEmpty()) {
      throw malformed(file, "the index must have a \"weight_map\" of tensors and file names");
    }
    Map<String, String> places = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> entry : map.properties()) {
      places.put(entry.getKey(), shardName(file, entry.getKey(), entry.getValue()));
    }
    JsonNode total = json.path("metadata").path("total_size");
    if (!total.isMissingNode() && !(total.canConvertToLong() && total.longValue() >= 0)) {
      throw malformed(file, "metadata.total_size must be a number of bytes, but is " + total);
    }
    return new ShardIndex(file, places, total.isMissingNode() ? -1 : total.longValue());
  }

  /** The name of a file in the index' own folder; nothing else may be read by way of an index. */
  private static String shardName(Path index, String tensor, JsonNode value)
      throws MalformedWeightsException {
    String name = value.asText();
    boolean plain =
        value.isTextual() && name.matches("[^/\\\\\\x00]+\\.safetensors") && !name.startsWith("..");
    if (!plain) {
      throw malformed(
          index,
          "tensor \""
              + tensor
              + "\" must be in a .safetensors file beside the index, but is in "
              + value);
    }
    return name;
  }

  /** The files with the tensors, in the order in which the index names them first. */
  List<Path> shards() {
    return new LinkedHashSet<>(places.values()).stream().map(file::resolveSibling).toList();
  }

  /**
   * Every tensor, in the order of the index.
   *
   * @throws MalformedWeightsException if a file is missing or damaged, or does not hold what the
   *     index says
   */
  Map<String, StoredTensor> tensors() throws IOException {
    List<String> absent =
        shards().stream()
            .filter(shard -> !Files.isRegularFile(shard))
            .map(shard -> shard.getFileName().toString())
            .toList();
    if (!absent.isEmpty()) {
      throw malformed(file, "files that the index names are missing: " + first(absent));
    }
    Map<String, StoredTensor> found = new LinkedHashMap<>();
    long bytes = 0;
    for (Path shard : shards()) {
      String name = shard.getFileName().toString();
      Map<String, StoredTensor> tensors = SafetensorsReader.read(shard);
      requireListed(name, tensors.keySet());
      found.putAll(tensors);
      bytes += tensors.values().stream().mapToLong(StoredTensor::bytes).sum();
    }
    if (totalBytes >= 0 && totalBytes != bytes) {
      throw malformed(
          file,
          "metadata.total_size is "
              + totalBytes
              + ", but the files hold "
              + bytes
              + " bytes of tensors: they do not belong together");
    }
    Map<String, StoredTensor> ordered = new LinkedHashMap<>();
    for (String name : places.keySet()) {
      @Nullable StoredTensor tensor = found.get(name);
      if (tensor == null) {
        throw malformed(
            file, "tensor \"" + name + "\" must be in " + places.get(name) + ", but is not");
      }
      ordered.put(name, tensor);
    }
    return ordered;
  }

  /** A tensor may be in the one file that the index names for it, and nowhere else. */
  private void requireListed(String shard, Set<String> tensors) throws MalformedWeightsException {
    List<String> strange = new ArrayList<>();
    for (String tensor : tensors) {
      @Nullable String place = places.get(tensor);
      if (!shard.equals(place)) {
        strange.add(
            "\""
                + tensor
                + "\", which the index "
                + (place == null ? "does not list" : "puts in " + place));
      }
    }
    if (!strange.isEmpty()) {
      throw malformed(file, shard + " holds " + first(strange));
    }
  }

  private static String first(List<String> names) {
    String shown = String.join(", ", names.subList(0, Math.min(SHOWN, names.size())));
    return names.size() > SHOWN ? shown + ", and " + (names.size() - SHOWN) + " more" : shown;
  }

  private static MalformedWeightsException malformed(Path file, String problem) {
    return new MalformedWeightsException(file, 0, problem, DOWNLOAD_AGAIN);
  }
}
