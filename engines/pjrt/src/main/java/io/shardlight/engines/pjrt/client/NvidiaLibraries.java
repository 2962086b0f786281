package io.shardlight.engines.pjrt.client;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The CUDA libraries that NVIDIA's plugin needs, where Python's packages put them: {@code
 * site-packages/nvidia/<package>/lib}, beside {@code site-packages/jax_plugins/xla_cuda12}. Nobody
 * looks there but who loads them first, as JAX does.
 */
final class NvidiaLibraries {
  private static final String PLUGIN = "xla_cuda_plugin";
  private static final String FOLDER = "nvidia";

  /** Where all packages of CUDA 13 put their libraries. */
  private static final String CUDA_13 = "cu13/lib";

  /** From {@code xla_cuda_plugin.so} up to {@code site-packages}. */
  private static final int LEVELS = 3;

  /** In the order in which JAX 0.11 loads them. */
  private static final List<String> NAMES =
      List.of(
          "libcudart",
          "libnvrtc",
          "libcublas",
          "libcublasLt",
          "libnccl",
          "libcupti",
          "libcusparse",
          "libcusolver",
          "libcufft",
          "libnvshmem_host",
          "libcudnn");

  private NvidiaLibraries() {}

  static boolean isPlugin(Path library) {
    return library.getFileName().toString().contains(PLUGIN);
  }

  /**
   * Loads what there is; a library that is missing may be in the system's own folders.
   *
   * @param plugin any plugin: only NVIDIA's needs something
   * @return what could not be loaded, and why
   */
  static List<String> loadFor(Path plugin) {
    List<String> complaints = new ArrayList<>();
    for (Path library : findFor(plugin)) {
      try {
        SharedLibrary.open(library);
      } catch (SharedLibrary.LoadException e) {
        complaints.add(e.getMessage());
      }
    }
    return complaints;
  }

  /** The libraries beside a plugin, in the order to load them. */
  static List<Path> findFor(Path plugin) {
    List<Path> found = new ArrayList<>();
    Path folder = plugin.toAbsolutePath().getParent();
    for (int level = 0; level < LEVELS && isPlugin(plugin) && folder != null; level++) {
      Path nvidia = folder.resolve(FOLDER);
      if (Files.isDirectory(nvidia)) {
        boolean isCuda13 = plugin.toString().contains("cuda13");
        NAMES.forEach(name -> find(nvidia, name, isCuda13).ifPresent(found::add));
        return found;
      }
      folder = folder.getParent();
    }
    return found;
  }

  /** The file {@code name.so.N} in one of the packages, those of the plugin's own CUDA first. */
  private static Optional<Path> find(Path nvidia, String name, boolean isCuda13) {
    try (Stream<Path> packages = Files.list(nvidia)) {
      return packages
          .map(folder -> folder.resolve("lib"))
          .filter(Files::isDirectory)
          .sorted(
              Comparator.comparing((Path lib) -> isOfCuda13(lib) != isCuda13)
                  .thenComparing(Comparator.naturalOrder()))
          .flatMap(lib -> versions(lib, name).stream())
          .findFirst();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot list " + nvidia, e);
    }
  }

  private static boolean isOfCuda13(Path lib) {
    return lib.endsWith(CUDA_13);
  }

  private static List<Path> versions(Path lib, String name) {
    try (Stream<Path> files = Files.list(lib)) {
      return files
          .filter(file -> file.getFileName().toString().startsWith(name + ".so"))
          .sorted()
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot list " + lib, e);
    }
  }
}
