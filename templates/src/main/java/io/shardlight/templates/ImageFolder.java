package io.shardlight.templates;

import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.jar.Attributes;
import java.util.jar.JarFile;
import java.util.jar.Manifest;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/**
 * Fills the folder from which images are built: libraries in {@code libs/}, what is ours in {@code
 * app/}, {@code shardlight.jar}, which has no classes but names all of these as its class path, and
 * the files beside the Dockerfiles. The same input gives the same bytes, so that of an image only
 * those layers change whose content did.
 */
public final class ImageFolder {
  /** The jar that puts everything else on the class path. */
  static final String JAR = "shardlight.jar";

  /** As in the parent pom: the time of entries in archives. */
  private static final LocalDateTime TIME = LocalDateTime.of(2026, 1, 1, 0, 0);

  private final Path target;
  private final List<String> classPath = new ArrayList<>();

  private ImageFolder(Path target) {
    this.target = target;
  }

  /**
   * Takes the folder to fill, the folder of the Dockerfiles, this module's classes, and a file with
   * the class path of what they need.
   */
  public static void main(String[] words) throws IOException {
    if (words.length != 4) {
      throw new IllegalArgumentException(
          "takes TARGET DOCKERFILES CLASSES CLASSPATH-FILE, but got " + words.length + " words");
    }
    List<Path> needed =
        Stream.of(Files.readString(Path.of(words[3])).strip().split(":", -1))
            .map(Path::of)
            .toList();
    fill(Path.of(words[0]), Path.of(words[1]), Path.of(words[2]), needed);
  }

  /**
   * @param classes of this module, a directory or a jar
   * @param needed jars, and directories of modules that are not packed yet
   */
  static void fill(Path target, Path dockerfiles, Path classes, List<Path> needed)
      throws IOException {
    for (String folder : List.of("app", "libs")) {
      delete(target.resolve(folder));
      Files.createDirectories(target.resolve(folder));
    }
    ImageFolder folder = new ImageFolder(target);
    folder.ours(classes);
    for (Path entry : needed) {
      if (isOurs(entry)) {
        folder.ours(entry);
      } else {
        folder.library(entry);
      }
    }
    Manifest manifest = new Manifest();
    manifest.getMainAttributes().put(Attributes.Name.MANIFEST_VERSION, "1.0");
    manifest
        .getMainAttributes()
        .put(Attributes.Name.CLASS_PATH, String.join(" ", folder.classPath));
    try (ZipOutputStream jar = new ZipOutputStream(Files.newOutputStream(target.resolve(JAR)))) {
      jar.putNextEntry(entry(JarFile.MANIFEST_NAME));
      manifest.write(jar);
      jar.closeEntry();
    }
    try (Stream<Path> files = Files.list(dockerfiles)) {
      for (Path file : files.filter(Files::isRegularFile).sorted().toList()) {
        Path copy = target.resolve(String.valueOf(file.getFileName()));
        Files.deleteIfExists(copy);
        Files.copy(file, copy);
      }
    }
  }

  private static boolean isOurs(Path entry) {
    return Files.isDirectory(entry) || nameOf(entry).startsWith("shardlight-");
  }

  private void ours(Path entry) throws IOException {
    if (!Files.isDirectory(entry)) {
      link(entry, "app/" + nameOf(entry));
      return;
    }
    // MODULE/target/classes
    Path module = entry.resolve("../..").toAbsolutePath().normalize();
    String name = "app/shardlight-" + nameOf(module) + ".jar";
    pack(entry, target.resolve(name));
    classPath.add(name);
  }

  private void library(Path jar) throws IOException {
    link(jar, "libs/" + nameOf(jar));
  }

  private void link(Path from, String name) throws IOException {
    Path to = target.resolve(name);
    if (Files.exists(to)) {
      throw new FileAlreadyExistsException(
          name, from.toString(), "two of the class path have one name; rename one of them");
    }
    try {
      Files.createLink(to, from.toRealPath());
    } catch (IOException | UnsupportedOperationException e) {
      // Another disk, or one without links.
      Files.copy(from, to);
    }
    classPath.add(name);
  }

  /** A jar with entries in the order of their names and with one time. */
  private static void pack(Path classes, Path jar) throws IOException {
    List<Path> files;
    try (Stream<Path> all = Files.walk(classes)) {
      files = all.filter(Files::isRegularFile).toList();
    }
    List<String> names =
        files.stream()
            .map(file -> classes.relativize(file).toString().replace('\\', '/'))
            .sorted()
            .toList();
    try (OutputStream out = Files.newOutputStream(jar);
        ZipOutputStream zip = new ZipOutputStream(out)) {
      for (String name : names) {
        zip.putNextEntry(entry(name));
        Files.copy(classes.resolve(name), zip);
        zip.closeEntry();
      }
    }
  }

  private static ZipEntry entry(String name) {
    ZipEntry entry = new ZipEntry(name);
    entry.setTimeLocal(TIME);
    return entry;
  }

  private static String nameOf(Path path) {
    return String.valueOf(path.getFileName());
  }

  private static void delete(Path folder) throws IOException {
    if (Files.notExists(folder)) {
      return;
    }
    try (Stream<Path> all = Files.walk(folder)) {
      all.sorted(Comparator.reverseOrder())
          .forEach(
              path -> {
                try {
                  Files.delete(path);
                } catch (IOException e) {
                  throw new UncheckedIOException(e);
                }
              });
    }
  }
}
