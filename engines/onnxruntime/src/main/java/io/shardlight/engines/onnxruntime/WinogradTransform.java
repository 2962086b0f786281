package io.shardlight.engines.onnxruntime;

/**
 * The matrices of the minimal filtering algorithms F(m x m, 3 x 3): an {@code m x m} tile of the
 * output is {@code A^T [(G g G^T) * (B^T d B)] A} with {@code *} element by element, for the kernel
 * {@code g} and the {@code (m+2) x (m+2)} tile {@code d} of the input. Two-dimensional transforms
 * are written as one product with a Kronecker product of the matrix with itself, row-major.
 *
 * @see <a href="https://arxiv.org/abs/1509.09308">Lavin and Gray, equations 8 to 16</a>
 */
final class WinogradTransform {
  /** Lavin and Gray, section 4.1. */
  static final WinogradTransform F2 =
      new WinogradTransform(
          2,
          new double[][] {{1, 0, -1, 0}, {0, 1, 1, 0}, {0, -1, 1, 0}, {0, 1, 0, -1}},
          new double[][] {{1, 0, 0}, {0.5, 0.5, 0.5}, {0.5, -0.5, 0.5}, {0, 0, 1}},
          new double[][] {{1, 1, 1, 0}, {0, 1, -1, -1}});

  /** Lavin and Gray, section 4.2. */
  static final WinogradTransform F4 =
      new WinogradTransform(
          4,
          new double[][] {
            {4, 0, -5, 0, 1, 0},
            {0, -4, -4, 1, 1, 0},
            {0, 4, -4, -1, 1, 0},
            {0, -2, -1, 2, 1, 0},
            {0, 2, -1, -2, 1, 0},
            {0, 4, 0, -5, 0, 1}
          },
          new double[][] {
            {1 / 4., 0, 0},
            {-1 / 6., -1 / 6., -1 / 6.},
            {-1 / 6., 1 / 6., -1 / 6.},
            {1 / 24., 1 / 12., 1 / 6.},
            {1 / 24., -1 / 12., 1 / 6.},
            {0, 0, 1}
          },
          new double[][] {
            {1, 1, 1, 1, 1, 0}, {0, 1, -1, 2, -2, 0}, {0, 1, 1, 4, 4, 0}, {0, 1, -1, 8, -8, 1}
          });

  private final int outputSide;
  private final float[] input;
  private final float[] kernel;
  private final float[] output;

  private WinogradTransform(
      int outputSide, double[][] input, double[][] kernel, double[][] output) {
    this.outputSide = outputSide;
    this.input = squared(input);
    this.kernel = squared(kernel);
    this.output = squared(output);
  }

  /** Side of an output tile, m. */
  int outputSide() {
    return outputSide;
  }

  /** Side of an input tile, m + 2. */
  int inputSide() {
    return outputSide + 2;
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
