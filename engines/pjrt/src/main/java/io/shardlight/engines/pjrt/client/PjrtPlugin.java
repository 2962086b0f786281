package io.shardlight.engines.pjrt.client;

import com.sun.jna.Function;
import com.sun.jna.Pointer;
import io.shardlight.engines.pjrt.client.StructLayout.PluginAttributes;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * A library that speaks the PJRT C API: libtpu.so, xla_cuda_plugin.so. It is loaded and initialized
 * once in a process and never unloaded, since XLA leaves threads behind. Thread-safe.
 *
 * <p>What concerns the whole process, and so its launcher:
 *
 * <ul>
 *   <li>A plugin that installs its own signal handlers takes away the JVM's, which needs SIGSEGV
 *       for its null checks; should Java code crash after a plugin was loaded, start the JVM with
 *       {@code LD_PRELOAD=$JAVA_HOME/lib/libjsig.so}. XLA for the CPU installs none.
 *   <li>Plugins read environment variables, which a JVM cannot set for itself: {@code
 *       LIBTPU_INIT_ARGS}, {@code TPU_SKIP_MDS_QUERY}; and where ptxas and libdevice are not found,
 *       {@code XLA_FLAGS=--xla_gpu_cuda_data_dir=…/site-packages/nvidia/cu13} (of CUDA 12: {@code
 *       nvidia/cuda_nvcc}).
 *   <li>A TPU lets in one process: one plugin, one client, one JVM.
 * </ul>
 */
public final class PjrtPlugin {
  static final String ENTRY_POINT = "GetPjrtApi";

  /** Guarded by the class. For ever: a plugin cannot be unloaded. */
  private static final Map<Path, PjrtPlugin> LOADED = new HashMap<>();

  private final Path library;
  private final PjrtApi api;

  private @Nullable String build;

  /**
   * Open ones. They reach the host memory that plugins still read from, which the garbage collector
   * must not take even where nobody else holds the client.
   */
  private final Set<PjrtClient> clients = ConcurrentHashMap.newKeySet();

  private PjrtPlugin(Path library, PjrtApi api) {
    this.library = library;
    this.api = api;
  }

  /**
   * Loads and initializes a plugin, or returns the one that was loaded from the same file before.
   * Before NVIDIA's plugin, the CUDA libraries of the Python packages beside it are loaded.
   *
   * @param library a file
   * @throws PjrtException if there is no such file ({@code NOT_FOUND}), if it is not a plugin or
   *     one of a version that is not known here ({@code FAILED_PRECONDITION}), or if it does not
   *     start, with its own words
   */
  public static synchronized PjrtPlugin load(Path library) {
    Path file;
    try {
      file = library.toRealPath();
    } catch (IOException e) {
      throw missing(library);
    }
    PjrtPlugin loaded = LOADED.get(file);
    if (loaded != null) {
      return loaded;
    }
    if (!Files.isRegularFile(file)) {
      throw missing(library);
    }
    PjrtPlugin plugin = new PjrtPlugin(file, open(file));
    plugin.initialize();
    LOADED.put(file, plugin);
    return plugin;
  }

  private static PjrtException missing(Path library) {
    return new PjrtException(
        PjrtErrorCode.NOT_FOUND,
        SharedLibrary.OPEN,
        library + " is not a file; name the plugin by --pjrtPlugin=PATH");
  }

  private static PjrtApi open(Path file) {
    List<String> complaints = NvidiaLibraries.loadFor(file);
    SharedLibrary opened;
    try {
      opened = SharedLibrary.open(file);
    } catch (SharedLibrary.LoadException e) {
      StringBuilder reason = new StringBuilder(e.getMessage());
      complaints.forEach(complaint -> reason.append("; before that, ").append(complaint));
      throw new PjrtException(
          PjrtErrorCode.FAILED_PRECONDITION, SharedLibrary.OPEN, reason.toString());
    }
    Pointer entry =
        opened
            .symbol(ENTRY_POINT)
            .orElseThrow(
                () ->
                    new PjrtException(
                        PjrtErrorCode.FAILED_PRECONDITION,
                        ENTRY_POINT,
                        file + " has no such symbol: it is not a PJRT plugin"));
    return PjrtApi.read(file, Function.getFunction(entry).invokeLong(new Object[0]));
  }

  private void initialize() {
    try (NativeArena arena = new NativeArena()) {
      api.call(PjrtFunction.PLUGIN_INITIALIZE, arena.arguments(PjrtFunction.PLUGIN_INITIALIZE));
    }
  }

  /** The file, with symbolic links resolved. */
  public Path library() {
    return library;
  }

  /** Of the PJRT C API, whose major version is 0. */
  public int apiMinorVersion() {
    return api.minorVersion();
  }

  /**
   * What the plugin tells of itself, as of now: {@code xla_version}, {@code
   * stablehlo_current_version}, {@code stablehlo_minimum_version}.
   *
   * @return values are String, Long, List of Long, Float or Boolean
   */
  public Map<String, Object> attributes() {
    try (NativeArena arena = new NativeArena()) {
      NativeStruct arguments = arena.arguments(PjrtFunction.PLUGIN_ATTRIBUTES);
      api.call(PjrtFunction.PLUGIN_ATTRIBUTES, arguments);
      return NamedValues.read(
          arguments.getLong(PluginAttributes.ATTRIBUTES),
          arguments.getLong(PluginAttributes.NUM_ATTRIBUTES));
    }
  }

  /**
   * Tells this build of the plugin from others, which may give themselves the same version: the
   * linker's identity for it, else the digest of the file, as when it was first asked.
   */
  public synchronized String build() {
    String known = build;
    if (known == null) {
      known = readBuild(library);
      build = known;
    }
    return known;
  }

  private static String readBuild(Path file) {
    try {
      Optional<String> id = ElfFile.buildId(file);
      return id.isPresent() ? id.get() : digest(file);
    } catch (IOException e) {
      // It was there to be loaded, and is gone or replaced: nothing of it is to be shared.
      return UUID.randomUUID().toString();
    }
  }

  private static String digest(Path file) throws IOException {
    MessageDigest digest;
    try {
      digest = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every Java has SHA-256", e);
    }
    byte[] buffer = new byte[1 << 16];
    try (InputStream in = Files.newInputStream(file)) {
      for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
        digest.update(buffer, 0, read);
      }
    }
    return HexFormat.of().formatHex(digest.digest());
  }

  PjrtApi api() {
    return api;
  }

  void add(PjrtClient client) {
    clients.add(client);
  }

  void remove(PjrtClient client) {
    clients.remove(client);
  }

  @Override
  public String toString() {
    return library + " (PJRT C API 0." + apiMinorVersion() + ")";
  }
}
