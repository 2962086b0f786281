package io.shardlight.data;

import java.io.Serializable;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * What the checkpoint is changed by when it is loaded. Hashes and scales count in the fingerprint,
 * names do not.
 *
 * @param loras merged into its weights, in this order
 * @param vae in the place of its own
 */
public record AdditionsIdentity(List<Lora> loras, List<Vae> vae) implements Serializable {
  /** The checkpoint as it is. */
  public static final AdditionsIdentity NONE = new AdditionsIdentity(List.of(), List.of());

  /**
   * @param name of its file, without directory
   * @param sha256 of its file, in hexadecimal digits
   */
  public record Lora(String name, String sha256, float scale) implements Serializable {}

  /**
   * @param name of its directory
   * @param sha256 over its configuration and weights, in hexadecimal digits
   */
  public record Vae(String name, String sha256) implements Serializable {}

  /**
   * @param vae at most one, in a list because an {@code Optional} cannot travel to workers
   */
  public AdditionsIdentity {
    loras = List.copyOf(loras);
    vae = List.copyOf(vae);
    if (vae.size() > 1) {
      throw new IllegalArgumentException("vae must be one at most, but was " + vae);
    }
  }

  public static AdditionsIdentity of(List<Lora> loras, Optional<Vae> vae) {
    return new AdditionsIdentity(loras, vae.stream().toList());
  }

  /** The LoRAs as {@code --lora} takes them: {@code style.safetensors:0.8,…}. */
  public String lorasAsOption() {
    return loras.stream()
        .map(
            lora ->
                String.format(
                    Locale.ROOT,
                    "%s:%s",
                    lora.name,
                    CanonicalJson.shortest(lora.scale).toPlainString()))
        .collect(Collectors.joining(","));
  }
}
