package io.shardlight.engines.pjrt;

import ai.djl.Device;
import ai.djl.MalformedModelException;
import ai.djl.Model;
import ai.djl.engine.EngineException;
import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.shardlight.diffusion.graph.DeviceFault;
import io.shardlight.diffusion.graph.Graph;
import io.shardlight.diffusion.graph.LatentDiffusion;
import io.shardlight.diffusion.graph.ParameterSource;
import io.shardlight.diffusion.graph.ReplicatedWeights;
import io.shardlight.engines.pjrt.NetworkFunction.Weight;
import io.shardlight.engines.pjrt.client.PjrtBuffer;
import io.shardlight.engines.pjrt.client.PjrtClient;
import io.shardlight.engines.pjrt.client.PjrtDevice;
import io.shardlight.engines.pjrt.client.PjrtException;
import io.shardlight.engines.pjrt.client.PjrtExecutable;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The weights of a model on devices, one buffer each for each weight. Thread-safe. */
final class ResidentWeights implements ReplicatedWeights {
  private static final Logger LOG = LoggerFactory.getLogger(ResidentWeights.class);

  private final PjrtEngine engine;
  private final PjrtClient client;
  private final Map<String, ParameterSource> parameters;
  private final List<Device> devices;
  private final List<PjrtDevice> pjrtDevices;
  private final ElementType precision;
  private final Optional<CompileCache> cache;

  private volatile boolean lost;

  @GuardedBy("this")
  private boolean closed;

  /** Of every device, by component and name. */
  @GuardedBy("this")
  private final Map<String, List<PjrtBuffer>> resident = new HashMap<>();

  ResidentWeights(
      PjrtEngine engine,
      Map<String, ? extends ParameterSource> parameters,
      List<Device> devices,
      ElementType precision,
      Optional<CompileCache> cache) {
    this.engine = engine;
    this.parameters = Map.copyOf(parameters);
    this.devices = List.copyOf(devices);
    this.precision = precision;
    this.cache = cache;
    this.client = engine.use();
    try {
      this.pjrtDevices = devices.stream().map(device -> engine.device(client, device)).toList();
    } catch (RuntimeException e) {
      engine.leave();
      throw e;
    }
  }

  @Override
  public Model load(LatentDiffusion diffusion) throws IOException, MalformedModelException {
    GenerationProgram program =
        GenerationProgram.write(diffusion, precision, AttentionForm.of(client));
    ReplicatedProgram compiled = compile(program.text(), program.weights());
    return PjrtModel.of(
        "generation",
        devices.get(0),
        engine,
        new ShardedBlock(ShardedSignature.of(diffusion), compiled, this));
  }

  /** {@inheritDoc} Computes in float32. */
  @Override
  public Model loadNetwork(Graph network) throws IOException, MalformedModelException {
    ReplicatedProgram compiled = compile(network, ElementType.F32);
    return PjrtModel.of(
        network.name(),
        devices.get(0),
        engine,
        new ShardedBlock(ShardedSignature.of(network), compiled, this));
  }

  /** A single network as a model that frees these weights when it is closed. */
  Model load(Graph graph) throws IOException, MalformedModelException {
    ReplicatedProgram compiled = compile(graph, precision);
    return PjrtModel.of(
        graph.name(), devices.get(0), engine, new NetworkBlock(graph, compiled, this));
  }

  private ReplicatedProgram compile(Graph graph, ElementType type)
      throws IOException, MalformedModelException {
    HloModule module = new HloModule(graph.name());
    HloFunction main = new HloFunction("main");
    NetworkFunction network =
        NetworkFunction.add(module, main, graph, type, AttentionForm.of(client), "network");
    List<Value> inputs = network.inputs().stream().map(main::argument).toList();
    main.results(network.call(main, inputs));
    return compile(module.text(main), network.weights());
  }

  /** The compiler works while the weights are on their way. */
  private ReplicatedProgram compile(String text, List<Weight> arguments)
      throws IOException, MalformedModelException {
    CompletableFuture<List<List<PjrtBuffer>>> weights =
        CompletableFuture.supplyAsync(() -> replicate(arguments), ResidentWeights::onOwnThread);
    List<PjrtExecutable> executables = List.of();
    boolean complete = false;
    try {
      executables = executables(text);
      ReplicatedProgram program =
          new ReplicatedProgram(
              client, pjrtDevices, arrived(weights), Replication.configured(), executables);
      complete = true;
      return program;
    } finally {
      if (!complete) {
        // What arrives stays for the next program; nothing arrives after this returns.
        weights.handle((there, failure) -> there).join();
        ReplicatedProgram.close(executables);
      }
    }
  }

  private List<PjrtExecutable> executables(String text) throws MalformedModelException {
    try {
      return ReplicatedProgram.compile(client, pjrtDevices, text, Replication.configured(), cache);
    } catch (PjrtException e) {
      EngineException fault = DeviceFaults.of("the program cannot be compiled for " + devices, e);
      // A compiler that breaks off is no lost device.
      if (fault instanceof DeviceFault.OutOfMemory || fault instanceof DeviceFault.Transient) {
        throw fault;
      }
      throw new MalformedModelException("the plugin refuses the program: " + e.getMessage(), e);
    }
  }

  private List<List<PjrtBuffer>> arrived(CompletableFuture<List<List<PjrtBuffer>>> weights)
      throws IOException {
    try {
      return weights.join();
    } catch (CompletionException e) {
      if (e.getCause() instanceof PjrtException refused) {
        throw fault("weights cannot be put on " + devices, refused);
      }
      if (e.getCause() instanceof UncheckedIOException unreadable) {
        throw Objects.requireNonNull(unreadable.getCause());
      }
      if (e.getCause() instanceof IllegalStateException gone) {
        throw closed("weights cannot be put on " + devices, gone);
      }
      if (e.getCause() instanceof RuntimeException exception) {
        throw exception;
      }
      throw e;
    }
  }

  private static void onOwnThread(Runnable task) {
    Thread thread = new Thread(task, "shardlight-replicate");
    thread.setDaemon(true);
    thread.start();
  }

  /** What to throw where a device was at work; remembers when it is lost. */
  EngineException fault(String where, PjrtException e) {
    EngineException fault = DeviceFaults.of(where, e);
    if (fault instanceof DeviceFault.Lost) {
      lost = true;
    }
    return fault;
  }

  /**
   * What to throw where something was closed under a program: the loss of a device takes with it
   * whatever else was on the same client.
   */
  RuntimeException closed(String where, IllegalStateException e) {
    return engine.isAbandoned(client) ? new DeviceFault.Lost(where + ": " + e.getMessage(), e) : e;
  }

  /**
   * Puts those weights on the devices that are not there yet.
   *
   * @return for each device all of them, in their order
   */
  private synchronized List<List<PjrtBuffer>> replicate(List<Weight> weights) {
    if (closed) {
      throw new IllegalStateException("the weights on " + devices + " have been closed");
    }
    Map<String, WeightTransfer.Weight> missing = new LinkedHashMap<>();
    long bytes = 0;
    for (Weight weight : weights) {
      if (!resident.containsKey(key(weight))) {
        ParameterSource source = Objects.requireNonNull(parameters.get(weight.component()));
        missing.put(
            key(weight),
            new WeightTransfer.Weight(source.get(weight.parameter().label()), weight.type()));
        bytes += weight.type().bytes();
      }
    }
    long start = System.nanoTime();
    try {
      resident.putAll(WeightTransfer.run(client, pjrtDevices, missing));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    if (!missing.isEmpty()) {
      LOG.info(
          "Put {} MB of weights on each of {} devices in {} ms",
          bytes / 1_000_000,
          devices.size(),
          (System.nanoTime() - start) / 1_000_000);
    }
    List<List<PjrtBuffer>> all = new ArrayList<>();
    for (int device = 0; device < devices.size(); device++) {
      List<PjrtBuffer> own = new ArrayList<>();
      for (Weight weight : weights) {
        own.add(Objects.requireNonNull(resident.get(key(weight))).get(device));
      }
      all.add(own);
    }
    return all;
  }

  private static String key(Weight weight) {
    return weight.component() + "/" + weight.parameter().label() + " as " + weight.type();
  }

  @Override
  public synchronized void close() {
    try (OpenBuffers open = new OpenBuffers()) {
      resident.values().forEach(open::addAll);
    } catch (RuntimeException e) {
      LOG.warn("Not all weights on {} could be freed: {}", devices, e.getMessage());
    }
    resident.clear();
    if (!closed) {
      closed = true;
      engine.leave();
    }
    if (lost) {
      engine.abandon(client);
    }
  }
}
