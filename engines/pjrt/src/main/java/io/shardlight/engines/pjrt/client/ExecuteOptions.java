package io.shardlight.engines.pjrt.client;

import java.util.List;

/**
 * How one execution is to be done.
 *
 * @param launchId 0, or a number that is the same on every host for this launch and grows
 * @param nonDonatableInputs indices of arguments that are to be left alive although the program
 *     marks them as donated ({@code tf.aliasing_output}, {@code jax.buffer_donor})
 */
public record ExecuteOptions(int launchId, List<Integer> nonDonatableInputs) {
  /** No launch id, and what the program donates is donated. */
  public static final ExecuteOptions DEFAULT = new ExecuteOptions(0, List.of());

  public ExecuteOptions {
    nonDonatableInputs = List.copyOf(nonDonatableInputs);
  }

  public ExecuteOptions withLaunchId(int launchId) {
    return new ExecuteOptions(launchId, nonDonatableInputs);
  }

  public ExecuteOptions withNonDonatableInputs(List<Integer> nonDonatableInputs) {
    return new ExecuteOptions(launchId, nonDonatableInputs);
  }
}
