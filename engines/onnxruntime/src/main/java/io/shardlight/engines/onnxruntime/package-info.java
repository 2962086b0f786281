/**
 * Lowers graphs to ONNX and runs them with DJL's OnnxRuntime engine. Weights stay in the checkpoint
 * and are mapped by the runtime; what has to be converted lies in a cache.
 */
@NullMarked
package io.shardlight.engines.onnxruntime;

import org.jspecify.annotations.NullMarked;
