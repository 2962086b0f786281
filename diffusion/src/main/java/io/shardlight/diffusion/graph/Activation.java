package io.shardlight.diffusion.graph;

import java.util.Locale;

/** Element-wise nonlinearities of Stable Diffusion's networks. */
public enum Activation {
  /** {@code x * sigmoid(x)}, also called swish; Elfwing et al., arXiv:1702.03118. */
  SILU,
  /** {@code x * Phi(x)} with the exact error function; Hendrycks and Gimpel, arXiv:1606.08415. */
  GELU,
  /**
   * {@code 0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))}, the approximation of arXiv:1606.08415
   * that {@code flax.linen.gelu} computes by default.
   */
  GELU_TANH,
  /** {@code x * sigmoid(1.702 x)}, CLIP's original activation. */
  QUICK_GELU;

  /**
   * Finds the activation that a {@code config.json} names.
   *
   * @param name value of {@code act_fn} or {@code hidden_act}: {@code silu}, {@code swish}, {@code
   *     gelu}, {@code gelu_new}, {@code gelu_pytorch_tanh}, {@code quick_gelu}
   * @throws IllegalArgumentException if the name is none of these
   */
  public static Activation fromConfig(String name) {
    return switch (name.toLowerCase(Locale.ROOT)) {
      case "silu", "swish" -> SILU;
      case "gelu" -> GELU;
      case "gelu_new", "gelu_pytorch_tanh" -> GELU_TANH;
      case "quick_gelu" -> QUICK_GELU;
      default ->
          throw new IllegalArgumentException(
              "activation \""
                  + name
                  + "\" is not supported; known are silu, swish, gelu, gelu_new,"
                  + " gelu_pytorch_tanh, quick_gelu");
    };
  }
}
