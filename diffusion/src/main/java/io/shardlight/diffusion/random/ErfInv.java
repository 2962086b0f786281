package io.shardlight.diffusion.random;

/**
 * The inverse error function in float32 as XLA computes it, with logarithm and square root rounded
 * correctly; XLA's own are a few units in the last place away, and differ between its backends.
 *
 * @see <a href="https://people.maths.ox.ac.uk/gilesm/files/gems_erfinv.pdf">Giles, Approximating
 *     the erfinv function, single precision (table 5)</a>
 */
@SuppressWarnings("FloatingPointLiteralPrecision") // the digits of the paper
final class ErfInv {
  /** Coefficients for w &lt; 5, of the highest power of w - 2.5 first. */
  private static final float[] CENTRAL = {
    2.81022636e-08f,
    3.43273939e-07f,
    -3.5233877e-06f,
    -4.39150654e-06f,
    0.00021858087f,
    -0.00125372503f,
    -0.00417768164f,
    0.246640727f,
    1.50140941f
  };

  /** Coefficients for the tails, of the highest power of sqrt(w) - 3 first. */
  private static final float[] TAIL = {
    -0.000200214257f,
    0.000100950558f,
    0.00134934322f,
    -0.00367342844f,
    0.00573950773f,
    -0.0076224613f,
    0.00943887047f,
    1.00167406f,
    2.83297682f
  };

  private ErfInv() {}

  /** erf⁻¹(x) for x in [-1, 1]; infinite at both ends. */
  static float erfInv(float x) {
    if (Math.abs(x) == 1f) {
      return x * Float.POSITIVE_INFINITY;
    }
    // StrictMath: the same bits on every machine.
    float w = -(float) StrictMath.log1p(-x * x);
    boolean central = w < 5f;
    float t = central ? w - 2.5f : (float) Math.sqrt(w) - 3f;
    float[] coefficients = central ? CENTRAL : TAIL;
    float p = coefficients[0];
    for (int i = 1; i < coefficients.length; i++) {
      p = coefficients[i] + p * t;
    }
    return p * x;
  }
}
