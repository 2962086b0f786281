package io.shardlight.engines.pjrt;

import ai.djl.ndarray.types.DataType;
import io.shardlight.diffusion.graph.Graph;
import io.shardlight.diffusion.graph.LatentDiffusion;
import io.shardlight.diffusion.graph.LatentDiffusion.Tensor;
import io.shardlight.diffusion.graph.Node;
import java.util.List;
import java.util.Map;

/**
 * What a program takes and gives on each of the devices that a batch is split over.
 *
 * @param name for messages
 * @param batch first axis, on one device, of what is split
 * @param inputs behind the weights
 * @param shardedInputs how many of the inputs are split: the first ones; the others are the same
 *     for all devices
 * @param outputs all of them are split
 */
record ShardedSignature(
    String name, int batch, List<Tensor> inputs, int shardedInputs, List<Tensor> outputs) {

  static ShardedSignature of(LatentDiffusion diffusion) {
    return new ShardedSignature(
        "a generation of " + diffusion.latents(),
        diffusion.batch(),
        diffusion.inputs(),
        diffusion.shardedInputs(),
        diffusion.outputs());
  }

  /** Of a single network, all of whose inputs and outputs have the batch as their first axis. */
  static ShardedSignature of(Graph graph) {
    return new ShardedSignature(
        graph.name(),
        Math.toIntExact(graph.inputs().get(0).dimension(0)),
        graph.inputs().stream().map(input -> tensor(input.label(), input)).toList(),
        graph.inputs().size(),
        graph.outputs().entrySet().stream().map(ShardedSignature::output).toList());
  }

  private static Tensor output(Map.Entry<String, Node> output) {
    return tensor(output.getKey(), output.getValue());
  }

  private static Tensor tensor(String name, Node node) {
    DataType type = node.dataType() == DataType.INT64 ? DataType.INT32 : DataType.FLOAT32;
    return new Tensor(name, type, node.shape());
  }
}
