package io.shardlight.containers;

import com.google.cloud.tools.jib.api.Containerizer;
import com.google.cloud.tools.jib.api.Jib;
import com.google.cloud.tools.jib.api.JibContainerBuilder;
import com.google.cloud.tools.jib.api.TarImage;
import com.google.cloud.tools.jib.api.buildplan.AbsoluteUnixPath;
import com.google.cloud.tools.jib.api.buildplan.FileEntriesLayer;
import com.google.cloud.tools.jib.api.buildplan.FilePermissions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * Puts on a base what the last stage of a Dockerfile says, by jib instead of Docker. Other stages
 * are folders: what they would fetch cannot be had without a network.
 */
final class ImageBuilder {
  private static final FilePermissions PROGRAM = FilePermissions.fromOctalString("755");
  private static final FilePermissions FILE = FilePermissions.fromOctalString("644");

  private final Path scratch;
  private final Map<String, Path> stages;

  /**
   * @param stages the root of each other stage, by its name
   */
  ImageBuilder(Path scratch, Map<String, Path> stages) {
    this.scratch = scratch;
    this.stages = stages;
  }

  /** A stand-in for Beam's image: its variables, and a boot program that says what it was given. */
  Path base() throws Exception {
    Path boot =
        Files.writeString(scratch.resolve("boot"), "#!/bin/sh\necho \"boot $*\"\nenv | sort\n");
    FileEntriesLayer layer =
        FileEntriesLayer.builder()
            .addEntry(boot, AbsoluteUnixPath.get("/opt/apache/beam/boot"), PROGRAM)
            .build();
    Path tar = scratch.resolve("base.tar");
    Jib.fromScratch()
        .addFileEntriesLayer(layer)
        .addEnvironmentVariable("JAVA_HOME", "/opt/java/openjdk")
        .addEnvironmentVariable(
            "PATH", "/opt/java/openjdk/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/bin")
        .addEnvironmentVariable("LANG", "en_US.UTF-8")
        .containerize(offline(tar, "beam"));
    return tar;
  }

  /** Writes an image as {@code docker save} does. */
  Path build(Dockerfile dockerfile, Path base, String name) throws Exception {
    Dockerfile.Stage image = dockerfile.image();
    JibContainerBuilder builder = Jib.from(TarImage.at(base));
    for (Dockerfile.Copy copy : image.copies()) {
      Path root = copy.stage().map(stages::get).orElse(ImageFiles.context());
      FileEntriesLayer.Builder layer = FileEntriesLayer.builder();
      for (String source : copy.sources()) {
        add(layer, root.resolve(source.replaceFirst("^/", "")), copy.target());
      }
      builder.addFileEntriesLayer(layer.build());
    }
    image.environment().forEach(builder::addEnvironmentVariable);
    builder.setWorkingDirectory(AbsoluteUnixPath.get(image.workingDirectory()));
    builder.setEntrypoint(image.entrypoint());
    builder.setProgramArguments(List.of());
    Path tar = scratch.resolve(name + ".tar");
    builder.containerize(offline(tar, name));
    return tar;
  }

  /** A directory's content goes to the target, a file below it if it ends with a slash. */
  private static void add(FileEntriesLayer.Builder layer, Path source, String target)
      throws IOException {
    if (Files.notExists(source)) {
      throw new IOException("COPY names " + source + ", which is not there");
    }
    boolean below = target.endsWith("/") && !Files.isDirectory(source);
    layer.addEntryRecursive(
        source,
        AbsoluteUnixPath.get(below ? target + source.getFileName() : target),
        (file, path) -> Files.isExecutable(file) ? PROGRAM : FILE);
  }

  private Containerizer offline(Path tar, String name) throws Exception {
    return Containerizer.to(TarImage.at(tar).named(name))
        .setOfflineMode(true)
        .setBaseImageLayersCache(scratch.resolve("base-layers"))
        .setApplicationLayersCache(scratch.resolve("layers"));
  }
}
