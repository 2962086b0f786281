package io.shardlight.runners.flink;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/** Tells why a job on a cluster failed, without the layers of Beam and Flink around it. */
final class Failures {
  /** Names of classes in front of a message, as {@link Throwable#toString} puts them there. */
  private static final Pattern CLASSES =
      Pattern.compile("^(?:[a-z][\\w$]*\\.)+[A-Z][\\w.$]*(?:: |$)");

  /** What wraps an exception of our code. */
  private static final String OURS_FOLLOWS = "org.apache.beam.sdk.util.UserCodeException";

  private Failures() {}

  /** The message of the innermost causes, on one line. */
  static String explain(Throwable failure) {
    List<String> messages = new ArrayList<>();
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      String text = cause.toString();
      if (text.contains(OURS_FOLLOWS)) {
        messages.clear();
      }
      String message = bare(text);
      if (!message.isEmpty()) {
        messages.removeIf(outer -> outer.endsWith(message));
        if (messages.stream().noneMatch(outer -> outer.contains(message))) {
          messages.add(message);
        }
      }
    }
    return String.join(": ", messages).strip().replaceAll("\\s*\\R\\s*", "; ");
  }

  private static String bare(String text) {
    String rest = text;
    while (CLASSES.matcher(rest).find()) {
      rest = CLASSES.matcher(rest).replaceFirst("");
    }
    return rest;
  }
}
