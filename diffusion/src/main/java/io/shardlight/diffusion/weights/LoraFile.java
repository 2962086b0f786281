package io.shardlight.diffusion.weights;

import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import io.shardlight.diffusion.graph.ParameterData;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The layers of a LoRA file. Opening reads names, shapes and the layers' alphas, no other values.
 * Immutable and thread-safe.
 *
 * <p>Read are the namings of kohya's trainer ({@code lora_unet_down_blocks_0_….lora_down.weight}),
 * of diffusers with peft ({@code unet.down_blocks.0.….lora_A.weight}), and the two that diffusers
 * had before ({@code ….lora.down.weight}, {@code ….processor.to_q_lora.down.weight}).
 */
final class LoraFile {
  private static final Pattern PART =
      Pattern.compile(
          "(.+?)(?:\\.lora_(down|up)|\\.lora_(A|B)|(?:\\.lora|\\.lora_linear_layer|(?<=_lora))"
              + "\\.(down|up))\\.weight");

  private static final Pattern ALPHA = Pattern.compile("(.+)\\.alpha");

  /** What other kinds of files can be told by, and what they are. */
  private static final Map<String, String> OTHER_KINDS = otherKinds();

  private static final String TRAIN_PLAIN =
      "only plain LoRAs (lora_down and lora_up, or lora_A and lora_B) are supported; take one, or"
          + " merge this one into the checkpoint with the tool that made it";

  private final Path file;
  private final String fingerprint;
  private final List<Layer> layers;

  private LoraFile(Path file, String fingerprint, List<Layer> layers) {
    this.file = file;
    this.fingerprint = fingerprint;
    this.layers = layers;
  }

  /**
   * A change of one layer's weight: {@code alpha / rank · up · down}.
   *
   * @param stem the layer's name in the file
   * @param down {@code [rank, in]} or {@code [rank, in, height, width]}
   * @param up {@code [out, rank]} or {@code [out, rank, 1, 1]}
   * @param factor alpha / rank
   */
  record Layer(String stem, ParameterData down, ParameterData up, double factor) {
    int rank() {
      return Math.toIntExact(down.shape().get(0));
    }

    /** Of the weight that it changes, without trailing ones. */
    List<Long> weightShape() {
      List<Long> shape = new ArrayList<>(List.of(up.shape().get(0)));
      shape.addAll(LoraFile.dimensions(down.shape()).subList(1, down.shape().dimension()));
      return LoraFile.withoutTrailingOnes(shape);
    }
  }

  private static Map<String, String> otherKinds() {
    Map<String, String> kinds = new LinkedHashMap<>();
    kinds.put("hada_", "a LoHa (Hadamard products, hada_w1_a …)");
    kinds.put("lokr_", "a LoKr (Kronecker products, lokr_w1 …)");
    kinds.put("lora_mid", "a LoCon in CP decomposition (lora_mid)");
    kinds.put("dora_scale", "a DoRA (dora_scale)");
    kinds.put("lora_magnitude_vector", "a DoRA (lora_magnitude_vector)");
    kinds.put("oft_", "an OFT (oft_blocks …)");
    kinds.put("boft_", "a BOFT");
    kinds.put("on_input", "an IA3 (on_input)");
    kinds.put(".diff", "a LyCORIS of full differences (diff)");
    kinds.put("lora_A.bias", "a LoRA with biases (lora_A.bias)");
    kinds.put("lora_B.bias", "a LoRA with biases (lora_B.bias)");
    kinds.put("emb_params", "a textual inversion embedding (emb_params)");
    return kinds;
  }

  /**
   * Reads a LoRA.
   *
   * @throws MalformedWeightsException if the file is damaged
   * @throws LoraException if it is no LoRA, or a kind that is not supported, naming the kind
   */
  static LoraFile read(Path file) throws IOException {
    SafetensorsReader.Contents contents = SafetensorsReader.contents(file);
    Map<String, StoredTensor> downs = new LinkedHashMap<>();
    Map<String, StoredTensor> ups = new LinkedHashMap<>();
    Map<String, StoredTensor> alphas = new LinkedHashMap<>();
    List<String> others = new ArrayList<>();
    contents
        .tensors()
        .forEach(
            (name, tensor) -> {
              Matcher part = PART.matcher(name);
              Matcher alpha = ALPHA.matcher(name);
              if (kindOf(name).isPresent()) {
                others.add(name);
              } else if (part.matches()) {
                boolean isDown = "down".equals(part.group(2)) || "A".equals(part.group(3));
                isDown |= "down".equals(part.group(4));
                (isDown ? downs : ups).put(part.group(1), tensor);
              } else if (alpha.matches()) {
                alphas.put(alpha.group(1), tensor);
              } else {
                others.add(name);
              }
            });
    refuse(file, others, downs.isEmpty() && ups.isEmpty());
    requirePairs(file, downs, ups, alphas);
    LoraMetadata metadata = LoraMetadata.of(file, contents.metadata());
    List<Layer> layers = new ArrayList<>();
    for (Map.Entry<String, StoredTensor> down : downs.entrySet()) {
      String stem = down.getKey();
      @Nullable StoredTensor up = ups.get(stem);
      if (up != null) {
        @Nullable StoredTensor alpha = alphas.get(stem);
        layers.add(layer(file, stem, down.getValue(), up, Optional.ofNullable(alpha), metadata));
      }
    }
    return new LoraFile(file, Weights.fingerprint(List.of(file)), List.copyOf(layers));
  }

  private static Optional<String> kindOf(String tensor) {
    return OTHER_KINDS.keySet().stream().filter(tensor::contains).findFirst();
  }

  private static void refuse(Path file, List<String> others, boolean nothing) throws LoraException {
    if (others.isEmpty() && !nothing) {
      return;
    }
    for (String other : others) {
      Optional<String> kind = kindOf(other);
      if (kind.isPresent()) {
        throw new LoraException(
            file, "is " + OTHER_KINDS.get(kind.get()), List.of(other), TRAIN_PLAIN);
      }
    }
    throw new LoraException(
        file,
        nothing ? "is not a LoRA, as no tensor is named like one's" : "has tensors of no LoRA",
        others,
        nothing
            ? "give a file with lora_down and lora_up, or lora_A and lora_B, in its names"
            : TRAIN_PLAIN);
  }

  private static void requirePairs(
      Path file,
      Map<String, StoredTensor> downs,
      Map<String, StoredTensor> ups,
      Map<String, StoredTensor> alphas)
      throws LoraException {
    TreeSet<String> lonely = new TreeSet<>(downs.keySet());
    lonely.removeAll(ups.keySet());
    ups.keySet().stream().filter(stem -> !downs.containsKey(stem)).forEach(lonely::add);
    alphas.keySet().stream().filter(stem -> !downs.containsKey(stem)).forEach(lonely::add);
    if (!lonely.isEmpty()) {
      throw new LoraException(
          file,
          "has layers with one of the two factors only",
          List.copyOf(lonely),
          "download or save it again");
    }
  }

  private static Layer layer(
      Path file,
      String stem,
      StoredTensor down,
      StoredTensor up,
      Optional<StoredTensor> alpha,
      LoraMetadata metadata)
      throws IOException {
    long rank = down.shape().dimension() == 0 ? 0 : down.shape().get(0);
    List<Long> upShape = dimensions(up.shape());
    boolean fits =
        down.shape().dimension() >= 2
            && upShape.size() >= 2
            && rank > 0
            && upShape.get(1) == rank
            && upShape.subList(2, upShape.size()).stream().allMatch(d -> d == 1)
            && down.dataType().isFloating()
            && up.dataType().isFloating();
    if (!fits) {
      throw new LoraException(
          file,
          "has a layer whose factors do not fit each other",
          List.of(stem + " with " + down.shape() + " and " + up.shape()),
          "[rank, in, …] and [out, rank] are wanted; download or save it again");
    }
    OptionalDouble own = alpha.isPresent() ? value(file, alpha.get()) : OptionalDouble.empty();
    double factor = own.isPresent() ? own.getAsDouble() / rank : metadata.factor(stem, rank);
    return new Layer(stem, down, up, factor);
  }

  /** A number; a trainer's integers become integer tensors where it does not round them. */
  private static OptionalDouble value(Path file, StoredTensor alpha) throws IOException {
    boolean integer = alpha.dataType() == DataType.INT64 || alpha.dataType() == DataType.INT32;
    if (alpha.shape().size() == 1 && (integer || alpha.dataType().isFloating())) {
      float[] value = new float[1];
      if (integer) {
        value[0] = alpha.integer();
      } else {
        alpha.read(0, FloatBuffer.wrap(value));
      }
      if (Float.isFinite(value[0])) {
        return OptionalDouble.of(value[0]);
      }
    }
    throw new LoraException(
        file,
        "has an alpha that is not one finite number",
        List.of(alpha.toString()),
        "download or save it again");
  }

  static List<Long> dimensions(Shape shape) {
    List<Long> dimensions = new ArrayList<>();
    for (long dimension : shape.getShape()) {
      dimensions.add(dimension);
    }
    return dimensions;
  }

  /** A 1x1 convolution and a linear layer are of one shape so. */
  static List<Long> withoutTrailingOnes(List<Long> shape) {
    int length = shape.size();
    while (length > 2 && shape.get(length - 1) == 1) {
      length--;
    }
    return shape.subList(0, length);
  }

  Path file() {
    return file;
  }

  /** Changes whenever the values could have changed. */
  String fingerprint() {
    return fingerprint;
  }

  List<Layer> layers() {
    return layers;
  }
}
