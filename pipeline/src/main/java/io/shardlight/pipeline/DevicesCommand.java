package io.shardlight.pipeline;

import ai.djl.engine.Engine;
import java.util.List;
import java.util.Set;

/** Tells what this machine offers to each engine. */
final class DevicesCommand implements Command {
  private static final OptionCatalog CATALOG =
      OptionCatalog.of(JsonOption.class, TerminalOptions.class);

  @Override
  public String name() {
    return "devices";
  }

  @Override
  public String summary() {
    return "show what this machine offers to each engine";
  }

  @Override
  public String help() {
    return HelpText.of(
        "./shardlight devices [--json]",
        "Lists the engines that can compute the networks, with their versions and devices, and what"
            + " the others lack.",
        CATALOG,
        "");
  }

  @Override
  public int run(List<String> words, Console console) {
    CommandLine line = CommandLine.parse(words, CATALOG, Set.of());
    if (line.isSet("help")) {
      console.out().print(help());
      return DONE;
    }
    if (!line.problems().isEmpty()) {
      return refuse(line.problems(), console);
    }
    console.out().println(Engine.getEngine("OnnxRuntime"));
    return DONE;
  }
}
