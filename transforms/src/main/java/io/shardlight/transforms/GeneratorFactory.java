package io.shardlight.transforms;

import io.shardlight.diffusion.ImageGenerator;
import java.io.IOException;
import java.io.Serializable;

/** Loads a model and replicates its weights on a worker's devices; called once per JVM. */
public interface GeneratorFactory extends Serializable {
  /**
   * @return a generator, closed by its holder
   * @throws IOException if the model can't be read
   */
  ImageGenerator create() throws IOException;
}
