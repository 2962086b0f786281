package io.shardlight.containers;

import java.nio.file.Files;
import java.nio.file.Path;

/** Where what images are built from lies. */
final class ImageFiles {
  /** The Dockerfiles and what lies beside them. */
  static final Path SOURCES = Path.of("../../templates/images");

  private ImageFiles() {}

  /** The build context, which packaging module templates fills. */
  static Path context() {
    Path folder = Path.of(System.getProperty("shardlight.image", "")).normalize();
    if (!Files.isRegularFile(folder.resolve("shardlight.jar"))) {
      throw new IllegalStateException(
          folder + " must hold what images are built from; run ./mvnw package, which fills it");
    }
    return folder;
  }

  static Path dockerfile(String kind) {
    return SOURCES.resolve(kind + ".Dockerfile");
  }
}
