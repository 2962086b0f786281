package io.shardlight.pipeline;

import java.util.List;

/** One of the words after {@code ./shardlight}. */
interface Command {
  /** The job is done. */
  int DONE = 0;

  /** The job started and failed. */
  int FAILED = 1;

  /** The command line is wrong; nothing was started. */
  int WRONG_COMMAND_LINE = 2;

  /** The word itself. */
  String name();

  /** What it does, in one line without a full stop. */
  String summary();

  /** The whole help text. */
  String help();

  /**
   * Does it.
   *
   * @param words the words after the command's name
   * @return {@link #DONE}, {@link #FAILED} or {@link #WRONG_COMMAND_LINE}
   */
  int run(List<String> words, Console console);

  /** Prints what is wrong with the command line, a line a problem, and none twice. */
  default int refuse(List<String> problems, Console console) {
    problems.stream().distinct().forEach(console.err()::println);
    console.err().println("Nothing was started. ./shardlight " + name() + " --help explains.");
    return WRONG_COMMAND_LINE;
  }
}
