package io.shardlight.diffusion.weights;

import java.io.IOException;
import java.nio.file.Path;

/**
 * A LoRA and how strongly it is to work: a small change of many weights, to be added to a
 * checkpoint's.
 *
 * @param file safetensors, in the naming of kohya's trainer or of diffusers
 * @param scale 1 for as strong as it was trained, 0 for not at all; may be negative
 * @see <a href="https://arxiv.org/abs/2106.09685">Hu et al., section 4.1</a>
 */
public record Lora(Path file, float scale) {
  public Lora {
    if (!Float.isFinite(scale)) {
      throw new IllegalArgumentException("scale must be a finite number, but was " + scale);
    }
  }

  /**
   * Identity of what it adds, the scale apart.
   *
   * @param cacheDirectory where hashes of files are kept; made when needed
   * @return 64 hexadecimal digits, SHA-256 of the file
   */
  public String sha256(Path cacheDirectory) throws IOException {
    return ModelDirectory.sha256(cacheDirectory, file.toAbsolutePath());
  }
}
