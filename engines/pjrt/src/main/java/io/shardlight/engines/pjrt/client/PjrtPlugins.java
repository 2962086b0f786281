package io.shardlight.engines.pjrt.client;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Where the plugin's library is: as asked for, or as the environment says. */
public final class PjrtPlugins {
  /** JAX's own: {@code name:path,name:path}. */
  static final String NAMES_AND_PATHS = "PJRT_NAMES_AND_LIBRARY_PATHS";

  /** JAX's own. */
  static final String TPU_PATH = "TPU_LIBRARY_PATH";

  private PjrtPlugins() {}

  /**
   * The library to load: the one asked for; else the first file among those of {@code
   * PJRT_NAMES_AND_LIBRARY_PATHS}; else that of {@code TPU_LIBRARY_PATH}.
   *
   * @throws PjrtException {@code NOT_FOUND} if there is none, with all places that were looked at;
   *     what was asked for is not replaced by something else
   */
  public static Path find(Optional<Path> asked) {
    return find(asked, System.getenv());
  }

  /** Whether the environment names a library, which may or may not be there. */
  public static boolean isNamed() {
    Map<String, String> environment = System.getenv();
    return !environment.getOrDefault(NAMES_AND_PATHS, "").isBlank()
        || !environment.getOrDefault(TPU_PATH, "").isBlank();
  }

  static Path find(Optional<Path> asked, Map<String, String> environment) {
    List<String> looked = new ArrayList<>();
    if (asked.isPresent()) {
      Path path = asked.get();
      if (Files.isRegularFile(path)) {
        return path;
      }
      looked.add("--pjrtPlugin=" + path + " is not a file");
    } else {
      Optional<Path> found = named(environment, looked).or(() -> tpuLibrary(environment, looked));
      if (found.isPresent()) {
        return found.get();
      }
    }
    throw new PjrtException(
        PjrtErrorCode.NOT_FOUND,
        "PjrtPlugins.find",
        "no PJRT plugin: "
            + String.join("; ", looked)
            + ". Name the library by --pjrtPlugin=PATH, such as libtpu.so or xla_cuda_plugin.so");
  }

  private static Optional<Path> named(Map<String, String> environment, List<String> looked) {
    String entries = environment.getOrDefault(NAMES_AND_PATHS, "");
    if (entries.isBlank()) {
      looked.add(NAMES_AND_PATHS + " is not set");
      return Optional.empty();
    }
    for (String entry : entries.split(",", -1)) {
      int colon = entry.indexOf(':');
      String path = entry.substring(colon + 1).strip();
      if (colon < 1 || path.isEmpty()) {
        looked.add(NAMES_AND_PATHS + " has \"" + entry + "\" where name:path should be");
      } else if (Files.isRegularFile(Path.of(path))) {
        return Optional.of(Path.of(path));
      } else {
        looked.add(path + " of " + NAMES_AND_PATHS + " is not a file");
      }
    }
    return Optional.empty();
  }

  private static Optional<Path> tpuLibrary(Map<String, String> environment, List<String> looked) {
    String path = environment.getOrDefault(TPU_PATH, "");
    if (path.isBlank()) {
      looked.add(TPU_PATH + " is not set");
    } else if (Files.isRegularFile(Path.of(path))) {
      return Optional.of(Path.of(path));
    } else {
      looked.add(path + " of " + TPU_PATH + " is not a file");
    }
    return Optional.empty();
  }
}
