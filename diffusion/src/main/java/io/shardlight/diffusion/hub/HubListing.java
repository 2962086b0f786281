package io.shardlight.diffusion.hub;

import java.nio.file.Path;
import java.util.Collection;
import java.util.Map;
import java.util.Optional;

/**
 * What the Hub, or the cache if the Hub is out of reach, says of a model.
 *
 * @param model as it was asked for
 * @param commit that its revision stands for
 * @param files by path; sizes and hashes are known if it comes from the Hub
 * @param license as the Hub read it from the card; empty if it found none, or was not asked
 * @param page where people read about the model
 * @param cached where its files are, if they come from the cache alone
 * @param reason why the Hub was not asked; empty if it was
 */
public record HubListing(
    HubModel model,
    String commit,
    Map<String, HubFile> files,
    Optional<LicenseTerms> license,
    String page,
    Optional<Path> cached,
    String reason) {

  /** Paths of all files there are. */
  public Collection<String> names() {
    return files.keySet();
  }
}
