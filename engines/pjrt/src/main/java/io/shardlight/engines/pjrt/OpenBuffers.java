package io.shardlight.engines.pjrt;

import io.shardlight.engines.pjrt.client.PjrtBuffer;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Buffers to be closed together, whatever happens; a failure hides no earlier one. */
final class OpenBuffers implements AutoCloseable {
  private final List<PjrtBuffer> buffers = new ArrayList<>();

  PjrtBuffer add(PjrtBuffer buffer) {
    buffers.add(buffer);
    return buffer;
  }

  void addAll(List<PjrtBuffer> more) {
    buffers.addAll(more);
  }

  /** All so far, which stay open and in here. */
  List<PjrtBuffer> list() {
    return List.copyOf(buffers);
  }

  /** Hands all over to the caller, who closes them. */
  List<PjrtBuffer> keep() {
    List<PjrtBuffer> kept = List.copyOf(buffers);
    buffers.clear();
    return kept;
  }

  /** Closes all; throws the first failure, with the others suppressed in it. */
  @Override
  public void close() {
    @Nullable RuntimeException failure = null;
    for (PjrtBuffer buffer : buffers) {
      try {
        buffer.close();
      } catch (RuntimeException e) {
        if (failure == null) {
          failure = e;
        } else {
          failure.addSuppressed(e);
        }
      }
    }
    buffers.clear();
    if (failure != null) {
      throw failure;
    }
  }
}
