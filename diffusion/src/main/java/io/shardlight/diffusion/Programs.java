package io.shardlight.diffusion;

import ai.djl.MalformedModelException;
import ai.djl.engine.EngineException;
import io.shardlight.diffusion.graph.Graph;
import io.shardlight.diffusion.graph.Lowering;
import io.shardlight.diffusion.graph.LoweringOptions;
import io.shardlight.diffusion.graph.ParameterSource;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.IntFunction;

/**
 * The programs of one model on one set of weights: the text encoder, and a UNet and a VAE decoder
 * for each image size and kind of guidance met so far, the longest unused closed first.
 * Thread-safe.
 */
final class Programs implements AutoCloseable {
  /**
   * Programs kept ready. A batch uses four at most (text encoder, UNet with and without guidance,
   * VAE) and the longest unused goes first, so none is closed while it runs.
   */
  private static final int MAX_PROGRAMS = 8;

  private record Key(String component, int batch, int latentHeight, int latentWidth) {}

  private final StableDiffusion model;
  private final Lowering lowering;
  private final IntFunction<LoweringOptions> options;
  private final LinkedHashMap<Key, Program> programs = new LinkedHashMap<>(16, 0.75f, true);
  private int loads;
  private boolean closed;

  /**
   * @param options for a program that works on so many latent pixels
   */
  Programs(StableDiffusion model, Lowering lowering, IntFunction<LoweringOptions> options) {
    this.model = model;
    this.lowering = lowering;
    this.options = options;
  }

  /** Token ids {@code [1, tokens]} to embeddings {@code [1, tokens, width]}. */
  Program textEncoder() {
    return get(new Key("text_encoder", 1, 0, 0));
  }

  /** One image's denoiser; the batch is 2 with guidance, unconditional first, else 1. */
  Program unet(boolean guided, int latentHeight, int latentWidth) {
    return get(new Key("unet", guided ? 2 : 1, latentHeight, latentWidth));
  }

  /** One image's decoder. */
  Program vaeDecoder(int latentHeight, int latentWidth) {
    return get(new Key("vae", 1, latentHeight, latentWidth));
  }

  private synchronized Program get(Key key) {
    if (closed) {
      throw new IllegalStateException("the model has been closed");
    }
    Program known = programs.get(key);
    if (known != null) {
      return known;
    }
    if (programs.size() >= MAX_PROGRAMS) {
      Map.Entry<Key, Program> eldest = programs.entrySet().iterator().next();
      programs.remove(eldest.getKey());
      eldest.getValue().close();
    }
    Program program = load(key);
    programs.put(key, program);
    return program;
  }

  private Program load(Key key) {
    Graph graph =
        switch (key.component()) {
          case "text_encoder" -> model.textEncoder().graph(key.batch());
          case "unet" ->
              model
                  .unet()
                  .graph(
                      key.batch(),
                      key.latentHeight(),
                      key.latentWidth(),
                      model.tokenizer().maxLength());
          default -> model.vae().decoderGraph(key.batch(), key.latentHeight(), key.latentWidth());
        };
    ParameterSource weights = model.weights(key.component());
    int latentPixels =
        key.component().equals("text_encoder")
            ? model.sampleSize() * model.sampleSize()
            : key.latentHeight() * key.latentWidth();
    try {
      Program program =
          new Program(graph, lowering.load(graph, weights, options.apply(latentPixels)));
      loads++;
      return program;
    } catch (IOException e) {
      throw new UncheckedIOException("cannot load " + graph.name() + ": " + e.getMessage(), e);
    } catch (MalformedModelException e) {
      throw new EngineException(
          lowering.engineName() + " refuses the program of " + graph.name(), e);
    }
  }

  /** How many programs were loaded so far, for tests. */
  synchronized int loads() {
    return loads;
  }

  @Override
  public synchronized void close() {
    closed = true;
    programs.values().forEach(Program::close);
    programs.clear();
  }
}
