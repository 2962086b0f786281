package io.shardlight.engines.pjrt;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.DataType;
import ai.djl.training.ParameterStore;
import io.shardlight.diffusion.graph.Graph;
import io.shardlight.diffusion.graph.GraphBlock;
import io.shardlight.engines.pjrt.client.PjrtException;
import java.util.ArrayList;
import java.util.List;

/** A graph on one device, with its weights. */
final class NetworkBlock extends GraphBlock implements AutoCloseable {
  private final ReplicatedProgram program;
  private final ResidentWeights weights;

  NetworkBlock(Graph graph, ReplicatedProgram program, ResidentWeights weights) {
    super(graph);
    this.program = program;
    this.weights = weights;
  }

  @Override
  protected NDList run(ParameterStore parameterStore, NDList inputs, boolean training) {
    List<HostTensor> tensors = new ArrayList<>();
    for (NDArray input : inputs) {
      tensors.add(
          input.getDataType() == DataType.INT64 ? HostTensor.ofLongs(input) : HostTensor.of(input));
    }
    try {
      return program.runOnOne(tensors, inputs.getManager());
    } catch (PjrtException e) {
      throw weights.fault(graph().name() + " failed", e);
    } catch (IllegalStateException e) {
      throw weights.closed(graph().name() + " failed", e);
    }
  }

  @Override
  public void close() {
    program.close();
    weights.close();
  }
}
