package io.shardlight.containers;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.zip.GZIPInputStream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;

/**
 * An image that was unpacked, in which programs run as in a container: with its files as the root,
 * its variables and no others. The system's libraries and Java, which Beam's image would bring, are
 * this machine's.
 */
final class ImageRoot {
  /** Takes the root, a Java, a working directory and the program; its variables are its own. */
  private static final String ENTER =
      """
      set -e
      root=$1 java=$2 directory=$3
      shift 3
      for name in usr bin sbin lib lib32 lib64 etc proc dev; do
        if [ -L /$name ]; then
          ln -sfn "$(readlink /$name)" "$root/$name"
        elif [ -d /$name ]; then
          mkdir -p "$root/$name"
          mount --rbind /$name "$root/$name"
        fi
      done
      mkdir -p "$root/opt/java/openjdk" "$root/tmp" "$root/var/tmp"
      mount --bind "$java" "$root/opt/java/openjdk"
      exec chroot "$root" /bin/sh -c 'cd "$1" && shift && exec env -i "$@"' sh "$directory" "$@"
      """;

  private static final ObjectMapper JSON = new ObjectMapper();

  private final Path root;
  private final JsonNode config;

  private ImageRoot(Path root, JsonNode config) {
    this.root = root;
    this.config = config;
  }

  /** Whether this user may mount and change the root, in a namespace of its own at least. */
  static boolean isPossible() throws Exception {
    Path folder = Files.createTempDirectory("root");
    try {
      Process process =
          new ProcessBuilder(
                  "unshare", "-m", "sh", "-c", "mount --bind /usr \"$0\"", folder.toString())
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .start();
      boolean ended = process.waitFor(1, TimeUnit.MINUTES);
      process.destroyForcibly();
      return ended && process.exitValue() == 0;
    } catch (IOException e) {
      return false;
    } finally {
      Files.delete(folder);
    }
  }

  /** Unpacks what {@link ImageBuilder} wrote: layers over one another, the first below. */
  static ImageRoot unpack(Path tar, Path root) throws IOException {
    Path parts = Files.createDirectories(root.resolveSibling(root.getFileName() + "-parts"));
    try (InputStream in = new BufferedInputStream(Files.newInputStream(tar))) {
      unpack(new TarArchiveInputStream(in), parts);
    }
    JsonNode manifest = JSON.readTree(parts.resolve("manifest.json").toFile()).get(0);
    for (JsonNode layer : manifest.path("Layers")) {
      Path file = parts.resolve(layer.asText());
      try (InputStream in =
          new GZIPInputStream(new BufferedInputStream(Files.newInputStream(file)))) {
        unpack(new TarArchiveInputStream(in), root);
      }
      Files.delete(file);
    }
    JsonNode config = JSON.readTree(parts.resolve(manifest.path("Config").asText()).toFile());
    return new ImageRoot(root, config.path("config"));
  }

  private static void unpack(TarArchiveInputStream in, Path folder) throws IOException {
    for (TarArchiveEntry entry = in.getNextEntry(); entry != null; entry = in.getNextEntry()) {
      Path target = folder.resolve(entry.getName()).normalize();
      if (!target.startsWith(folder)) {
        throw new IOException(entry.getName() + " lies outside of the image");
      }
      if (entry.isDirectory()) {
        Files.createDirectories(target);
        continue;
      }
      if (target.getParent() != null) {
        Files.createDirectories(target.getParent());
      }
      Files.copy(in, target, StandardCopyOption.REPLACE_EXISTING);
      if ((entry.getMode() & 0100) != 0) {
        Files.setPosixFilePermissions(target, PosixFilePermissions.fromString("rwxr-xr-x"));
      }
    }
  }

  Path resolve(String path) {
    return root.resolve(path.replaceFirst("^/", ""));
  }

  List<String> entrypoint() {
    List<String> words = new ArrayList<>();
    config.path("Entrypoint").forEach(word -> words.add(word.asText()));
    return words;
  }

  Map<String, String> environment() {
    Map<String, String> all = new TreeMap<>();
    for (JsonNode pair : config.path("Env")) {
      int equals = pair.asText().indexOf('=');
      all.put(pair.asText().substring(0, equals), pair.asText().substring(equals + 1));
    }
    return all;
  }

  /** Runs a program of the image, with more variables than its own. */
  ScriptRun run(Map<String, String> more, List<String> words) throws Exception {
    List<String> command = new ArrayList<>(List.of("unshare", "-m", "sh", "-c", ENTER, "enter"));
    command.add(root.toString());
    command.add(System.getProperty("java.home"));
    command.add(config.path("WorkingDir").asText("/"));
    Map<String, String> environment = environment();
    environment.putAll(more);
    environment.forEach((name, value) -> command.add(name + "=" + value));
    command.addAll(words);
    return ScriptRun.of(Path.of(""), Map.of(), command);
  }
}
