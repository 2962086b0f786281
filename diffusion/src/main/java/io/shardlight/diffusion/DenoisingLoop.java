package io.shardlight.diffusion;

import io.shardlight.diffusion.PromptEncoder.PromptEmbeddings;
import io.shardlight.diffusion.random.ImageNoise;
import io.shardlight.diffusion.random.PrngKey;
import io.shardlight.diffusion.scheduler.Scheduler;
import java.util.Arrays;
import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Draws one image: prompt embeddings, noise, the denoising steps with classifier-free guidance, the
 * VAE decoder, eight-bit pixels, safety checker. Rombach et al., arXiv:2112.10752; the order of
 * operations is diffusers' {@code StableDiffusionPipeline.__call__}. Thread-safe.
 */
final class DenoisingLoop {
  private final StableDiffusion model;
  private final Programs programs;
  private final PromptEncoder promptEncoder;

  DenoisingLoop(StableDiffusion model, Programs programs, PromptEncoder promptEncoder) {
    this.model = model;
    this.programs = programs;
    this.promptEncoder = promptEncoder;
  }

  /**
   * @param stopped looked at between steps
   * @throws CancellationException if {@code stopped} became true
   * @throws ArithmeticException if the image has pixels that are no numbers
   */
  GeneratedImage draw(ImageRequest request, AtomicBoolean stopped) {
    return check(finish(request, denoise(request, stopped)));
  }

  /** Computes the embeddings that {@link #denoise} will need, unless they are known. */
  void encode(ImageRequest request) {
    promptEncoder.encode(request.prompt());
    if (model.guides(request.guidanceScale())) {
      promptEncoder.encode(request.negativePrompt());
    }
  }

  /**
   * The first part of {@link #draw}.
   *
   * @return the image's latents, {@code [1, 4, height/8, width/8]}
   */
  float[] denoise(ImageRequest request, AtomicBoolean stopped) {
    float[] noise =
        ImageNoise.initial(
            request.noiseKey(),
            model.vae().config().latentChannels() * latentHeight(request) * latentWidth(request));
    return denoise(request, promptEncoder.encode(request.prompt()), noise, stopped);
  }

  /** The second part of {@link #draw}. */
  GeneratedImage finish(ImageRequest request, float[] latents) {
    float[] image = decode(latents, latentHeight(request), latentWidth(request));
    return new GeneratedImage(
        request.widthPixels(),
        request.heightPixels(),
        toRgb(image),
        promptEncoder.truncates(request.prompt()));
  }

  /**
   * Has the model's safety checker look at an image, if it has one; the last part of {@link #draw}.
   */
  GeneratedImage check(GeneratedImage image) {
    return model
        .safetyChecker()
        .map(
            checker -> {
              float[] input =
                  checker.prepare(image.rgb(), image.widthPixels(), image.heightPixels());
              float[] embeds = programs.safetyChecker().run((Object) input);
              return image.withSafetyScore(checker.score(embeds));
            })
        .orElse(image);
  }

  private int latentHeight(ImageRequest request) {
    return request.heightPixels() / model.vae().config().downsamplingFactor();
  }

  private int latentWidth(ImageRequest request) {
    return request.widthPixels() / model.vae().config().downsamplingFactor();
  }

  /**
   * @param noise standard normal, {@code [1, 4, height/8, width/8]}
   * @return latents, shape of the noise
   */
  float[] denoise(
      ImageRequest request, PromptEmbeddings prompt, float[] noise, AtomicBoolean stopped) {
    // 1. prompt embeddings, unconditional first
    boolean guided = model.guides(request.guidanceScale());
    float[] context =
        guided
            ? concat(promptEncoder.encode(request.negativePrompt()).values(), prompt.values())
            : prompt.values();

    // 2. latents
    Scheduler scheduler = request.scheduler().create(model.schedulerConfig(), request.steps());
    Program unet = programs.unet(guided, latentHeight(request), latentWidth(request));
    float[] latents = noise.clone();
    for (int i = 0; i < latents.length; i++) {
      latents[i] *= scheduler.initNoiseSigma();
    }

    // 3. steps
    int calls = model.numerics().stepsToRun(scheduler.stepCount(), request.steps());
    for (int step = 0; step < calls; step++) {
      if (stopped.get()) {
        throw new CancellationException("stopped before step " + step);
      }
      float[] input = scheduler.scaleModelInput(latents, step);
      float[] prediction = unet.run(input, new float[] {scheduler.timestep(step)}, context);
      if (guided) {
        prediction = guide(prediction, request.guidanceScale());
      }
      latents = scheduler.step(prediction, step, latents);
      addNoise(latents, scheduler.addedNoiseSigma(step), request.noiseKey(), step);
    }
    return latents;
  }

  private static void addNoise(float[] latents, float sigma, PrngKey key, int step) {
    if (sigma > 0) {
      float[] noise = ImageNoise.ofStep(key, step, latents.length);
      for (int i = 0; i < latents.length; i++) {
        latents[i] += noise[i] * sigma;
      }
    }
  }

  /**
   * @return the image, float32 {@code [1, 3, 8 height, 8 width]}, about {@code [-1, 1]}
   */
  float[] decode(float[] latents, int height, int width) {
    float inverse = 1 / model.vae().config().scalingFactor();
    float[] scaled = latents.clone();
    for (int i = 0; i < scaled.length; i++) {
      scaled[i] *= inverse;
    }
    return programs.vaeDecoder(height, width).run((Object) scaled);
  }

  /** {@code unconditional + scale (conditional - unconditional)}; arXiv:2207.12598, equation 6. */
  private static float[] guide(float[] predictions, float scale) {
    int half = predictions.length / 2;
    float[] guided = new float[half];
    for (int i = 0; i < half; i++) {
      guided[i] = predictions[i] + scale * (predictions[half + i] - predictions[i]);
    }
    return guided;
  }

  /**
   * Planes in about {@code [-1, 1]} to interleaved bytes, halves rounded to even as NumPy does.
   *
   * @throws ArithmeticException if a value is no number
   */
  static byte[] toRgb(float[] image) {
    int pixels = image.length / 3;
    byte[] rgb = new byte[image.length];
    for (int channel = 0; channel < 3; channel++) {
      for (int i = 0; i < pixels; i++) {
        float value = image[channel * pixels + i];
        if (Float.isNaN(value)) {
          throw new ArithmeticException(
              "the image must be numbers, but channel "
                  + channel
                  + " of pixel "
                  + i
                  + " is NaN; the weights are damaged, or a value left the range of their type");
        }
        rgb[3 * i + channel] = (byte) Math.rint(unit(value) * 255);
      }
    }
    return rgb;
  }

  /** {@code [-1, 1]} to {@code [0, 1]}, what lies outside cut off. */
  static float unit(float value) {
    return Math.min(1, Math.max(0, value / 2 + 0.5f));
  }

  private static float[] concat(float[] first, float[] second) {
    float[] both = Arrays.copyOf(first, first.length + second.length);
    System.arraycopy(second, 0, both, first.length, second.length);
    return both;
  }
}
