package io.shardlight.lowerings;

/** How far results are from what they should be; infinitely if the sizes differ or one is NaN. */
public final class Difference {
  private Difference() {}

  /** The largest difference, as a part of the largest exact value. */
  public static double ofLargest(float[] actual, double[] exact) {
    double largest = 1e-30;
    for (double value : exact) {
      largest = Math.max(largest, Math.abs(value));
    }
    return absolute(actual, exact) / largest;
  }

  /** The largest difference. */
  public static double absolute(float[] actual, double[] exact) {
    if (actual.length != exact.length) {
      return Double.POSITIVE_INFINITY;
    }
    double worst = 0;
    for (int i = 0; i < exact.length; i++) {
      double difference = Math.abs(actual[i] - exact[i]);
      if (!(difference <= worst)) {
        worst = Double.isNaN(difference) ? Double.POSITIVE_INFINITY : difference;
      }
    }
    return worst;
  }

  /** The largest difference of unsigned bytes; more than there can be if the sizes differ. */
  public static int ofLevels(byte[] actual, byte[] exact) {
    if (actual.length != exact.length) {
      return Integer.MAX_VALUE;
    }
    int worst = 0;
    for (int i = 0; i < exact.length; i++) {
      worst = Math.max(worst, Math.abs((actual[i] & 0xff) - (exact[i] & 0xff)));
    }
    return worst;
  }
}
