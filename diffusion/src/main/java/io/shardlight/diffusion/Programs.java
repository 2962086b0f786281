package io.shardlight.diffusion;

import ai.djl.MalformedModelException;
import ai.djl.engine.EngineException;
import ai.djl.ndarray.types.DataType;
import io.shardlight.diffusion.graph.Graph;
import io.shardlight.diffusion.graph.Lowering;
import io.shardlight.diffusion.graph.LoweringOptions;
import io.shardlight.diffusion.graph.ParameterSource;
import io.shardlight.diffusion.model.AutoencoderKl;
import io.shardlight.diffusion.model.ClipTextModel;
import io.shardlight.diffusion.model.ClipVisionModel;
import io.shardlight.diffusion.model.UNet2DCondition;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.IntFunction;
import java.util.stream.Collectors;

/**
 * The programs of one model on one set of weights: the text encoder, and a UNet and a VAE decoder
 * for each image size and kind of guidance met so far, the longest unused closed first.
 * Thread-safe.
 */
final class Programs implements AutoCloseable {
  /**
   * Programs kept ready. A batch uses five at most (text encoder, UNet with and without guidance,
   * VAE, safety checker) and the longest unused goes first, so none is closed while it runs.
   */
  private static final int MAX_PROGRAMS = 8;

  private record Key(String component, boolean guided, int latentHeight, int latentWidth) {}

  private static final Key TEXT_ENCODER = new Key(ClipTextModel.COMPONENT, false, 0, 0);
  private static final Key SAFETY_CHECKER = new Key(ClipVisionModel.COMPONENT, false, 0, 0);

  /** What images of every size need. */
  private static final Set<Key> OF_ALL_SIZES = Set.of(TEXT_ENCODER, SAFETY_CHECKER);

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
    return get(TEXT_ENCODER);
  }

  /** One image's denoiser; with guidance for two embeddings, the unconditional first. */
  Program unet(boolean guided, int latentHeight, int latentWidth) {
    return get(unetKey(guided, latentHeight, latentWidth));
  }

  /** One image's decoder. */
  Program vaeDecoder(int latentHeight, int latentWidth) {
    return get(vaeKey(latentHeight, latentWidth));
  }

  /** One image's checker; only of a model that has one. */
  Program safetyChecker() {
    return get(SAFETY_CHECKER);
  }

  /**
   * Loads, side by side, what an image of this size needs and is not there yet: reading and laying
   * out a network keeps one core busy.
   */
  synchronized void prepare(boolean guided, int latentHeight, int latentWidth) {
    List<Key> keys = new ArrayList<>();
    keys.add(TEXT_ENCODER);
    keys.add(unetKey(guided, latentHeight, latentWidth));
    keys.add(vaeKey(latentHeight, latentWidth));
    if (model.safetyChecker().isPresent()) {
      keys.add(SAFETY_CHECKER);
    }
    load(keys);
  }

  private synchronized Program get(Key key) {
    load(List.of(key));
    return Objects.requireNonNull(programs.get(key));
  }

  /** Makes sure that programs are there, and the last to be closed. */
  private void load(List<Key> keys) {
    requireOpen();
    List<Key> missing = keys.stream().filter(key -> programs.get(key) == null).toList();
    makeRoom(missing.size());
    List<CompletableFuture<Program>> loading =
        missing.stream().map(key -> CompletableFuture.supplyAsync(() -> load(key))).toList();
    // All end before a failure is thrown, so that none stays open unseen.
    Throwable failure = null;
    for (int i = 0; i < missing.size(); i++) {
      try {
        programs.put(missing.get(i), loading.get(i).join());
        loads++;
      } catch (CompletionException e) {
        failure = failure == null ? e.getCause() : failure;
      }
    }
    if (failure instanceof Error error) {
      throw error;
    }
    if (failure instanceof RuntimeException exception) {
      throw exception;
    }
  }

  private static Key unetKey(boolean guided, int latentHeight, int latentWidth) {
    return new Key(UNet2DCondition.COMPONENT, guided, latentHeight, latentWidth);
  }

  private static Key vaeKey(int latentHeight, int latentWidth) {
    return new Key(AutoencoderKl.COMPONENT, false, latentHeight, latentWidth);
  }

  private void requireOpen() {
    if (closed) {
      throw new IllegalStateException("the model has been closed");
    }
  }

  /** Closes the longest unused; never what every size needs. */
  private void makeRoom(int places) {
    Iterator<Map.Entry<Key, Program>> eldest = programs.entrySet().iterator();
    while (programs.size() > MAX_PROGRAMS - places) {
      Map.Entry<Key, Program> entry = eldest.next();
      if (!OF_ALL_SIZES.contains(entry.getKey())) {
        eldest.remove();
        entry.getValue().close();
      }
    }
  }

  private Graph graph(Key key) {
    int height = key.latentHeight();
    int width = key.latentWidth();
    int tokens = model.tokenizer().maxLength();
    return switch (key.component()) {
      case ClipTextModel.COMPONENT -> model.textEncoder().graph(1);
      case UNet2DCondition.COMPONENT ->
          key.guided()
              ? model.unet().guidedGraph(1, height, width, tokens)
              : model.unet().graph(1, height, width, tokens);
      case ClipVisionModel.COMPONENT -> model.safetyChecker().orElseThrow().graph();
      default -> model.vae().decoderGraph(1, height, width);
    };
  }

  private Program load(Key key) {
    Graph graph = graph(key);
    ParameterSource weights = Objects.requireNonNull(model.weights().get(key.component()));
    int latentPixels =
        OF_ALL_SIZES.contains(key)
            ? model.sampleSize() * model.sampleSize()
            : key.latentHeight() * key.latentWidth();
    LoweringOptions chosen = options.apply(latentPixels);
    if (OF_ALL_SIZES.contains(key)) {
      // As in the original program, whatever the others compute in.
      chosen = chosen.withDataType(DataType.FLOAT32);
    }
    try {
      return new Program(graph, lowering.load(graph, weights, chosen));
    } catch (IOException e) {
      throw new UncheckedIOException("cannot load " + graph.name() + ": " + e.getMessage(), e);
    } catch (MalformedModelException e) {
      throw new EngineException(
          lowering.engineName() + " refuses the program of " + graph.name(), e);
    }
  }

  /** Closes a component's programs, none of which runs; they are loaded again when needed. */
  synchronized void release(String component) {
    programs
        .entrySet()
        .removeIf(
            entry -> {
              boolean released = entry.getKey().component().equals(component);
              if (released) {
                entry.getValue().close();
              }
              return released;
            });
  }

  /** Closes all programs, none of which runs; they are loaded again when needed. */
  synchronized void releaseAll() {
    programs.values().forEach(Program::close);
    programs.clear();
  }

  /** The components of the programs that are loaded now, for tests. */
  synchronized Set<String> resident() {
    return programs.keySet().stream().map(Key::component).collect(Collectors.toSet());
  }

  /** How many programs were loaded so far, for tests. */
  synchronized int loads() {
    return loads;
  }

  @Override
  public synchronized void close() {
    closed = true;
    releaseAll();
  }
}
