package io.shardlight.diffusion.graph;

/** An operation was given operands whose shapes do not fit; thrown while building a graph. */
public final class ShapeMismatchException extends IllegalArgumentException {
  private static final long serialVersionUID = 1L;

  public ShapeMismatchException(String message) {
    super(message);
  }
}
