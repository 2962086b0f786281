package io.shardlight.diffusion.model;

import io.shardlight.diffusion.graph.Activation;
import io.shardlight.diffusion.graph.GraphBuilder;
import io.shardlight.diffusion.graph.Node;
import io.shardlight.diffusion.graph.Op;

/**
 * PyTorch's layers over a {@link GraphBuilder}: each method is one {@code torch.nn} module at a
 * path of the state dict, takes its weights from there and labels its output with the path.
 */
final class TorchModules {
  private final GraphBuilder graph;

  TorchModules(GraphBuilder graph) {
    this.graph = graph;
  }

  /** {@code nn.Conv2d} with a square kernel and the same padding on all sides. */
  Node conv2d(String path, Node image, int outChannels, int kernel, int stride, int padding) {
    return conv2d(
        path,
        image,
        outChannels,
        kernel,
        new Op.Conv2d(stride, padding, padding, padding, padding));
  }

  /** {@code F.pad} with zeros on each side, then {@code nn.Conv2d}. */
  Node conv2d(String path, Node image, int outChannels, int kernel, Op.Conv2d op) {
    Node weight =
        graph.parameter(path + ".weight", outChannels, image.dimension(1), kernel, kernel);
    Node bias = graph.parameter(path + ".bias", outChannels);
    return graph.label(path, graph.conv2d(image, weight, bias, op));
  }

  /** {@code nn.Linear}. */
  Node linear(String path, Node x, int outFeatures) {
    Node weight = graph.parameter(path + ".weight", outFeatures, x.dimension(-1));
    Node bias = graph.parameter(path + ".bias", outFeatures);
    return graph.label(path, graph.linear(x, weight, bias));
  }

  /** {@code nn.Linear(bias=False)}. */
  Node linearWithoutBias(String path, Node x, int outFeatures) {
    Node weight = graph.parameter(path + ".weight", outFeatures, x.dimension(-1));
    return graph.label(path, graph.linear(x, weight));
  }

  /**
   * The outputs {@code [start, end)} of an {@code nn.Linear} with {@code outFeatures} outputs: a
   * layer on those rows of its weight, which a lowering can take from the checkpoint as they lie.
   */
  Node linearRows(String path, Node x, int outFeatures, int start, int end) {
    Node weight = graph.parameter(path + ".weight", outFeatures, x.dimension(-1));
    Node bias = graph.parameter(path + ".bias", outFeatures);
    return graph.linear(x, graph.slice(weight, 0, start, end), graph.slice(bias, 0, start, end));
  }

  /** {@code nn.GroupNorm}. */
  Node groupNorm(String path, Node image, int groups, float epsilon) {
    Node weight = graph.parameter(path + ".weight", image.dimension(1));
    Node bias = graph.parameter(path + ".bias", image.dimension(1));
    return graph.label(path, graph.groupNorm(image, weight, bias, groups, epsilon));
  }

  /** {@code nn.LayerNorm}. */
  Node layerNorm(String path, Node x, float epsilon) {
    Node weight = graph.parameter(path + ".weight", x.dimension(-1));
    Node bias = graph.parameter(path + ".bias", x.dimension(-1));
    return graph.label(path, graph.layerNorm(x, weight, bias, epsilon));
  }

  Node silu(Node x) {
    return graph.activate(x, Activation.SILU);
  }
}
