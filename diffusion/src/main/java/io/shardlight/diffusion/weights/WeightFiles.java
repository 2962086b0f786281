package io.shardlight.diffusion.weights;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** The names under which diffusers and transformers save a component's weights. */
final class WeightFiles {
  private static final List<String> TORCH =
      List.of(
          "diffusion_pytorch_model.safetensors",
          "model.safetensors",
          "diffusion_pytorch_model.safetensors.index.json",
          "model.safetensors.index.json",
          "diffusion_pytorch_model.fp16.safetensors",
          "model.fp16.safetensors",
          "diffusion_pytorch_model.safetensors.index.fp16.json",
          "model.safetensors.index.fp16.json");

  private static final List<String> FLAX =
      List.of("diffusion_flax_model.msgpack", "flax_model.msgpack");

  private WeightFiles() {}

  /**
   * The file to take from a component's folder, or the index of several; full precision before
   * {@code fp16}.
   */
  static Optional<Path> find(Path folder, Origin origin) {
    return (origin == Origin.TORCH ? TORCH : FLAX)
        .stream().map(folder::resolve).filter(Files::isRegularFile).findFirst();
  }

  /**
   * A file that {@link #find} found and, if that is an index, all that it names.
   *
   * @throws MalformedWeightsException if the index is damaged
   */
  static List<Path> all(Path file) throws IOException {
    if (!ShardIndex.isIndex(file)) {
      return List.of(file);
    }
    List<Path> files = new ArrayList<>(List.of(file));
    files.addAll(ShardIndex.read(file).shards());
    return files;
  }

  /** Why a folder without a file that {@link #find} knows cannot be used, and what to do. */
  static String advice(Path folder, Origin origin) throws IOException {
    List<String> files = List.of();
    if (Files.isDirectory(folder)) {
      try (Stream<Path> entries = Files.list(folder)) {
        files = entries.map(entry -> entry.getFileName().toString()).sorted().toList();
      }
    }
    String name = folder.getFileName().toString();
    if (files.stream().anyMatch(file -> file.endsWith(".bin") || file.endsWith(".ckpt"))) {
      return name
          + "/ holds weights only as pickled .bin, which is never read because it can run code;"
          + " convert it: pipeline.save_pretrained(folder, safe_serialization=True)";
    }
    List<String> wanted = origin == Origin.TORCH ? TORCH : FLAX;
    return name
        + ("/ has no weights: one of " + String.join(", ", wanted) + " wanted, found ")
        + (files.isEmpty() ? "nothing" : String.join(", ", files))
        + "; download the model again, with this folder";
  }
}
