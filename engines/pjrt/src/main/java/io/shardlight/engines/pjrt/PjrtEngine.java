package io.shardlight.engines.pjrt;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.engine.Engine;
import ai.djl.engine.EngineException;
import ai.djl.ndarray.NDManager;
import ai.djl.util.passthrough.PassthroughNDManager;
import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.shardlight.engines.pjrt.client.DeviceMemoryStats;
import io.shardlight.engines.pjrt.client.PjrtClient;
import io.shardlight.engines.pjrt.client.PjrtClientOptions;
import io.shardlight.engines.pjrt.client.PjrtDevice;
import io.shardlight.engines.pjrt.client.PjrtException;
import io.shardlight.engines.pjrt.client.PjrtPlugin;
import io.shardlight.engines.pjrt.client.PjrtPlugins;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The DJL engine "PJRT": programs in StableHLO on TPUs, NVIDIA GPUs and whatever else has a plugin
 * with the PJRT C API. One client in a process, for a TPU lets no second one in. Arrays of its
 * managers lie in host memory; what a program keeps on its devices are its weights. Thread-safe.
 */
final class PjrtEngine extends Engine {
  static final String NAME = "PJRT";

  private static final Logger LOG = LoggerFactory.getLogger(PjrtEngine.class);

  /** Of a GPU's memory; the rest is for libraries that allocate on their own. */
  private static final float MEMORY_FRACTION = 0.92f;

  /**
   * A system property with options for the plugin's client, as JAX's {@code
   * jax_pjrt_client_create_options} has them: {@code name:value;name:value}.
   */
  static final String OPTIONS = "shardlight.pjrt.options";

  @GuardedBy("PjrtEngine.class")
  private static @Nullable PjrtEngine started;

  private final PjrtPlugin plugin;
  private final Map<String, Object> clientOptions;
  private final String version;
  private final String kind;
  private final int deviceCount;

  /** None after its devices were lost, until somebody needs one again. */
  @GuardedBy("this")
  private @Nullable PjrtClient client;

  @GuardedBy("this")
  private int users;

  private PjrtEngine(PjrtPlugin plugin) {
    this.plugin = plugin;
    Map<String, Object> options =
        new TreeMap<>(PjrtClientOptions.forPlugin(plugin, MEMORY_FRACTION));
    options.putAll(parseOptions(System.getProperty(OPTIONS, "")));
    this.clientOptions = Map.copyOf(options);
    PjrtClient first = PjrtClient.create(plugin, clientOptions);
    this.client = first;
    this.kind = kind(first.platformName());
    this.deviceCount = first.devices().size();
    this.version =
        "0."
            + plugin.apiMinorVersion()
            + " ("
            + first.platformName()
            + " "
            + first.platformVersion().lines().findFirst().orElse("")
            + ")";
  }

  /**
   * Starts the engine, or returns the one that was started in this process.
   *
   * @param asked the plugin's library; empty for the one that the environment names, or that is
   *     loaded already
   * @throws EngineException if there is none, it cannot be loaded, or another one is loaded
   */
  static synchronized PjrtEngine start(Optional<Path> asked) {
    try {
      if (started == null) {
        started = new PjrtEngine(PjrtPlugin.load(PjrtPlugins.find(asked)));
      } else if (asked.isPresent()) {
        PjrtPlugin wanted = PjrtPlugin.load(PjrtPlugins.find(asked));
        if (wanted != started.plugin) {
          throw new EngineException(
              "engine PJRT runs on "
                  + started.plugin.library()
                  + " in this process, and cannot on "
                  + wanted.library()
                  + " too; use one plugin a process");
        }
      }
      return started;
    } catch (PjrtException e) {
      // Not as the cause: whoever tells of causes too would tell this twice.
      EngineException failure =
          new EngineException("engine PJRT cannot be started here: " + e.reason());
      failure.addSuppressed(e);
      throw failure;
    }
  }

  /**
   * A DJL device type for a platform: {@code gpu}, {@code tpu}, or its own name. A CPU is {@code
   * host}, for DJL lets devices of type {@code cpu} have no numbers.
   */
  private static String kind(String platform) {
    String name = platform.toLowerCase(Locale.ROOT);
    return switch (name) {
      case "cuda", "rocm", "sycl" -> "gpu";
      case "cpu" -> "host";
      default -> name;
    };
  }

  /** Whole numbers become Long, true and false Boolean, other numbers Float, the rest text. */
  static Map<String, Object> parseOptions(String text) {
    Map<String, Object> options = new TreeMap<>();
    for (String option : text.split(";", -1)) {
      if (option.isBlank()) {
        continue;
      }
      int colon = option.indexOf(':');
      if (colon < 1) {
        throw new EngineException(
            "-D" + OPTIONS + " must be name:value;name:value, but has \"" + option + "\"");
      }
      options.put(option.substring(0, colon).strip(), value(option.substring(colon + 1).strip()));
    }
    return options;
  }

  private static Object value(String text) {
    if (text.equals("true") || text.equals("false")) {
      return Boolean.valueOf(text);
    }
    try {
      return Long.valueOf(text);
    } catch (NumberFormatException noWholeNumber) {
      try {
        return Float.valueOf(text);
      } catch (NumberFormatException noNumber) {
        return text;
      }
    }
  }

  /**
   * @throws EngineException if devices that were lost do not come back
   */
  synchronized PjrtClient client() {
    if (client == null) {
      try {
        client = PjrtClient.create(plugin, clientOptions);
      } catch (PjrtException e) {
        throw DeviceFaults.of("engine PJRT cannot reach its devices again", e);
      }
    }
    return client;
  }

  /**
   * The client, for somebody who puts something on its devices and calls {@link #leave} when that
   * is gone.
   */
  synchronized PjrtClient use() {
    PjrtClient used = client();
    users++;
    return used;
  }

  synchronized void leave() {
    users--;
  }

  /**
   * Gives a client up whose devices are lost, with all that is on them; {@link #client} makes a new
   * one.
   */
  void abandon(PjrtClient lost) {
    synchronized (this) {
      if (client != lost) {
        return;
      }
      client = null;
    }
    // Without the lock: of lost devices, nobody knows how long it takes.
    try {
      lost.close();
    } catch (RuntimeException e) {
      LOG.warn("The client of lost devices could not be closed: {}", e.getMessage());
    }
  }

  /**
   * Closes the client, if the engine was started and nothing is on its devices; {@link #client}
   * makes a new one.
   */
  static void release() {
    PjrtEngine engine;
    synchronized (PjrtEngine.class) {
      engine = started;
    }
    if (engine != null) {
      engine.closeIdle();
    }
  }

  private synchronized void closeIdle() {
    if (client == null || users > 0) {
      return;
    }
    PjrtClient idle = client;
    client = null;
    try {
      idle.close();
    } catch (RuntimeException e) {
      LOG.warn("Devices that are not used could not be let go: {}", e.getMessage());
    }
  }

  /** The maker's name for a device, and its memory where the plugin tells. */
  String describe(Device device) {
    PjrtDevice found = device(client(), device);
    return found.kind()
        + found
            .memoryStats()
            .map(DeviceMemoryStats::bytesLimit)
            .filter(OptionalLong::isPresent)
            .map(
                limit ->
                    String.format(Locale.ROOT, ", %.1f GiB usable", limit.getAsLong() / 0x1p30))
            .orElse("");
  }

  /** Whether a client was given up. */
  synchronized boolean isAbandoned(PjrtClient of) {
    return client != of;
  }

  /** The device of a client's that DJL knows by this. */
  PjrtDevice device(PjrtClient of, Device device) {
    int index = Math.max(0, device.getDeviceId());
    if (!device.getDeviceType().equals(kind) || index >= of.devices().size()) {
      throw new IllegalArgumentException(
          "engine PJRT has no device " + device + ", but " + List.of(getDevices()));
    }
    return of.devices().get(index);
  }

  @Override
  public Device[] getDevices(int maximum) {
    List<Device> devices = new ArrayList<>();
    for (int i = 0; i < Math.min(maximum, deviceCount); i++) {
      devices.add(Device.of(kind, i));
    }
    return devices.toArray(new Device[0]);
  }

  @Override
  public Device defaultDevice() {
    return Device.of(kind, 0);
  }

  @Override
  public int getGpuCount() {
    return kind.equals("gpu") ? deviceCount : 0;
  }

  @Override
  public @Nullable Engine getAlternativeEngine() {
    return null;
  }

  @Override
  public String getEngineName() {
    return NAME;
  }

  @Override
  public int getRank() {
    return PjrtEngineProvider.RANK;
  }

  /** Of the C API and of the platform behind it. */
  @Override
  public String getVersion() {
    return version;
  }

  @Override
  public boolean hasCapability(String capability) {
    return false;
  }

  @Override
  public Model newModel(String name, @Nullable Device device) {
    return new PjrtModel(name, device == null ? defaultDevice() : device, this);
  }

  @Override
  public NDManager newBaseManager() {
    return newBaseManager(null);
  }

  @Override
  public NDManager newBaseManager(@Nullable Device device) {
    return new PassthroughNDManager(this, device == null ? defaultDevice() : device);
  }
}
