package io.shardlight.pipeline;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogManager;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.logging.SimpleFormatter;
import org.jspecify.annotations.Nullable;

/**
 * Sends the log to the terminal, a line a record. By default that is warnings and errors; verbose
 * is INFO of everything. Nobody logs prompts above DEBUG, and DEBUG is never shown.
 */
final class LogOutput {
  private static final SimpleFormatter FORMATTER = new SimpleFormatter();

  /** Java keeps loggers weakly; these must keep their levels. */
  private static final List<Logger> CONFIGURED = new ArrayList<>();

  private LogOutput() {}

  /** Replaces Java's own handlers by one that writes lines to {@code sink}. */
  static synchronized void configure(boolean verbose, Consumer<String> sink) {
    LogManager.getLogManager().reset();
    CONFIGURED.clear();
    level("", verbose ? Level.INFO : Level.WARNING);
    if (!verbose) {
      // The DirectRunner warns of pipelines without unbounded sources and of big graphs; its
      // failures come as exceptions.
      level("org.apache.beam", Level.SEVERE);
      // Their failures come as exceptions too.
      level("org.apache.beam.runners.flink", Level.OFF);
      level("org.apache.flink", Level.OFF);
      // Where a job can be looked at.
      level("io.shardlight.runners", Level.INFO);
      // DJL warns of a missing CUDA on every machine without it.
      level("ai.djl", Level.SEVERE);
    }
    Logger.getLogger("").addHandler(new LineHandler(verbose, sink));
  }

  private static void level(String name, Level level) {
    Logger logger = Logger.getLogger(name);
    logger.setLevel(level);
    CONFIGURED.add(logger);
  }

  private static final class LineHandler extends Handler {
    private final boolean verbose;
    private final Consumer<String> sink;

    LineHandler(boolean verbose, Consumer<String> sink) {
      this.verbose = verbose;
      this.sink = sink;
    }

    @Override
    public void publish(LogRecord record) {
      if (!isLoggable(record)) {
        return;
      }
      StringBuilder line = new StringBuilder();
      if (record.getLevel().intValue() >= Level.SEVERE.intValue()) {
        line.append("error: ");
      } else if (record.getLevel().intValue() >= Level.WARNING.intValue()) {
        line.append("warning: ");
      }
      if (verbose) {
        line.append(shortName(record.getLoggerName())).append(": ");
      }
      line.append(FORMATTER.formatMessage(record));
      Throwable thrown = record.getThrown();
      if (thrown != null) {
        line.append(" (").append(thrown).append(')');
        if (verbose) {
          for (StackTraceElement element : thrown.getStackTrace()) {
            line.append("\n    at ").append(element);
          }
        }
      }
      sink.accept(line.toString());
    }

    private static String shortName(@Nullable String logger) {
      String name = Objects.requireNonNullElse(logger, "");
      return name.substring(name.lastIndexOf('.') + 1);
    }

    @Override
    public void flush() {}

    @Override
    public void close() {}
  }
}
