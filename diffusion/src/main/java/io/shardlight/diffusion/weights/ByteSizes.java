package io.shardlight.diffusion.weights;

import ai.djl.ndarray.types.DataType;
import java.util.OptionalLong;

/** How many bytes a tensor takes, where the shape comes from a file and may be absurd. */
final class ByteSizes {
  private ByteSizes() {}

  /**
   * @param shape none negative
   * @return empty if the product does not fit 63 bits
   */
  static OptionalLong of(DataType dataType, long[] shape) {
    long bytes = dataType.getNumOfBytes();
    boolean overflow = false;
    for (long dimension : shape) {
      if (dimension == 0) {
        return OptionalLong.of(0);
      }
      overflow |= bytes > Long.MAX_VALUE / dimension;
      bytes *= dimension;
    }
    return overflow ? OptionalLong.empty() : OptionalLong.of(bytes);
  }
}
