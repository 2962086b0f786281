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
import io.shardlight.engines.pjrt.GenerationProgram.Weight;
import io.shardlight.engines.pjrt.client.HostBufferSemantics;
import io.shardlight.engines.pjrt.client.PjrtBuffer;
import io.shardlight.engines.pjrt.client.PjrtClient;
import io.shardlight.engines.pjrt.client.PjrtDevice;
import io.shardlight.engines.pjrt.client.PjrtException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
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

  /** Of every device, by component and name. */
  @GuardedBy("this")
  private final Map<String, List<PjrtBuffer>> resident = new HashMap<>();

  ResidentWeights(
      PjrtEngine engine,
      Map<String, ? extends ParameterSource> parameters,
      List<Device> devices,
      ElementType precision,
      Optional<Path> cacheDirectory) {
    this.engine = engine;
    this.client = engine.client();
    this.parameters = Map.copyOf(parameters);
    this.devices = List.copyOf(devices);
    this.pjrtDevices = devices.stream().map(device -> engine.device(client, device)).toList();
    this.precision = precision;
    this.cache = cacheDirectory.map(CompileCache::new);
  }

  @Override
  public Model load(LatentDiffusion diffusion) throws IOException, MalformedModelException {
    GenerationProgram program = GenerationProgram.write(diffusion, precision);
    ReplicatedProgram compiled = compile(program.text(), program.weights());
    return PjrtModel.of(
        "generation", devices.get(0), engine, new GenerationBlock(diffusion, compiled, this));
  }

  /** A single network as a model that frees these weights when it is closed. */
  Model load(Graph graph) throws IOException, MalformedModelException {
    HloFunction main = GraphFunction.write(graph, precision, "main");
    List<Weight> weights =
        graph.parameters().values().stream()
            .map(
                parameter ->
                    new Weight(
                        graph.name(), parameter, GraphFunction.parameterType(parameter, precision)))
            .toList();
    ReplicatedProgram compiled = compile(new HloModule(graph.name()).text(main), weights);
    return PjrtModel.of(
        graph.name(), devices.get(0), engine, new NetworkBlock(graph, compiled, this));
  }

  private ReplicatedProgram compile(String text, List<Weight> arguments)
      throws IOException, MalformedModelException {
    List<List<PjrtBuffer>> weights = new ArrayList<>();
    pjrtDevices.forEach(device -> weights.add(new ArrayList<>()));
    try {
      for (Weight weight : arguments) {
        List<PjrtBuffer> copies = replicate(weight);
        for (int i = 0; i < copies.size(); i++) {
          weights.get(i).add(copies.get(i));
        }
      }
    } catch (PjrtException e) {
      throw fault("weights cannot be put on " + devices, e);
    }
    try {
      return ReplicatedProgram.compile(
          client, pjrtDevices, text, weights, Replication.configured(), cache);
    } catch (PjrtException e) {
      EngineException fault = DeviceFaults.of("the program cannot be compiled for " + devices, e);
      // A compiler that breaks off is no lost device.
      if (fault instanceof DeviceFault.OutOfMemory || fault instanceof DeviceFault.Transient) {
        throw fault;
      }
      throw new MalformedModelException("the plugin refuses the program: " + e.getMessage(), e);
    }
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

  private List<PjrtBuffer> replicate(Weight weight) throws IOException {
    String key = weight.component() + "/" + weight.parameter().label();
    synchronized (this) {
      List<PjrtBuffer> known = resident.get(key);
      if (known != null) {
        return known;
      }
      ParameterSource source = Objects.requireNonNull(parameters.get(weight.component()));
      HostWeight host = HostWeight.read(source.get(weight.parameter().label()), weight.type());
      try (OpenBuffers copies = new OpenBuffers()) {
        for (PjrtDevice device : pjrtDevices) {
          copies.add(
              client.upload(
                  host.bytes(),
                  weight.type().pjrtShape(),
                  host.byteStrides(),
                  device,
                  HostBufferSemantics.IMMUTABLE_UNTIL_TRANSFER_COMPLETES));
        }
        // Else the host would hold what every weight was read into for as long as the device does.
        copies.list().forEach(PjrtBuffer::awaitTransfer);
        List<PjrtBuffer> all = copies.keep();
        resident.put(key, all);
        return all;
      }
    }
  }

  @Override
  public synchronized void close() {
    try (OpenBuffers open = new OpenBuffers()) {
      resident.values().forEach(open::addAll);
    } catch (RuntimeException e) {
      LOG.warn("Not all weights on {} could be freed: {}", devices, e.getMessage());
    }
    resident.clear();
    if (lost) {
      engine.abandon(client);
    }
  }
}
