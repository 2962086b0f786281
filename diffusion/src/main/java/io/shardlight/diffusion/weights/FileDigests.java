package io.shardlight.diffusion.weights;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;

/**
 * SHA-256 of files, remembered by path, size and modification time in {@code file-digests.json} of
 * a cache directory. A damaged cache is as good as none. Processes may share a cache: the last one
 * to write wins, and the others hash again.
 */
final class FileDigests {
  private static final String CACHE_FILE = "file-digests.json";
  private static final int BUFFER_BYTES = 1 << 20;

  /**
   * A file changed this shortly before it was hashed could change again within one tick of the file
   * system's clock, and is not remembered.
   */
  private static final Duration SETTLED = Duration.ofSeconds(2);

  private static final ObjectMapper JSON = new ObjectMapper();

  private final Optional<Path> cacheDirectory;

  private FileDigests(Optional<Path> cacheDirectory) {
    this.cacheDirectory = cacheDirectory;
  }

  static FileDigests withoutCache() {
    return new FileDigests(Optional.empty());
  }

  static FileDigests cachedIn(Path directory) {
    return new FileDigests(Optional.of(directory));
  }

  static MessageDigest newSha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }

  /** What a file's hash is remembered by. */
  private record Stamp(long size, Instant modified) {
    static Stamp of(Path file) throws IOException {
      BasicFileAttributes attributes = Files.readAttributes(file, BasicFileAttributes.class);
      return new Stamp(attributes.size(), attributes.lastModifiedTime().toInstant());
    }
  }

  private record Stamped(Path file, Stamp stamp) {
    long size() {
      return stamp.size;
    }
  }

  /** The hash of each file in hexadecimal digits. */
  Map<Path, String> sha256(Collection<Path> files) throws IOException {
    ObjectNode cache = readCache();
    Map<Path, String> digests = new HashMap<>();
    List<Stamped> unknown = new ArrayList<>();
    for (Path file : files) {
      Stamped stamped = new Stamped(file, Stamp.of(file));
      lookUp(cache, stamped)
          .ifPresentOrElse(known -> digests.put(file, known), () -> unknown.add(stamped));
    }
    if (!unknown.isEmpty()) {
      Instant began = Instant.now();
      unknown.sort(Comparator.comparingLong(Stamped::size).reversed());
      List<String> fresh = hashAll(unknown);
      for (int i = 0; i < fresh.size(); i++) {
        Stamped stamped = unknown.get(i);
        digests.put(stamped.file, fresh.get(i));
        if (stamped.stamp.modified.plus(SETTLED).isBefore(began)) {
          remember(cache, stamped, fresh.get(i));
        }
      }
      writeCache(cache);
    }
    return digests;
  }

  /** Hashes in parallel, starting in the order given. */
  private static List<String> hashAll(List<Stamped> files) throws IOException {
    int threads = Math.min(files.size(), Runtime.getRuntime().availableProcessors());
    ExecutorService executor = Executors.newFixedThreadPool(threads);
    try {
      List<Future<String>> running = new ArrayList<>();
      for (Stamped file : files) {
        running.add(executor.submit(() -> hash(file.file, file.stamp)));
      }
      List<String> digests = new ArrayList<>();
      for (Future<String> digest : running) {
        digests.add(digest.get());
      }
      return digests;
    } catch (ExecutionException e) {
      throw new IOException("hashing a model file failed: " + e.getCause(), e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while hashing model files", e);
    } finally {
      executor.shutdownNow();
    }
  }

  private static String hash(Path file, Stamp stamp) throws IOException {
    MessageDigest digest = newSha256();
    byte[] buffer = new byte[BUFFER_BYTES];
    try (InputStream in = Files.newInputStream(file)) {
      for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
        if (Thread.interrupted()) { // another file failed
          throw new IOException("interrupted while hashing " + file);
        }
        digest.update(buffer, 0, n);
      }
    }
    if (!Stamp.of(file).equals(stamp)) {
      throw new IOException(
          file + " changed while it was hashed; do not change a model while it is in use");
    }
    return HexFormat.of().formatHex(digest.digest());
  }

  private ObjectNode readCache() throws IOException {
    if (cacheDirectory.isPresent()) {
      Path file = cacheDirectory.get().resolve(CACHE_FILE);
      if (Files.isRegularFile(file)) {
        try {
          if (JSON.readTree(Files.readAllBytes(file)) instanceof ObjectNode cache) {
            return cache;
          }
        } catch (JsonProcessingException e) {
          return JSON.createObjectNode(); // cut short by a crash, say: hash again
        }
      }
    }
    return JSON.createObjectNode();
  }

  private static Optional<String> lookUp(ObjectNode cache, Stamped stamped) throws IOException {
    @Nullable JsonNode entry = cache.get(stamped.file.toRealPath().toString());
    if (entry == null
        || entry.path("size").asLong(-1) != stamped.stamp.size
        || !entry.path("modified").asText().equals(stamped.stamp.modified.toString())) {
      return Optional.empty();
    }
    return Optional.of(entry.path("sha256").asText()).filter(hex -> hex.matches("[0-9a-f]{64}"));
  }

  private static void remember(ObjectNode cache, Stamped stamped, String sha256)
      throws IOException {
    cache
        .putObject(stamped.file.toRealPath().toString())
        .put("size", stamped.stamp.size)
        .put("modified", stamped.stamp.modified.toString())
        .put("sha256", sha256);
  }

  private void writeCache(ObjectNode cache) throws IOException {
    if (cacheDirectory.isEmpty()) {
      return;
    }
    Path directory = Files.createDirectories(cacheDirectory.get());
    Path temporary = Files.createTempFile(directory, CACHE_FILE, ".tmp");
    try {
      Files.write(temporary, JSON.writerWithDefaultPrettyPrinter().writeValueAsBytes(cache));
      Files.move(
          temporary,
          directory.resolve(CACHE_FILE),
          StandardCopyOption.ATOMIC_MOVE,
          StandardCopyOption.REPLACE_EXISTING);
    } finally {
      Files.deleteIfExists(temporary);
    }
  }
}
