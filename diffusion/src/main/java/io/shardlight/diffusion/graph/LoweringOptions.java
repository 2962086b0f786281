package io.shardlight.diffusion.graph;

import ai.djl.Device;
import java.nio.file.Path;

/**
 * How a graph becomes a program.
 *
 * @param device where the program runs and its weights live
 * @param threads threads of one run on a CPU device, at least 1; the same number gives the same
 *     bits
 * @param fusions whether the lowering may rewrite the graph for speed; without, it is the plain
 *     graph, operation by operation, to compare with
 * @param cacheDirectory where transformed weights are kept between runs; made when needed
 */
public record LoweringOptions(Device device, int threads, boolean fusions, Path cacheDirectory) {
  public LoweringOptions {
    if (threads < 1) {
      throw new IllegalArgumentException("threads must be at least 1, but was " + threads);
    }
  }
}
