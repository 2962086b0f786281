package io.shardlight.pipeline;

import io.shardlight.data.Sha256;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * The small model that comes along, as a diffusers folder on disk. It is copied out of the jar
 * once, beside its final name, and renamed when whole, so that two processes may do it at once; its
 * files' SHA-256 are checked at every start.
 */
final class DemoModel {
  /** The value of {@code --model} that means this one. */
  static final String NAME = "demo";

  private static final String LISTING = "demo.sha256";

  private DemoModel() {}

  /**
   * The folder, copied out if it is not there yet or damaged.
   *
   * @param cacheDirectory where to keep it; made when needed
   * @throws UncheckedIOException if the cache directory can't be written, saying how to move it
   */
  static Path extract(Path cacheDirectory) {
    byte[] listing = resource(LISTING);
    Map<String, String> digests = parse(listing);
    Path folder = cacheDirectory.resolve("demo-" + Sha256.hex(listing).substring(0, 16));
    if (isWhole(folder, digests)) {
      return folder;
    }
    CacheDirectory.create(cacheDirectory);
    try {
      Path fresh = Files.createTempDirectory(cacheDirectory, "demo-unpacking-");
      try {
        for (String file : digests.keySet()) {
          Path target = fresh.resolve(file);
          Files.createDirectories(target.getParent());
          Files.write(target, resource("demo/" + file));
        }
        moveInPlace(fresh, folder, digests);
      } finally {
        delete(fresh);
      }
    } catch (IOException e) {
      throw CacheDirectory.unwritable(cacheDirectory, e);
    }
    if (!isWhole(folder, digests)) {
      throw new IllegalStateException(
          "the demo model in "
              + folder
              + " is not what the jar holds, right after it was copied there; is the disk full?");
    }
    return folder;
  }

  /** Renames; a whole folder that another process put there meanwhile stays, a damaged one goes. */
  private static void moveInPlace(Path fresh, Path folder, Map<String, String> digests)
      throws IOException {
    for (int attempt = 0; !tryMove(fresh, folder); attempt++) {
      if (isWhole(folder, digests)) {
        return;
      }
      if (attempt == 3) {
        throw new FileAlreadyExistsException(
            folder.toString(), null, "damaged, and cannot be replaced; delete it");
      }
      Path aside = Files.createTempDirectory(folder.getParent(), "demo-damaged-");
      tryMove(folder, aside.resolve("demo"));
      delete(aside);
    }
  }

  private static boolean tryMove(Path from, Path to) throws IOException {
    try {
      Files.move(from, to, StandardCopyOption.ATOMIC_MOVE);
      return true;
    } catch (AtomicMoveNotSupportedException e) {
      throw e;
    } catch (IOException e) {
      // Taken by another process, in whichever way this file system says so.
      if (Files.exists(to) || Files.notExists(from)) {
        return false;
      }
      throw e;
    }
  }

  private static boolean isWhole(Path folder, Map<String, String> digests) {
    for (Map.Entry<String, String> entry : digests.entrySet()) {
      Path file = folder.resolve(entry.getKey());
      try {
        if (!Files.isRegularFile(file)
            || !Sha256.hex(Files.readAllBytes(file)).equals(entry.getValue())) {
          return false;
        }
      } catch (IOException e) {
        throw new UncheckedIOException(
            "cannot read the demo model's " + file + "; make it readable or delete it", e);
      }
    }
    return true;
  }

  /** Lines of {@code sha256sum}: digest, two spaces, path. */
  private static Map<String, String> parse(byte[] listing) {
    Map<String, String> digests = new LinkedHashMap<>();
    for (String line : new String(listing, StandardCharsets.UTF_8).lines().toList()) {
      digests.put(line.substring(66), line.substring(0, 64));
    }
    return digests;
  }

  private static byte[] resource(String name) {
    try (InputStream in = DemoModel.class.getResourceAsStream(name)) {
      if (in == null) {
        throw new FileNotFoundException("resource " + name + " is not in the jar");
      }
      return in.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException("the demo model cannot be read from this build", e);
    }
  }

  private static void delete(Path folder) throws IOException {
    if (Files.notExists(folder)) {
      return;
    }
    List<Path> deepestFirst;
    try (Stream<Path> all = Files.walk(folder)) {
      deepestFirst = all.sorted(Comparator.reverseOrder()).toList();
    }
    for (Path path : deepestFirst) {
      Files.deleteIfExists(path);
    }
  }
}
