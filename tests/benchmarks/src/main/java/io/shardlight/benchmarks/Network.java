package io.shardlight.benchmarks;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.ModelException;
import ai.djl.inference.Predictor;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.translate.NoopTranslator;
import ai.djl.translate.TranslateException;
import io.shardlight.diffusion.graph.Graph;
import io.shardlight.diffusion.graph.Lowering;
import io.shardlight.diffusion.graph.LoweringOptions;
import io.shardlight.diffusion.graph.Node;
import io.shardlight.diffusion.model.AutoencoderKl;
import io.shardlight.diffusion.model.ClipTextModel;
import io.shardlight.diffusion.model.Numerics;
import io.shardlight.diffusion.model.UNet2DCondition;
import io.shardlight.diffusion.weights.ModelDirectory;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.nio.file.Path;
import java.util.ServiceLoader;

/** One network of a checkpoint, lowered for the CPU by ONNX Runtime at the model's own size. */
final class Network implements AutoCloseable {
  /** The sequence length of CLIP's text encoder. */
  private static final int TOKENS = 77;

  private final Graph graph;
  private final Model model;
  private final Predictor<NDList, NDList> predictor;

  private Network(Graph graph, Model model) {
    this.graph = graph;
    this.model = model;
    this.predictor = model.newPredictor(new NoopTranslator(null));
  }

  /** The networks of Stable Diffusion. */
  enum Component {
    /** Two prompts: the empty one and the user's. */
    TEXT_ENCODER("text_encoder"),
    /** One guided step of one image. */
    UNET("unet"),
    /** The decoder of one image. */
    VAE("vae");

    private final String folder;

    Component(String folder) {
      this.folder = folder;
    }

    private Graph graph(ModelDirectory checkpoint) {
      int side = checkpoint.config("unet").get("sample_size").asInt();
      return switch (this) {
        case TEXT_ENCODER -> ClipTextModel.read(checkpoint.config(folder)).graph(2);
        case UNET ->
            UNet2DCondition.read(checkpoint.config(folder), Numerics.TORCH)
                .guidedGraph(1, side, side, TOKENS);
        case VAE -> AutoencoderKl.read(checkpoint.config(folder)).decoderGraph(1, side, side);
      };
    }
  }

  /**
   * @param fusions whether the lowering is the fast one or the plain one
   */
  static Network load(
      ModelDirectory checkpoint, Component component, boolean fusions, int threads, Path cache)
      throws IOException, ModelException {
    Lowering lowering =
        ServiceLoader.load(Lowering.class).stream()
            .map(ServiceLoader.Provider::get)
            .filter(l -> l.engineName().equals("OnnxRuntime"))
            .findFirst()
            .orElseThrow(() -> new IllegalStateException("no lowering for OnnxRuntime"));
    Graph graph = component.graph(checkpoint);
    return new Network(
        graph,
        lowering.load(
            graph,
            checkpoint.weights(component.folder),
            new LoweringOptions(Device.cpu(), threads, fusions, cache)));
  }

  /**
   * @param inputs a {@code float[]} or {@code long[]} for each input; repeated or cut to its size
   */
  float[] run(Object... inputs) throws TranslateException {
    try (NDManager manager = model.getNDManager().newSubManager()) {
      NDList arrays = new NDList();
      for (int i = 0; i < inputs.length; i++) {
        arrays.add(array(manager, graph.inputs().get(i), inputs[i]));
      }
      try (NDList outputs = predictor.predict(arrays)) {
        return outputs.get(0).toFloatArray();
      }
    }
  }

  private static NDArray array(NDManager manager, Node input, Object values) {
    int size = Math.toIntExact(input.shape().size());
    if (values instanceof long[] longs) {
      LongBuffer all = LongBuffer.allocate(size);
      while (all.hasRemaining()) {
        all.put(longs, 0, Math.min(longs.length, all.remaining()));
      }
      return manager.create(all.flip(), input.shape(), DataType.INT64);
    }
    float[] floats = (float[]) values;
    FloatBuffer all = FloatBuffer.allocate(size);
    while (all.hasRemaining()) {
      all.put(floats, 0, Math.min(floats.length, all.remaining()));
    }
    return manager.create(all.flip(), input.shape(), DataType.FLOAT32);
  }

  @Override
  public void close() {
    predictor.close();
    model.close();
  }
}
