package io.shardlight.pipeline;

import java.io.EOFException;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/** Tells why something failed, for people. */
final class Causes {
  private Causes() {}

  /**
   * The messages from the outermost to the innermost cause, without repeating what is contained.
   */
  static String explain(Throwable failure) {
    List<String> messages = new ArrayList<>();
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      String message = Objects.requireNonNullElse(cause.getMessage(), nameOf(cause));
      Throwable inner = cause.getCause();
      // A wrapper made without a message repeats its cause's class and message.
      if (inner == null || !message.equals(inner.toString())) {
        if (messages.stream().noneMatch(m -> m.contains(message))) {
          messages.add(message);
        }
      }
    }
    return String.join(": ", messages);
  }

  private static String nameOf(Throwable cause) {
    return cause instanceof EOFException
        ? "it ends too early; make or copy it again"
        : cause.getClass().getSimpleName();
  }

  /** {@link #explain} on a single line. */
  static String line(Throwable failure) {
    return explain(failure).strip().replaceAll("\\s*\\R\\s*", "; ");
  }
}
