package io.shardlight.diffusion.hub;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.shardlight.diffusion.transfer.TransferProgress;
import io.shardlight.fixtures.hub.FakeHub;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A Hub with a model that is no model, but has the files of one, and a client that waits for
 * nothing.
 */
final class HubRig implements AutoCloseable {
  static final String ID = "test/tiny";
  static final int CHUNK = 16 << 10;
  static final HubModel MODEL = HubModel.parse("hf://test/tiny");

  final FakeHub server = FakeHub.start();
  final Map<String, byte[]> files = new TreeMap<>();
  final Map<String, String> environment = new HashMap<>();
  final List<Duration> waits = Collections.synchronizedList(new ArrayList<>());
  final Told told = new Told();
  final String commit;
  private final Path home;

  /** What the progress was told. */
  static final class Told implements TransferProgress {
    final AtomicLong planned = new AtomicLong();
    final AtomicLong advanced = new AtomicLong();
    final List<String> notices = Collections.synchronizedList(new ArrayList<>());

    @Override
    public void plan(long bytes) {
      planned.addAndGet(bytes);
    }

    @Override
    public void advance(long bytes) {
      advanced.addAndGet(bytes);
    }

    @Override
    public void notice(String line) {
      notices.add(line);
    }
  }

  HubRig(Path home) throws IOException {
    this.home = home;
    put("model_index.json", "{}");
    put("README.md", "---\nlicense: mit\n---\n");
    put("scheduler/scheduler_config.json", "{\"a\": 1}");
    put("tokenizer/vocab.json", "{\"b\": 2}");
    put("tokenizer/merges.txt", "x y\n");
    for (String component : List.of("unet", "vae")) {
      put(component + "/config.json", "{\"of\": \"" + component + "\"}");
      put(component + "/diffusion_pytorch_model.bin", "pickled");
      random(component + "/diffusion_pytorch_model.safetensors", 5 * CHUNK + 123);
    }
    put("text_encoder/config.json", "{}");
    random("text_encoder/model.safetensors", CHUNK);
    random("text_encoder/model.fp16.safetensors", CHUNK / 2);
    put("empty/.gitkeep", "");
    commit = server.host(ID, "main", Files.createDirectory(home.resolve("none")), files);
    environment.put("HF_ENDPOINT", server.url());
    environment.put("HF_HOME", home.resolve("hf").toString());
  }

  private void put(String name, String text) {
    files.put(name, text.getBytes(UTF_8));
  }

  private void random(String name, int size) {
    byte[] content = new byte[size];
    new Random(name.hashCode()).nextBytes(content);
    files.put(name, content);
  }

  /** A stall is told from slowness by time alone, so the limit is far above what a test takes. */
  HubPolicy policy() {
    return new HubPolicy(
        Duration.ofSeconds(20),
        Duration.ofSeconds(20),
        4,
        Duration.ofMillis(100),
        Duration.ofSeconds(1),
        Duration.ofMinutes(1),
        4,
        CHUNK);
  }

  Hub hub() throws IOException {
    return hub(policy());
  }

  Hub hub(HubPolicy policy) throws IOException {
    return Hub.of(HubSettings.of(environment, home), policy, waits::add);
  }

  Path fetch() throws IOException {
    return fetch(hub());
  }

  /** Everything that is needed. */
  Path fetch(Hub hub) throws IOException {
    HubListing listing = hub.look(MODEL);
    return hub.fetch(listing, NeededFiles.of(listing.names(), Optional.empty()).all(), told);
  }

  Path cache() {
    return home.resolve("hf/hub");
  }

  Path folder() {
    return cache().resolve("models--test--tiny");
  }

  @Override
  public void close() {
    server.close();
  }
}
