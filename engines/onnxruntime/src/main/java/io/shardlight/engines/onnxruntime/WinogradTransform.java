package io.shardlight.engines.onnxruntime;

/**
 * The matrices of the minimal filtering algorithms F(m x m, 3 x 3): an {@code m x m} tile of the
 * output is {@code A^T [(G g G^T) * (B^T d B)] A} with {@code *} element by element, for the kernel
 * {@code g} and the {@code (m+2) x (m+2)} tile {@code d} of the input. Two-dimensional transforms
 * are written as one product with a Kronecker product of the matrix with itself, row-major.
 *
 * <p>The matrices follow from the points at which the polynomials behind them are evaluated. The
 * integers 0, ±1, ±2 of the literature serve transforms made of additions; here a transform is a
 * matrix product anyway, and ±2/3, ±3/2 have 2.2 times less error (root mean square, 256 channels,
 * float32; 3.5 times less at worst): 4 times a direct convolution's.
 *
 * @see <a href="https://arxiv.org/abs/1509.09308">Lavin and Gray, equations 8 to 16</a>
 * @see <a href="https://arxiv.org/abs/1803.10986">Barabasz et al., section 3: matrices from
 *     points</a>
 */
final class WinogradTransform {
  static final WinogradTransform F2 = new WinogradTransform(2, 0, 1, -1);
  static final WinogradTransform F4 = new WinogradTransform(4, 0, 2 / 3., -2 / 3., 3 / 2., -3 / 2.);

  private static final int KERNEL_SIDE = 3;

  private final int outputSide;
  private final float[] input;
  private final float[] kernel;
  private final float[] output;

  /**
   * @param points m + 1 different numbers; infinity is one more
   */
  private WinogradTransform(int outputSide, double... points) {
    this.outputSide = outputSide;
    int side = outputSide + KERNEL_SIDE - 1;
    double[][] a = new double[outputSide][side];
    double[][] g = new double[side][KERNEL_SIDE];
    double[][] b = new double[side][side];
    for (int j = 0; j < points.length; j++) {
      for (int i = 0; i < outputSide; i++) {
        a[i][j] = Math.pow(points[j], i);
      }
      double scale = 1;
      double[] others = {1};
      for (int l = 0; l < points.length; l++) {
        if (l != j) {
          scale *= points[j] - points[l];
          others = timesRoot(others, points[l]);
        }
      }
      for (int i = 0; i < KERNEL_SIDE; i++) {
        g[j][i] = Math.pow(points[j], i) / scale;
      }
      System.arraycopy(others, 0, b[j], 0, others.length);
    }
    double[] all = {1};
    for (double point : points) {
      all = timesRoot(all, point);
    }
    b[side - 1] = all;
    a[outputSide - 1][side - 1] = 1;
    g[side - 1][KERNEL_SIDE - 1] = 1;
    this.input = squared(b);
    this.kernel = squared(g);
    this.output = squared(a);
  }

  /** The polynomial times {@code x - root}, coefficients from the constant up. */
  private static double[] timesRoot(double[] polynomial, double root) {
    double[] product = new double[polynomial.length + 1];
    for (int i = 0; i < polynomial.length; i++) {
      product[i + 1] += polynomial[i];
      product[i] -= root * polynomial[i];
    }
    return product;
  }

  /** Side of an output tile, m. */
  int outputSide() {
    return outputSide;
  }

  /** Side of an input tile, m + 2. */
  int inputSide() {
    return outputSide + KERNEL_SIDE - 1;
  }

  /** {@code [(m+2)^2, (m+2)^2]}. */
  float[] input() {
    return input.clone();
  }

  /** {@code [(m+2)^2, 9]}. */
  float[] kernel() {
    return kernel.clone();
  }

  /** {@code [m^2, (m+2)^2]}. */
  float[] output() {
    return output.clone();
  }

  /** The Kronecker product of a matrix with itself, row-major. */
  private static float[] squared(double[][] matrix) {
    int rows = matrix.length;
    int columns = matrix[0].length;
    float[] product = new float[rows * rows * columns * columns];
    for (int i = 0; i < rows; i++) {
      for (int j = 0; j < rows; j++) {
        for (int k = 0; k < columns; k++) {
          for (int l = 0; l < columns; l++) {
            product[((i * rows + j) * columns + k) * columns + l] =
                (float) (matrix[i][k] * matrix[j][l]);
          }
        }
      }
    }
    return product;
  }
}
