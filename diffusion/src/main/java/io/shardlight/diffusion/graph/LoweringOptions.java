package io.shardlight.diffusion.graph;

import ai.djl.Device;
import ai.djl.ndarray.types.DataType;
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
 * @param dataType one of {@link Lowering#dataTypes}: float16 and bfloat16 round the weights, and
 *     what is computed with them where the device gains by it
 */
public record LoweringOptions(
    Device device, int threads, boolean fusions, Path cacheDirectory, DataType dataType) {
  public LoweringOptions {
    if (threads < 1) {
      throw new IllegalArgumentException("threads must be at least 1, but was " + threads);
    }
  }

  /** In float32. */
  public LoweringOptions(Device device, int threads, boolean fusions, Path cacheDirectory) {
    this(device, threads, fusions, cacheDirectory, DataType.FLOAT32);
  }

  public LoweringOptions withDataType(DataType value) {
    return new LoweringOptions(device, threads, fusions, cacheDirectory, value);
  }
}
