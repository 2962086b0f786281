package io.shardlight.diffusion;

import io.shardlight.diffusion.graph.DeviceFault;
import java.util.List;

/** Draws batches of one model on the devices of one engine. */
interface BatchRunner extends AutoCloseable {
  /** How many devices there are, for whoever wants all. */
  int devices();

  /**
   * @return the images of the batch's live slots, in their order
   * @throws DeviceFault if the devices failed at what they should do
   * @throws InterruptedException if the thread is interrupted; no device works any more by then
   */
  List<GeneratedImage> run(ShardedBatch batch) throws InterruptedException;

  /** Frees the devices; no exception. */
  @Override
  void close();
}
