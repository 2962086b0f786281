package io.shardlight.runners.dataflow;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.regex.Pattern;

/** Tells why a job failed, or could not be submitted, without what Beam and Dataflow wrap it in. */
final class Failures {
  /** Names of classes in front of a message. */
  private static final Pattern CLASSES =
      Pattern.compile("^(?:(?:[a-z][\\w$]*\\.)+[A-Z][\\w.$]*(?:: |$))+");

  private static final String FROM_WORKER = "Error message from worker: ";
  private static final String CAUSED_BY = "Caused by: ";

  private Failures() {}

  /** The messages of an exception and its causes, on one line. */
  static String line(Throwable failure) {
    List<String> messages = new ArrayList<>();
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      String message =
          bare(Objects.requireNonNullElse(cause.getMessage(), cause.getClass().getSimpleName()));
      if (!message.isEmpty() && messages.stream().noneMatch(outer -> outer.contains(message))) {
        messages.add(message);
      }
    }
    return oneLine(String.join(": ", messages));
  }

  /**
   * The reason among the error messages of a job, oldest first: what a worker said last, with the
   * innermost cause alone, or else Dataflow's own last word. Empty if there are none.
   */
  static String reason(List<String> messages) {
    for (int i = messages.size() - 1; i >= 0; i--) {
      String message = messages.get(i);
      int start = message.indexOf(FROM_WORKER);
      if (start >= 0) {
        String trace = message.substring(start + FROM_WORKER.length());
        int cause = trace.lastIndexOf(CAUSED_BY);
        return oneLine(
            bare(withoutFrames(cause < 0 ? trace : trace.substring(cause + CAUSED_BY.length()))));
      }
    }
    return messages.isEmpty() ? "" : oneLine(messages.get(messages.size() - 1));
  }

  /** The lines before the first frame of a stack trace. */
  private static String withoutFrames(String trace) {
    return trace.replaceFirst("(?s)\\R\\s+at .*", "");
  }

  private static String bare(String text) {
    return CLASSES.matcher(text.strip()).replaceFirst("");
  }

  private static String oneLine(String text) {
    return text.strip().replaceAll("\\s*\\R\\s*", "; ");
  }
}
