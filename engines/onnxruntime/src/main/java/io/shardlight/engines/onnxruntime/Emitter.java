package io.shardlight.engines.onnxruntime;

import ai.onnx.proto.OnnxMl.ModelProto;
import java.io.IOException;

/** Writes one graph as an ONNX model. Used once. */
sealed interface Emitter permits PlainEmitter, FusedEmitter {
  /**
   * @throws IOException if weights cannot be read or converted
   */
  ModelProto emit() throws IOException;
}
