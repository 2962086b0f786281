package io.shardlight.engines.pjrt;

import java.util.ArrayList;
import java.util.List;

/** A program in StableHLO text: functions, of which one is called from outside. */
final class HloModule {
  private final String name;
  private final List<HloFunction> called = new ArrayList<>();

  HloModule(String name) {
    this.name = name;
  }

  /** Adds a function that others call. */
  HloFunction add(HloFunction function) {
    called.add(function);
    return function;
  }

  /** The text of the module. */
  String text(HloFunction main) {
    StringBuilder text = new StringBuilder("module @" + name + " {\n");
    called.forEach(function -> text.append(function.text("private")));
    return text.append(main.text("public")).append("}\n").toString();
  }
}
