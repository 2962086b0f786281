package io.shardlight.engines.pjrt;

import ai.djl.Device;
import ai.djl.MalformedModelException;
import ai.djl.engine.EngineException;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.AbstractSymbolBlock;
import ai.djl.nn.ParameterList;
import ai.djl.training.ParameterStore;
import ai.djl.util.PairList;
import io.shardlight.diffusion.graph.DeviceFault;
import io.shardlight.engines.pjrt.client.HostBufferSemantics;
import io.shardlight.engines.pjrt.client.PjrtBuffer;
import io.shardlight.engines.pjrt.client.PjrtClient;
import io.shardlight.engines.pjrt.client.PjrtDevice;
import io.shardlight.engines.pjrt.client.PjrtException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/** A program of somebody's own on one device, and the arguments that stay there. */
final class StableHloBlock extends AbstractSymbolBlock implements AutoCloseable {
  private final PjrtEngine engine;
  private final PjrtClient client;
  private final String name;
  private final ReplicatedProgram program;
  private final List<PjrtBuffer> weights;
  private final AtomicBoolean closed = new AtomicBoolean();
  private volatile boolean lost;

  private StableHloBlock(
      PjrtEngine engine,
      PjrtClient client,
      String name,
      ReplicatedProgram program,
      List<PjrtBuffer> weights) {
    this.engine = engine;
    this.client = client;
    this.name = name;
    this.program = program;
    this.weights = weights;
  }

  /**
   * @param module a file of StableHLO text
   * @param arrays an {@code npz} file with the first arguments; there may be none
   */
  static StableHloBlock load(PjrtEngine engine, Device device, Path module, Path arrays)
      throws IOException, MalformedModelException {
    PjrtClient client = engine.use();
    boolean loaded = false;
    try (OpenBuffers weights = new OpenBuffers()) {
      PjrtDevice target = engine.device(client, device);
      if (Files.exists(arrays)) {
        upload(engine, client, target, arrays, weights);
      }
      weights.list().forEach(PjrtBuffer::awaitTransfer);
      ReplicatedProgram program =
          new ReplicatedProgram(
              client,
              List.of(target),
              List.of(weights.list()),
              Replication.TOGETHER,
              ReplicatedProgram.compile(
                  client,
                  List.of(target),
                  Files.readString(module),
                  Replication.TOGETHER,
                  Optional.empty()));
      loaded = true;
      return new StableHloBlock(
          engine, client, String.valueOf(module.getFileName()), program, weights.keep());
    } catch (PjrtException e) {
      throw new MalformedModelException(module + " cannot be loaded: " + e.getMessage(), e);
    } finally {
      if (!loaded) {
        engine.leave();
      }
    }
  }

  private static void upload(
      PjrtEngine engine, PjrtClient client, PjrtDevice device, Path arrays, OpenBuffers weights)
      throws IOException {
    try (NDManager manager = engine.newBaseManager();
        InputStream in = Files.newInputStream(arrays);
        NDList list = NDList.decode(manager, in)) {
      for (NDArray array : list) {
        HostTensor tensor = HostTensor.of(array);
        weights.add(
            client.upload(
                tensor.bytes(),
                tensor.type().pjrtShape(),
                device,
                HostBufferSemantics.IMMUTABLE_UNTIL_TRANSFER_COMPLETES));
      }
    }
  }

  @Override
  protected NDList forwardInternal(
      ParameterStore parameterStore,
      NDList inputs,
      boolean training,
      @Nullable PairList<String, Object> params) {
    try {
      return program.runOnOne(inputs.stream().map(HostTensor::of).toList(), inputs.getManager());
    } catch (PjrtException e) {
      EngineException fault = DeviceFaults.of(name + " failed", e);
      lost |= fault instanceof DeviceFault.Lost;
      throw fault;
    }
  }

  /** None: they are arguments of the program. */
  @Override
  public ParameterList getDirectParameters() {
    return new ParameterList();
  }

  @Override
  public Shape[] getOutputShapes(Shape[] inputShapes) {
    return program.results().stream().map(TensorType::shape).toArray(Shape[]::new);
  }

  /** Devices that were lost are given up, so that the next model may find them again. */
  @Override
  public void close() {
    if (closed.getAndSet(true)) {
      return;
    }
    try (OpenBuffers open = new OpenBuffers()) {
      open.addAll(weights);
      program.close();
    } catch (PjrtException e) {
      if (!lost) {
        throw e;
      }
    } finally {
      engine.leave();
      if (lost) {
        engine.abandon(client);
      }
    }
  }
}
