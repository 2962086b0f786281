/** Tests of the ONNX lowering, against a double-precision interpreter and golden data. */
@NullMarked
package io.shardlight.engines.onnxruntime;

import org.jspecify.annotations.NullMarked;
