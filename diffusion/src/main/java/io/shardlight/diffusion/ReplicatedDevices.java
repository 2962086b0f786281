package io.shardlight.diffusion;

import ai.djl.MalformedModelException;
import ai.djl.Model;
import ai.djl.engine.EngineException;
import ai.djl.inference.Predictor;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.translate.NoopTranslator;
import ai.djl.translate.TranslateException;
import io.shardlight.diffusion.ShardedBatch.Slot;
import io.shardlight.diffusion.graph.DeviceFault;
import io.shardlight.diffusion.graph.LatentDiffusion;
import io.shardlight.diffusion.graph.ReplicatedWeights;
import io.shardlight.diffusion.safety.SafetyChecker;
import io.shardlight.diffusion.scheduler.LatentCombinations;
import io.shardlight.diffusion.scheduler.Scheduler;
import io.shardlight.diffusion.tokenizer.ClipTokenizer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Devices of an engine that runs a whole generation as one program, each with all weights. A batch
 * is one call: every device draws its slice, from token ids to pixels.
 *
 * <p>One program serves an image size, a batch per device and a kind of guidance; steps, scheduler
 * and guidance scale are its inputs. Schedulers that add noise have another one. A device that has
 * nothing but padding to draw is left alone.
 */
final class ReplicatedDevices implements BatchRunner {
  /** Latents that programs keep: enough for most runs, and for the most steps there can be. */
  private static final int[] ROWS = {128, 1024};

  /** Programs kept ready; the longest unused goes first. */
  private static final int MAX_PROGRAMS = 8;

  private record Key(
      int batch, boolean guided, int latentHeight, int latentWidth, int rows, boolean addsNoise) {}

  private final StableDiffusion model;
  private final ReplicatedWeights weights;
  private final int devices;
  private final LinkedHashMap<Key, Generation> programs = new LinkedHashMap<>(16, 0.75f, true);
  private int loads;
  private boolean closed;

  /** Of a model with a safety checker, once it is needed. */
  private @Nullable ReplicatedChecker checker;

  /** A program that is loaded, and what it is a program of. */
  private record Generation(
      LatentDiffusion diffusion, Model model, Predictor<NDList, NDList> predictor)
      implements AutoCloseable {
    @Override
    public void close() {
      predictor.close();
      model.close();
    }
  }

  ReplicatedDevices(StableDiffusion model, ReplicatedWeights weights, int devices) {
    this.model = model;
    this.weights = weights;
    this.devices = devices;
  }

  @Override
  public int devices() {
    return devices;
  }

  @Override
  public synchronized List<GeneratedImage> run(ShardedBatch batch) throws InterruptedException {
    if (closed) {
      throw new IllegalStateException("the model has been closed");
    }
    List<Slot> slots = new ArrayList<>();
    for (List<Slot> slice : batch.slices()) {
      if (slice.get(0).live()) {
        slots.addAll(slice);
      }
    }
    ImageRequest first = slots.get(0).request();
    boolean guided = model.guides(first.guidanceScale());
    for (Slot slot : slots) {
      if (model.guides(slot.request().guidanceScale()) != guided) {
        throw new IllegalArgumentException(
            "a batch is with guidance or without, but guidance scales are "
                + first.guidanceScale()
                + " and "
                + slot.request().guidanceScale());
      }
    }
    Scheduler scheduler = first.scheduler().create(model.schedulerConfig(), first.steps());
    int calls = model.numerics().stepsToRun(scheduler.stepCount(), first.steps());
    int rows = Arrays.stream(ROWS).filter(r -> calls < r).findFirst().orElse(calls + 1);
    LatentCombinations combinations = LatentCombinations.of(scheduler, calls, rows);
    int factor = model.vae().config().downsamplingFactor();
    Generation program =
        get(
            new Key(
                batch.slices().get(0).size(),
                guided,
                first.heightPixels() / factor,
                first.widthPixels() / factor,
                rows,
                combinations.addsNoise()));
    Optional<ReplicatedChecker> looking = model.safetyChecker().map(this::checker);
    if (Thread.interrupted()) {
      throw new InterruptedException("interrupted before drawing");
    }
    List<GeneratedImage> drawn = draw(program, slots, calls, combinations);
    List<GeneratedImage> images = looking.isPresent() ? looking.get().check(drawn) : drawn;
    // A program that has begun can't be broken off.
    if (Thread.interrupted()) {
      throw new InterruptedException("interrupted while drawing");
    }
    return images;
  }

  private List<GeneratedImage> draw(
      Generation program, List<Slot> slots, int calls, LatentCombinations combinations) {
    LatentDiffusion diffusion = program.diffusion();
    List<ClipTokenizer.Encoding> prompts =
        slots.stream().map(slot -> model.tokenizer().encode(slot.request().prompt())).toList();
    byte[] pixels;
    byte[] damaged;
    try (NDManager manager = program.model().getNDManager().newSubManager();
        NDList inputs = new NDList()) {
      int tokens = model.tokenizer().maxLength();
      int passes = diffusion.passes();
      inputs.add(
          manager.create(
              IntBuffer.wrap(ids(slots, prompts, passes)),
              new Shape(slots.size(), passes, tokens),
              DataType.INT32));
      inputs.add(
          manager.create(IntBuffer.wrap(keys(slots)), new Shape(slots.size(), 2), DataType.UINT32));
      inputs.add(
          manager.create(
              FloatBuffer.wrap(guidance(slots)), new Shape(slots.size()), DataType.FLOAT32));
      inputs.add(manager.create(IntBuffer.wrap(new int[] {calls}), new Shape(), DataType.INT32));
      int rows = diffusion.rows();
      inputs.add(
          manager.create(
              FloatBuffer.wrap(combinations.timesteps()), new Shape(rows), DataType.FLOAT32));
      inputs.add(
          manager.create(
              FloatBuffer.wrap(combinations.coefficients()),
              new Shape(rows, diffusion.columns()),
              DataType.FLOAT32));
      try (NDList outputs = program.predictor().predict(inputs)) {
        pixels = outputs.get(0).toByteArray();
        damaged = outputs.get(1).toByteArray();
      }
    } catch (TranslateException | RuntimeException e) {
      throw DeviceFault.explain(describe(program, slots.size()), e);
    }
    return images(slots, prompts, pixels, damaged);
  }

  /** {@code [slots, passes, tokens]}. */
  private int[] ids(List<Slot> slots, List<ClipTokenizer.Encoding> prompts, int passes) {
    int tokens = model.tokenizer().maxLength();
    int[] ids = new int[slots.size() * passes * tokens];
    for (int i = 0; i < slots.size(); i++) {
      int start = i * passes * tokens;
      if (passes == 2) {
        int[] negative = model.tokenizer().encode(slots.get(i).request().negativePrompt()).ids();
        System.arraycopy(negative, 0, ids, start, tokens);
      }
      System.arraycopy(prompts.get(i).ids(), 0, ids, start + (passes - 1) * tokens, tokens);
    }
    return ids;
  }

  private static int[] keys(List<Slot> slots) {
    int[] keys = new int[2 * slots.size()];
    for (int i = 0; i < slots.size(); i++) {
      keys[2 * i] = slots.get(i).request().noiseKey().high();
      keys[2 * i + 1] = slots.get(i).request().noiseKey().low();
    }
    return keys;
  }

  private static float[] guidance(List<Slot> slots) {
    float[] guidance = new float[slots.size()];
    for (int i = 0; i < guidance.length; i++) {
      guidance[i] = slots.get(i).request().guidanceScale();
    }
    return guidance;
  }

  private static List<GeneratedImage> images(
      List<Slot> slots, List<ClipTokenizer.Encoding> prompts, byte[] pixels, byte[] damaged) {
    int bytes = pixels.length / slots.size();
    List<GeneratedImage> images = new ArrayList<>();
    for (int i = 0; i < slots.size(); i++) {
      ImageRequest request = slots.get(i).request();
      if (!slots.get(i).live()) {
        continue;
      }
      if (damaged[i] != 0) {
        throw new ArithmeticException(
            "the image must be numbers, but some of its values are NaN; the weights are damaged,"
                + " or a value left the range of its type");
      }
      images.add(
          new GeneratedImage(
              request.widthPixels(),
              request.heightPixels(),
              Arrays.copyOfRange(pixels, i * bytes, (i + 1) * bytes),
              prompts.get(i).truncated()));
    }
    return images;
  }

  private Generation get(Key key) {
    Generation known = programs.get(key);
    if (known != null) {
      return known;
    }
    Iterator<Generation> eldest = programs.values().iterator();
    while (programs.size() >= MAX_PROGRAMS) {
      Generation program = eldest.next();
      eldest.remove();
      program.close();
    }
    int samples = key.guided() ? 2 * key.batch() : key.batch();
    LatentDiffusion diffusion =
        new LatentDiffusion(
            model.textEncoder().graph(samples),
            model
                .unet()
                .graph(
                    samples, key.latentHeight(), key.latentWidth(), model.tokenizer().maxLength()),
            model.vae().decoderGraph(key.batch(), key.latentHeight(), key.latentWidth()),
            model.vae().config().scalingFactor(),
            key.rows(),
            key.addsNoise());
    try {
      Model loaded = weights.load(diffusion);
      Generation program =
          new Generation(diffusion, loaded, loaded.newPredictor(new NoopTranslator(null)));
      programs.put(key, program);
      loads++;
      return program;
    } catch (IOException e) {
      throw new UncheckedIOException("cannot load the model: " + e.getMessage(), e);
    } catch (MalformedModelException e) {
      throw new EngineException("the engine refuses the program of " + key, e);
    }
  }

  private ReplicatedChecker checker(SafetyChecker safetyChecker) {
    if (checker == null) {
      checker = ReplicatedChecker.load(safetyChecker, weights, devices);
    }
    return checker;
  }

  private static String describe(Generation program, int images) {
    NDManager manager = program.model().getNDManager();
    Shape latents = program.diffusion().latents();
    return images
        + " images with latents "
        + latents
        + " failed on engine "
        + manager.getEngine().getEngineName();
  }

  /** How many programs were loaded so far, for tests. */
  synchronized int loads() {
    return loads;
  }

  @Override
  public synchronized void close() {
    closed = true;
    try {
      programs.values().forEach(Generation::close);
      if (checker != null) {
        checker.close();
      }
    } finally {
      programs.clear();
      weights.close();
    }
  }
}
