package io.shardlight.diffusion.scheduler;

/**
 * One example's run of a denoising loop. The loop draws latents from the standard normal
 * distribution, multiplies them by {@link #initNoiseSigma}, and then for every step 0 … {@code
 * stepCount() - 1}, in this order and each once: scales them by {@link #scaleModelInput}, lets the
 * network predict at {@link #timestep}, passes the prediction to {@link #step}, and adds noise of
 * standard deviation {@link #addedNoiseSigma} to what that returns.
 *
 * <p>Latents are float32 in any layout, since all arithmetic is elementwise; arrays that are passed
 * in are not changed, but may be kept until the next step. Holds the state of the run: make one for
 * every example. Not thread-safe.
 */
public sealed interface Scheduler
    permits PndmScheduler,
        DdimScheduler,
        LmsScheduler,
        EulerScheduler,
        EulerAncestralScheduler,
        DpmSolverScheduler {
  /** How many times the network is called; PNDM needs more calls than inference steps. */
  int stepCount();

  /**
   * The training timestep at a loop index, in [0, numTrainTimesteps); with fractions for those over
   * σ.
   *
   * @throws IndexOutOfBoundsException if step is not in [0, stepCount)
   */
  float timestep(int step);

  /**
   * Whether all it returns are linear combinations of the latents and predictions it was given,
   * with the same coefficients whatever these are.
   */
  boolean isLinear();

  /** Standard deviation of the initial latents. */
  float initNoiseSigma();

  /** What the network is given for these latents; the same array where nothing is to be scaled. */
  float[] scaleModelInput(float[] latents, int step);

  /**
   * Latents of the next step, but for noise to be added.
   *
   * @param prediction the network's output after guidance, as long as latents: noise, or v
   * @param step loop index: 0 at the first call, then one more each time
   * @param latents what the previous step returned and noise was added to, not scaled
   * @return a new array
   * @throws IllegalStateException if steps are left out or repeated
   */
  float[] step(float[] prediction, int step, float[] latents);

  /**
   * Standard deviation of the fresh noise, standard normal times this, that belongs on top of what
   * {@link #step} returned; 0 where the method adds none.
   *
   * @param step loop index, in [0, stepCount)
   */
  default float addedNoiseSigma(int step) {
    return 0;
  }
}
