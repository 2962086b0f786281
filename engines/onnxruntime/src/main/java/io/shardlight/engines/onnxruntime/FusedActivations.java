package io.shardlight.engines.onnxruntime;

import io.shardlight.diffusion.graph.Activation;

/** ONNX Runtime's own operator for each activation. */
final class FusedActivations {
  private FusedActivations() {}

  static String emit(OnnxModelBuilder onnx, String x, Activation function) {
    return switch (function) {
      case SILU -> onnx.call("QuickGelu", x).microsoft().with("alpha", 1f).output();
      case QUICK_GELU -> onnx.call("QuickGelu", x).microsoft().with("alpha", 1.702f).output();
      case GELU -> onnx.call("Gelu", x).microsoft().output();
      case GELU_TANH -> onnx.call("FastGelu", x).microsoft().output();
    };
  }
}
