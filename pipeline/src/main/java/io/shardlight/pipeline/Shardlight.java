package io.shardlight.pipeline;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** The front door: {@code ./shardlight <command> --name=value …}. */
public final class Shardlight {
  private static final List<Command> COMMANDS =
      List.of(
          new GenerateCommand(),
          new PlanCommand(),
          new StageCommand(),
          new GalleryCommand(),
          new VerifyCommand(),
          new TokenizeCommand(),
          new DevicesCommand());

  private Shardlight() {}

  /** Runs a command and exits with 0 done, 1 the job failed, 2 the command line is wrong. */
  public static void main(String[] words) {
    int status = run(List.of(words), Console.system());
    System.out.flush();
    System.err.flush();
    System.exit(status);
  }

  /**
   * Runs a command without ending the process, on its standard streams.
   *
   * @return 0 done, 1 the job failed, 2 the command line is wrong
   */
  public static int run(List<String> words) {
    return run(words, Console.system());
  }

  static int run(List<String> words, Console console) {
    if (words.isEmpty()) {
      console.err().print(help());
      return Command.WRONG_COMMAND_LINE;
    }
    String first = words.get(0);
    List<String> rest = words.subList(1, words.size());
    switch (first) {
      case "--version", "version" -> {
        console.out().println("shardlight " + Version.text());
        return Command.DONE;
      }
      case "--help", "-h" -> {
        console.out().print(help());
        return Command.DONE;
      }
      case "help" -> {
        return rest.isEmpty() ? run(List.of("--help"), console) : helpOn(rest.get(0), console);
      }
      default -> {
        Optional<Command> command = find(first);
        return command.isPresent() ? start(command.get(), rest, console) : unknown(first, console);
      }
    }
  }

  private static int start(Command command, List<String> words, Console console) {
    boolean verbose = words.contains("--verbose") || words.contains("--verbose=true");
    LogOutput.configure(verbose, console.err()::println);
    try {
      return command.run(words, console);
    } catch (RuntimeException e) {
      console.err().println("shardlight " + command.name() + " failed: " + Causes.explain(e));
      if (verbose) {
        e.printStackTrace(console.err());
      } else {
        console.err().println("--verbose shows where.");
      }
      return Command.FAILED;
    }
  }

  private static int helpOn(String name, Console console) {
    Optional<Command> command = find(name);
    if (command.isEmpty()) {
      return unknown(name, console);
    }
    console.out().print(command.get().help());
    return Command.DONE;
  }

  private static int unknown(String name, Console console) {
    List<String> names = COMMANDS.stream().map(Command::name).toList();
    console
        .err()
        .println(
            "'"
                + name
                + "': no such command; "
                + DidYouMean.nearest(name, names).map(n -> "did you mean " + n + "? ").orElse("")
                + "there are: "
                + String.join(", ", names));
    return Command.WRONG_COMMAND_LINE;
  }

  private static Optional<Command> find(String name) {
    return COMMANDS.stream().filter(c -> c.name().equals(name)).findFirst();
  }

  private static String help() {
    List<String> lines = new ArrayList<>();
    lines.add("Turns prompt files into image datasets with Stable Diffusion on Apache Beam.");
    lines.add("");
    lines.add("Usage: ./shardlight COMMAND --name=value ...");
    lines.add("");
    lines.add("Commands:");
    for (Command command : COMMANDS) {
      lines.add(String.format("  %-10s %s", command.name(), command.summary()));
    }
    lines.add("");
    lines.add(
        "./shardlight COMMAND --help lists a command's options, --version tells the version.");
    lines.add("Exit status: 0 done, 1 the job failed, 2 the command line is wrong.");
    lines.add("");
    lines.add("To begin with: ./shardlight generate --input=prompts.txt --output=out");
    return String.join("\n", lines) + "\n";
  }
}
