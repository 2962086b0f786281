package io.shardlight.engines.pjrt.client;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.jna.NativeLibrary;
import com.sun.jna.Pointer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** The plugin that misbehaves, compiled anew for each way to do so. */
final class HostilePlugin {
  private static final Path SOURCE = Path.of("src/test/c/hostile_plugin.c");
  private static final int SLOTS = 140;
  private static final byte FAILING = 1;
  private static final byte SILENT = 2;
  private static final int COUNTERS = 6;

  private HostilePlugin() {}

  /**
   * @param defines such as {@code MINOR=40}; the source tells what there are
   */
  static Path compile(Path folder, String... defines) throws IOException, InterruptedException {
    Path library = folder.resolve("hostile_" + Arrays.hashCode(defines) + ".so");
    List<String> command =
        new ArrayList<>(
            List.of(
                "gcc",
                "-std=gnu11",
                "-Wall",
                "-Wextra",
                "-Werror",
                "-shared",
                "-fPIC",
                "-fvisibility=hidden",
                // Each copy has its own variables, although JNA makes their names known to all.
                "-Wl,-Bsymbolic",
                "-o",
                library.toString(),
                SOURCE.toString()));
    for (String define : defines) {
      command.add("-D" + define);
    }
    Process gcc = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(gcc.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(gcc.waitFor(1, TimeUnit.MINUTES)).isTrue();
    assertThat(gcc.exitValue()).as(output).isZero();
    return library;
  }

  /** Makes these functions fail, and all others behave. */
  static void fail(Path library, PjrtFunction... functions) {
    act(library, FAILING, functions);
  }

  /** Makes these functions succeed without an answer, and all others behave. */
  static void silence(Path library, PjrtFunction... functions) {
    act(library, SILENT, functions);
  }

  private static void act(Path library, byte act, PjrtFunction... functions) {
    Pointer acts =
        NativeLibrary.getInstance(library.toString()).getGlobalVariableAddress("hostile_acts");
    acts.clear(SLOTS);
    for (PjrtFunction function : functions) {
      acts.setByte(function.tableOffset() / Long.BYTES, act);
    }
  }

  /** How many errors there were. */
  static long errors(Path library) {
    return NativeLibrary.getInstance(library.toString())
        .getGlobalVariableAddress("hostile_errors")
        .getLong(0);
  }

  /** How many errors, events, buffers, executables, clients and serialized programs there are. */
  static long[] living(Path library) {
    return NativeLibrary.getInstance(library.toString())
        .getGlobalVariableAddress("hostile_live")
        .getLongArray(0, COUNTERS);
  }
}
