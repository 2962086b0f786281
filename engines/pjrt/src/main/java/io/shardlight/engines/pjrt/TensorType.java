package io.shardlight.engines.pjrt;

import ai.djl.ndarray.types.Shape;
import io.shardlight.engines.pjrt.client.PjrtShape;

/** What a {@link Value} holds. */
record TensorType(ElementType element, Shape shape) {
  static TensorType of(ElementType element, long... shape) {
    return new TensorType(element, new Shape(shape));
  }

  /**
   * @throws IllegalArgumentException if programs here take no such elements
   */
  static TensorType of(PjrtShape shape) {
    return of(ElementType.valueOf(shape.type().name()), shape.dimensions());
  }

  int rank() {
    return shape.dimension();
  }

  long dimension(int axis) {
    return shape.get(axis < 0 ? rank() + axis : axis);
  }

  TensorType with(ElementType other) {
    return new TensorType(other, shape);
  }

  long bytes() {
    return shape.size() * element.bytes();
  }

  PjrtShape pjrtShape() {
    return PjrtShape.of(element.bufferType(), shape.getShape());
  }

  /** As MLIR writes it: {@code tensor<2x3xf32>}. */
  @Override
  public String toString() {
    StringBuilder text = new StringBuilder("tensor<");
    for (long size : shape.getShape()) {
      text.append(size).append('x');
    }
    return text.append(element.text()).append('>').toString();
  }
}
