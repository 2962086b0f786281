package io.shardlight.diffusion.weights;

import ai.djl.ndarray.types.Shape;
import io.shardlight.diffusion.graph.Graph;
import io.shardlight.diffusion.graph.Node;
import io.shardlight.diffusion.graph.ParameterData;
import io.shardlight.diffusion.graph.ParameterSource;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The tensors of one component's weight file under the names and shapes of PyTorch's state dict in
 * diffusers 0.5.1 and transformers, whichever framework saved them. Opening reads the file's
 * structure, never its values; nothing is held open. Immutable and thread-safe.
 */
public final class Weights implements ParameterSource {
  /** Buffers that PyTorch saves and no network reads. */
  private static final Set<String> IGNORABLE =
      Set.of(
          "text_model.embeddings.position_ids",
          "vision_model.vision_model.embeddings.position_ids");

  /** The VAE's attention as newer diffusers name it, or in the words of 0.5.1. */
  private static final Pattern VAE_ATTENTION =
      Pattern.compile(
          "((?:encoder|decoder)\\.mid_block\\.attentions\\.\\d+\\.)"
              + "(to_[qkv]|to_out\\.0|query|key|value|proj_attn)(\\.\\w+)");

  /** What a CLIP text model is made of. */
  private static final Pattern BARE_TEXT =
      Pattern.compile("embeddings\\.|encoder\\.layers\\.|final_layer_norm\\.");

  private static final Map<String, String> FORMER =
      Map.of("to_q", "query", "to_k", "key", "to_v", "value", "to_out.0", "proj_attn");

  /** Stable Diffusion's safety checker without the inner level that transformers 5 left out. */
  private static final Pattern CHECKER_VISION =
      Pattern.compile("^vision_model\\.(?!vision_model\\.)(.+)");

  private final Path file;
  private final Origin origin;
  private final String fingerprint;
  private final UnaryOperator<String> key;
  private final Map<String, StoredTensor> tensors;

  private Weights(
      Path file,
      Origin origin,
      String fingerprint,
      UnaryOperator<String> key,
      Map<String, StoredTensor> tensors) {
    this.file = file;
    this.origin = origin;
    this.fingerprint = fingerprint;
    this.key = key;
    this.tensors = tensors;
  }

  /**
   * Opens a weight file.
   *
   * @param file {@code *.safetensors}, the {@code *.safetensors.index.json} of several, {@code
   *     diffusion_flax_model.msgpack} (diffusers' names) or another {@code *.msgpack}
   *     (transformers' names)
   * @throws MalformedWeightsException if the file is damaged
   * @throws IllegalArgumentException if the file's name has another ending
   */
  public static Weights open(Path file) throws IOException {
    String fingerprint = fingerprint(WeightFiles.all(file));
    String name = file.toString();
    if (name.endsWith(".safetensors") || ShardIndex.isIndex(file)) {
      Map<String, StoredTensor> tensors =
          withFormerNames(
              ShardIndex.isIndex(file)
                  ? ShardIndex.read(file).tensors()
                  : SafetensorsReader.read(file));
      return new Weights(file, Origin.TORCH, fingerprint, UnaryOperator.identity(), tensors);
    } else if (name.endsWith(".msgpack")) {
      FlaxNaming naming = FlaxNaming.of(file);
      Map<String, StoredTensor> tensors = FlaxReader.read(file, naming);
      return new Weights(file, Origin.FLAX, fingerprint, naming::key, tensors);
    }
    throw new IllegalArgumentException(
        file
            + ": weights must be a .safetensors or a .msgpack file; convert others with diffusers");
  }

  /** Paths, sizes and times of files. */
  static String fingerprint(List<Path> files) throws IOException {
    List<String> stamps = new ArrayList<>();
    for (Path file : files) {
      // A shard that is missing is told where the index is read.
      stamps.add(
          Files.exists(file)
              ? String.format(
                  "%s:%d:%d",
                  file.toRealPath(),
                  Files.size(file),
                  Files.getLastModifiedTime(file).to(TimeUnit.NANOSECONDS))
              : file + ":missing");
    }
    return String.join("|", stamps);
  }

  /** Gives tensors saved by newer releases the names of 0.5.1, unless the file has those too. */
  private static Map<String, StoredTensor> withFormerNames(Map<String, StoredTensor> tensors) {
    // transformers 5 saves a CLIPTextModel without the level that all before it had.
    boolean bareText = tensors.containsKey("embeddings.token_embedding.weight");
    Map<String, StoredTensor> renamed = new LinkedHashMap<>();
    tensors.forEach(
        (name, tensor) -> {
          String former =
              bareText && BARE_TEXT.matcher(name).lookingAt()
                  ? "text_model." + name
                  : CHECKER_VISION.matcher(name).replaceAll("vision_model.vision_model.$1");
          StoredTensor stored = tensor;
          Matcher matcher = VAE_ATTENTION.matcher(name);
          if (matcher.matches()) {
            String word = matcher.group(2);
            former = matcher.group(1) + FORMER.getOrDefault(word, word) + matcher.group(3);
            stored = asLinear(tensor);
          }
          String chosen = !former.equals(name) && tensors.containsKey(former) ? name : former;
          renamed.put(chosen, stored.named(chosen));
        });
    return renamed;
  }

  /** The first converters kept this attention's layers as the 1x1 convolutions they came from. */
  private static StoredTensor asLinear(StoredTensor tensor) {
    Shape shape = tensor.shape();
    boolean convolution = shape.dimension() == 4 && shape.get(2) == 1 && shape.get(3) == 1;
    return convolution ? tensor.reshaped(new Shape(shape.get(0), shape.get(1))) : tensor;
  }

  /** The file the weights lie in. */
  public Path file() {
    return file;
  }

  public Origin origin() {
    return origin;
  }

  /**
   * Every name in the file, in its order. Where Flax's naming lost whether a number was a list
   * index, it is taken for one; {@link #get} finds the tensor either way.
   */
  public Set<String> names() {
    return tensors.values().stream()
        .map(StoredTensor::name)
        .collect(Collectors.toCollection(LinkedHashSet::new));
  }

  @Override
  public ParameterData get(String name) {
    StoredTensor tensor = tensors.get(key.apply(name));
    if (tensor == null) {
      throw new IllegalArgumentException(
          file + " has no tensor \"" + name + "\"; check the graphs with requireMatch first");
    }
    return tensor.named(name);
  }

  @Override
  public String fingerprint() {
    return fingerprint;
  }

  /** As {@link #requireMatch(Collection)}. */
  public void requireMatch(Graph... graphs) throws WeightsMismatchException {
    requireMatch(List.of(graphs));
  }

  /**
   * Checks that the file holds what graphs read, in the shapes they need, and nothing else.
   *
   * @param graphs all that use the component: for a VAE the encoder's and the decoder's
   * @throws WeightsMismatchException listing everything that differs
   */
  public void requireMatch(Collection<Graph> graphs) throws WeightsMismatchException {
    Set<String> missing = new LinkedHashSet<>();
    Set<String> misshapen = new LinkedHashSet<>();
    Set<String> used = new HashSet<>();
    for (Graph graph : graphs) {
      for (Map.Entry<String, Node> parameter : graph.parameters().entrySet()) {
        String name = parameter.getKey();
        Shape wanted = parameter.getValue().shape();
        @Nullable StoredTensor found = tensors.get(key.apply(name));
        used.add(key.apply(name));
        if (found == null) {
          missing.add(name);
        } else if (!found.shape().equals(wanted)) {
          misshapen.add(name + " has shape " + found.shape() + ", but the graph needs " + wanted);
        } else if (!found.dataType().isFloating()) {
          misshapen.add(name + " holds " + found.dataType() + ", but the graph needs floats");
        }
      }
    }
    List<String> unused = new ArrayList<>();
    tensors.forEach(
        (tensorKey, tensor) -> {
          if (!used.contains(tensorKey) && !IGNORABLE.contains(tensor.name())) {
            unused.add(tensor.name());
          }
        });
    if (!missing.isEmpty() || !misshapen.isEmpty() || !unused.isEmpty()) {
      String names =
          graphs.stream().map(Graph::name).distinct().collect(Collectors.joining(" and "));
      throw new WeightsMismatchException(
          file, names, List.copyOf(missing), List.copyOf(misshapen), unused);
    }
  }

  @Override
  public String toString() {
    return file + " (" + tensors.size() + " tensors)";
  }
}
