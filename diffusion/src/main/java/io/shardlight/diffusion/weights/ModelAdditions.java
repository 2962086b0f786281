package io.shardlight.diffusion.weights;

import java.util.List;
import java.util.Optional;

/**
 * What a checkpoint is changed by when it is loaded; its own files stay as they are.
 *
 * @param loras added to the weights of text encoder and UNet, in this order
 * @param vae takes the place of the checkpoint's
 */
public record ModelAdditions(List<Lora> loras, Optional<ComponentDirectory> vae) {
  /** The checkpoint as it is. */
  public static final ModelAdditions NONE = new ModelAdditions(List.of(), Optional.empty());

  public ModelAdditions {
    loras = List.copyOf(loras);
  }
}
