package io.shardlight.engines.pjrt.client;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Map;
import java.util.TreeMap;

/**
 * The plugin of virtual CPU devices, as the build has compiled it. Without gcc it has not: tests
 * are skipped then, but in continuous integration they fail.
 */
public final class CpuPlugin {
  /** For {@code @EnabledIf}. */
  public static final String IS_WANTED = "io.shardlight.engines.pjrt.client.CpuPlugin#isWanted";

  public static final String REASON = "needs gcc on the PATH, to compile a PJRT plugin";

  private CpuPlugin() {}

  /** Whether to test: where there is the plugin, and in continuous integration always. */
  public static boolean isWanted() {
    return System.getenv("CI") != null || Files.exists(library());
  }

  public static Path library() {
    return Path.of(System.getProperty("shardlight.pjrt.plugin"));
  }

  /**
   * A plugin of these tests' own, from a copy of the library: what other tests keep open is counted
   * by the plugin that they have loaded.
   */
  static PjrtPlugin load() {
    return PjrtPlugin.load(Own.LIBRARY);
  }

  private static final class Own {
    static final Path LIBRARY = copy();

    private static Path copy() {
      Path copy = library().resolveSibling("libpjrt_cpu_of_client_tests.so");
      try {
        return Files.copy(library(), copy, StandardCopyOption.REPLACE_EXISTING);
      } catch (IOException e) {
        throw new UncheckedIOException("cannot copy the plugin to " + copy, e);
      }
    }
  }

  public static PjrtClient client(int devices) {
    return client(Map.of("num_devices", (long) devices));
  }

  public static PjrtClient client(Map<String, Object> options) {
    return PjrtClient.create(load(), options);
  }

  /** The plugin's counters of what is alive, such as {@code live_buffers}, but for those at 0. */
  public static Map<String, Long> living() {
    Map<String, Long> living = new TreeMap<>();
    load()
        .attributes()
        .forEach(
            (name, value) -> {
              if (name.startsWith("live_") && !value.equals(0L)) {
                living.put(name, (Long) value);
              }
            });
    return living;
  }

  public static void assertNothingLives() {
    assertThat(living()).isEmpty();
  }
}
