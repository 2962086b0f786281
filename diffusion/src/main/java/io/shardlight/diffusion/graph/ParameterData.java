package io.shardlight.diffusion.graph;

import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.Optional;

/**
 * One weight as it lies in a checkpoint. The shape is the graph's (PyTorch's: convolutions {@code
 * [out, in, height, width]}, linear layers {@code [out, in]}), also where the file stores another
 * order. Thread-safe.
 */
public interface ParameterData {
  String name();

  Shape shape();

  /** The type stored: float32, float16 or bfloat16. */
  DataType dataType();

  /**
   * Where the bytes lie, if they lie in one piece, little-endian and in the row-major order of
   * {@link #shape()}; the offset may have any alignment.
   */
  Optional<FileRegion> region();

  /**
   * Reads elements as float32 in row-major order of {@link #shape()}.
   *
   * @param start index of the first element
   * @param target is filled to its limit
   */
  void read(long start, FloatBuffer target);

  /**
   * A piece of a file.
   *
   * @param offset bytes from the file's beginning
   * @param length bytes
   */
  record FileRegion(Path file, long offset, long length) {}
}
