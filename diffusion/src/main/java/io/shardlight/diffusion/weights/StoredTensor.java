package io.shardlight.diffusion.weights;

import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import io.shardlight.diffusion.graph.ParameterData;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.FloatBuffer;
import java.util.Optional;

/**
 * A tensor of a weight file, under its PyTorch name and shape.
 *
 * <p>PyTorch files, and most tensors of Flax files, hold the elements in the row-major order of
 * that shape. Flax's kernels do not: {@code [height, width, in, out]} for PyTorch's {@code [out,
 * in, height, width]}, and {@code [in, out]} for {@code [out, in]}. Those are transposed while they
 * are read, and have no region.
 */
final class StoredTensor implements ParameterData {
  /** Rows written side by side while transposing: a cache line of float32. */
  private static final int ROWS = 16;

  private final String name;
  private final Shape shape;
  private final StoredElements elements;
  private final boolean outputLast;

  private StoredTensor(String name, Shape shape, StoredElements elements, boolean outputLast) {
    this.name = name;
    this.shape = shape;
    this.elements = elements;
    this.outputLast = outputLast;
  }

  /** A tensor whose elements lie in the row-major order of its shape. */
  static StoredTensor of(String name, Shape shape, StoredElements elements) {
    return new StoredTensor(name, shape, elements, false);
  }

  /**
   * A Flax kernel.
   *
   * @param stored {@code [in, out]} or {@code [height, width, in, out]}
   */
  static StoredTensor ofKernel(String name, Shape stored, StoredElements elements) {
    Shape shape =
        stored.dimension() == 2
            ? new Shape(stored.get(1), stored.get(0))
            : new Shape(stored.get(3), stored.get(2), stored.get(0), stored.get(1));
    return new StoredTensor(name, shape, elements, true);
  }

  /** The same tensor under another name. */
  StoredTensor named(String otherName) {
    return name.equals(otherName) ? this : new StoredTensor(otherName, shape, elements, outputLast);
  }

  /** The same elements in another shape. */
  StoredTensor reshaped(Shape other) {
    return new StoredTensor(name, other, elements, outputLast);
  }

  /** The first element of int32 or int64. */
  long integer() throws IOException {
    return elements.view().integer(0);
  }

  /** What the elements take in the file. */
  long bytes() {
    return elements.count() * elements.dataType().getNumOfBytes();
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public Shape shape() {
    return shape;
  }

  @Override
  public DataType dataType() {
    return elements.dataType();
  }

  @Override
  public Optional<FileRegion> region() {
    return outputLast ? Optional.empty() : elements.region();
  }

  @Override
  public void read(long start, FloatBuffer target) {
    if (!dataType().isFloating()) {
      throw new IllegalStateException(
          "tensor \"" + name + "\" holds " + dataType() + " and is not read as float32");
    }
    if (start < 0 || start > elements.count() - target.remaining()) {
      throw new IndexOutOfBoundsException(
          "elements ["
              + (start + ", " + (start + target.remaining()))
              + (") of tensor \"" + name + "\", which has " + elements.count()));
    }
    try {
      StoredElements.View view = elements.view();
      if (outputLast) {
        transpose(view, start, target);
      } else {
        view.copy(start, target);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * Writes {@code [start, start + remaining)} of the PyTorch order, some output channels a time.
   */
  private void transpose(StoredElements.View view, long start, FloatBuffer target) {
    if (!target.hasRemaining()) {
      return;
    }
    long outputs = shape.get(0);
    long inputs = shape.get(1);
    long rowLength = elements.count() / outputs;
    long pixels = rowLength / inputs;
    int base = target.position();
    long end = start + target.remaining();
    long lastRow = (end - 1) / rowLength;
    for (long row = start / rowLength; row <= lastRow; row += ROWS) {
      long rowEnd = Math.min(row + ROWS, lastRow + 1);
      for (long column = 0; column < rowLength; column++) {
        // Column [input, pixel] of PyTorch is row [pixel, input] of Flax.
        long stored = (column % pixels * inputs + column / pixels) * outputs;
        for (long output = row; output < rowEnd; output++) {
          long index = output * rowLength + column;
          if (index >= start && index < end) {
            target.put((int) (base + index - start), view.get(stored + output));
          }
        }
      }
    }
    target.position(target.limit());
  }

  @Override
  public String toString() {
    return name + " " + dataType() + shape;
  }
}
