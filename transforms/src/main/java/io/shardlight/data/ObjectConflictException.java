package io.shardlight.data;

import java.io.IOException;

/** An object that should be created exists with other bytes, and is left alone. */
public final class ObjectConflictException extends IOException {
  private static final long serialVersionUID = 1;

  ObjectConflictException(String root, String name, long offset) {
    super(
        "wanted to create "
            + name
            + ", but found one with other bytes, from offset "
            + offset
            + " on, in "
            + root
            + "; another job wrote it or it was changed since: use a new output directory");
  }
}
