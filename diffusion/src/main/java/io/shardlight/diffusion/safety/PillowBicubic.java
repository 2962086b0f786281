package io.shardlight.diffusion.safety;

/**
 * Resizes as {@code PIL.Image.resize(size, BICUBIC)} does with eight-bit RGB, byte for byte: first
 * rows, then columns, each in fixed-point arithmetic and each rounded to bytes. What shrinks is
 * averaged, by a kernel as wide as the factor.
 *
 * @see <a href="https://github.com/python-pillow/Pillow/blob/9.4.0/src/libImaging/Resample.c">
 *     Resample.c</a>
 */
final class PillowBicubic {
  private static final int CHANNELS = 3;

  /** Of the kernel, before it is stretched. */
  private static final double SUPPORT = 2;

  /** Keys' parameter; IEEE Transactions on Acoustics, Speech, and Signal Processing 29(6), 1981. */
  private static final double A = -0.5;

  /** A sum has 32 bits: 8 of the pixel, and 2 for what lies outside [0, 255] or is negative. */
  private static final int FRACTION_BITS = 32 - 8 - 2;

  private PillowBicubic() {}

  /**
   * @param rgb red, green, blue, row by row; not changed
   * @return the same of another size, perhaps the same array
   */
  static byte[] resize(byte[] rgb, int width, int height, int newWidth, int newHeight) {
    byte[] wide = newWidth == width ? rgb : resizeRows(rgb, width, height, newWidth);
    return newHeight == height ? wide : resizeColumns(wide, newWidth, height, newHeight);
  }

  private static byte[] resizeRows(byte[] rgb, int width, int height, int newWidth) {
    Kernels kernels = Kernels.of(width, newWidth);
    byte[] result = new byte[CHANNELS * newWidth * height];
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < newWidth; x++) {
        int from = CHANNELS * (y * width + kernels.first(x));
        kernels.apply(x, rgb, from, CHANNELS, result, CHANNELS * (y * newWidth + x), CHANNELS);
      }
    }
    return result;
  }

  private static byte[] resizeColumns(byte[] rgb, int width, int height, int newHeight) {
    Kernels kernels = Kernels.of(height, newHeight);
    int row = CHANNELS * width;
    byte[] result = new byte[row * newHeight];
    for (int y = 0; y < newHeight; y++) {
      kernels.apply(y, rgb, row * kernels.first(y), row, result, row * y, row);
    }
    return result;
  }

  /** For each place along a resized axis, the places it is made of and their weights. */
  private static final class Kernels {
    private final int[] first;
    private final int[][] weights;

    private Kernels(int[] first, int[][] weights) {
      this.first = first;
      this.weights = weights;
    }

    static Kernels of(int size, int newSize) {
      double scale = (double) size / newSize;
      double stretch = Math.max(1, scale);
      double support = SUPPORT * stretch;
      int[] first = new int[newSize];
      int[][] weights = new int[newSize][];
      for (int i = 0; i < newSize; i++) {
        double centre = (i + 0.5) * scale;
        first[i] = Math.max(0, (int) (centre - support + 0.5));
        int end = Math.min(size, (int) (centre + support + 0.5));
        double[] exact = new double[end - first[i]];
        double sum = 0;
        for (int k = 0; k < exact.length; k++) {
          exact[k] = kernel((k + first[i] - centre + 0.5) * (1 / stretch));
          sum += exact[k];
        }
        weights[i] = new int[exact.length];
        for (int k = 0; k < exact.length; k++) {
          weights[i][k] = fixedPoint(sum == 0 ? exact[k] : exact[k] / sum);
        }
      }
      return new Kernels(first, weights);
    }

    private static double kernel(double distance) {
      double x = Math.abs(distance);
      if (x < 1) {
        return ((A + 2) * x - (A + 3)) * x * x + 1;
      }
      return x < 2 ? (((x - 5) * x + 8) * x - 4) * A : 0;
    }

    private static int fixedPoint(double weight) {
      double scaled = weight * (1 << FRACTION_BITS);
      return (int) (weight < 0 ? scaled - 0.5 : scaled + 0.5);
    }

    int first(int place) {
      return first[place];
    }

    /**
     * Makes {@code count} neighbouring bytes of one place.
     *
     * @param from where the first byte's kernel begins
     * @param step between places in {@code source}
     */
    void apply(int place, byte[] source, int from, int step, byte[] target, int to, int count) {
      int[] kernel = weights[place];
      for (int i = 0; i < count; i++) {
        int sum = 1 << (FRACTION_BITS - 1);
        int at = from + i;
        for (int weight : kernel) {
          sum += (source[at] & 0xff) * weight;
          at += step;
        }
        target[to + i] = (byte) Math.max(0, Math.min(255, sum >> FRACTION_BITS));
      }
    }
  }
}
