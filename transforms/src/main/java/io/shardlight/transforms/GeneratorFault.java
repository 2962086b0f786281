package io.shardlight.transforms;

/** The generator cannot be used or broke its promises, which is never the fault of a prompt. */
final class GeneratorFault extends IllegalStateException {
  private static final long serialVersionUID = 1;

  GeneratorFault(String message) {
    super(message);
  }
}
