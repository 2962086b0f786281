package io.shardlight.engines.pjrt;

import ai.djl.Device;
import ai.djl.MalformedModelException;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.AbstractSymbolBlock;
import ai.djl.nn.ParameterList;
import ai.djl.training.ParameterStore;
import ai.djl.util.PairList;
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
import org.jspecify.annotations.Nullable;

/** A program of somebody's own on one device, and the arguments that stay there. */
final class StableHloBlock extends AbstractSymbolBlock implements AutoCloseable {
  private final String name;
  private final ReplicatedProgram program;
  private final List<PjrtBuffer> weights;

  private StableHloBlock(String name, ReplicatedProgram program, List<PjrtBuffer> weights) {
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
    PjrtClient client = engine.client();
    PjrtDevice target = engine.device(client, device);
    try (OpenBuffers weights = new OpenBuffers()) {
      if (Files.exists(arrays)) {
        upload(engine, client, target, arrays, weights);
      }
      weights.list().forEach(PjrtBuffer::awaitTransfer);
      ReplicatedProgram program =
          ReplicatedProgram.compile(
              client,
              List.of(target),
              Files.readString(module),
              List.of(weights.list()),
              Replication.TOGETHER,
              Optional.empty());
      return new StableHloBlock(String.valueOf(module.getFileName()), program, weights.keep());
    } catch (PjrtException e) {
      throw new MalformedModelException(module + " cannot be loaded: " + e.getMessage(), e);
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
      throw DeviceFaults.of(name + " failed", e);
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

  @Override
  public void close() {
    program.close();
    weights.forEach(PjrtBuffer::close);
  }
}
