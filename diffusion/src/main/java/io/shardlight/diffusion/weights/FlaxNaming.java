package io.shardlight.diffusion.weights;

import java.nio.file.Path;
import java.util.regex.Pattern;

/**
 * How a library turned PyTorch's parameter names into Flax's. Both rename the last part ({@code
 * weight} becomes {@code kernel}, {@code scale} or {@code embedding}); they differ in what they do
 * with list indices.
 */
enum FlaxNaming {
  /** diffusers joins each {@code name.<digits>} to {@code name_<digits>}. */
  DIFFUSERS {
    @Override
    String key(String torchName) {
      return INDEXED.matcher(torchName).replaceAll("$1_$2");
    }

    @Override
    String torchModule(String flaxModule) {
      return JOINED.matcher(flaxModule).replaceAll("$1.$2");
    }
  },
  /** transformers keeps indices as levels of their own. */
  TRANSFORMERS {
    @Override
    String key(String torchName) {
      return torchName;
    }

    @Override
    String torchModule(String flaxModule) {
      return flaxModule;
    }
  };

  private static final Pattern INDEXED = Pattern.compile("(\\w+)\\.(\\d+)");

  /**
   * Parts that end in a number because a list was joined. {@code time_embedding.linear_1} has its
   * number in PyTorch too.
   */
  private static final Pattern JOINED = Pattern.compile("\\b(?!linear_)(\\w+)_(\\d+)(?=\\.|$)");

  /** The library tells itself by its file's name. */
  static FlaxNaming of(Path file) {
    return file.getFileName().toString().startsWith("diffusion_") ? DIFFUSERS : TRANSFORMERS;
  }

  /**
   * The library's rule, forward. It is not one to one ({@code linear_1} and {@code linear.1} become
   * the same), so that tensors are found by this key.
   */
  abstract String key(String torchName);

  /** A PyTorch module name whose {@link #key} is that of the Flax module. */
  abstract String torchModule(String flaxModule);

  /** PyTorch's word for the last part of a Flax name. */
  static String torchLeaf(String flaxLeaf) {
    return switch (flaxLeaf) {
      case "kernel", "scale", "embedding" -> "weight";
      default -> flaxLeaf;
    };
  }
}
