package io.shardlight.pipeline;

import io.shardlight.diffusion.DeviceKind;
import io.shardlight.diffusion.StableDiffusion;
import io.shardlight.diffusion.TextToImage;
import io.shardlight.diffusion.graph.Lowering;
import java.util.Optional;

/**
 * What is decided of engine and devices before a job begins, as the manifest names it and workers
 * are held to it.
 *
 * @param engine name of a DJL engine
 * @param dtype what UNet and VAE compute in
 * @param slots images of one call; an estimate for workers that are unlike this machine, which
 *     count their devices themselves
 */
record ResolvedDevices(String engine, DeviceKind kind, String dtype, int slots) {
  /**
   * Asks this machine's devices, or believes what is known of the workers'.
   *
   * @param line in whose options {@link Engines#problems} found nothing
   * @throws IllegalArgumentException if this machine has not the devices that are asked for
   */
  static ResolvedDevices of(
      StableDiffusion model,
      LoadModel loader,
      Optional<WorkerDevices> elsewhere,
      CommandLine line) {
    if (elsewhere.isPresent()) {
      Lowering lowering = Engines.find(line, elsewhere);
      DeviceKind kind =
          LoadModel.parseDeviceKind(elsewhere.get().kind())
              .orElseThrow(
                  () -> new IllegalArgumentException("no kind of device: " + elsewhere.get()));
      int devices = loader.devices() > 0 ? loader.devices() : elsewhere.get().count();
      return new ResolvedDevices(
          lowering.engineName(),
          kind,
          line.usable("dtype").orElse(LoadModel.option(TextToImage.best(kind, lowering))),
          devices * loader.batchPerDevice());
    }
    // Programs are compiled later.
    try (TextToImage textToImage = TextToImage.replicate(model, loader.options())) {
      return new ResolvedDevices(
          textToImage.engineName(),
          textToImage.deviceKind(),
          LoadModel.option(textToImage.dataType()),
          textToImage.slots());
    }
  }
}
