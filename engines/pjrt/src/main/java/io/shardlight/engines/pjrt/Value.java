package io.shardlight.engines.pjrt;

/** A tensor of a program: the result of an operation, or an argument. */
record Value(String name, TensorType type) {
  long dimension(int axis) {
    return type.dimension(axis);
  }

  int rank() {
    return type.rank();
  }

  @Override
  public String toString() {
    return name + ": " + type;
  }
}
