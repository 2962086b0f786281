package io.shardlight.transforms;

import io.shardlight.diffusion.ImageGenerator;
import java.io.IOException;
import java.io.Serializable;
import org.apache.beam.sdk.options.PipelineOptions;

/** Loads a model and replicates its weights on a worker's devices; called once per JVM. */
public interface GeneratorFactory extends Serializable {
  /**
   * @return a generator, closed by its holder
   * @throws IOException if the model can't be read
   */
  ImageGenerator create() throws IOException;

  /**
   * The same for a worker.
   *
   * @param options of the job as they are there, which say how buckets are reached
   */
  default GeneratorFactory on(PipelineOptions options) {
    return this;
  }
}
