package io.shardlight.diffusion.hub;

import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
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

  /**
   * Checks what the cache has where the Hub was not asked: a model may be there in part, as
   * somebody fetched its tokenizer alone, or broke off.
   *
   * @throws HubException if it cannot be used, naming what is missing
   */
  public void requireWhole() throws HubException {
    List<String> missing = cached.isPresent() ? NeededFiles.missing(names()) : List.of();
    if (!missing.isEmpty()) {
      throw HubException.outOfReach(
          "the cache has only a part of %s, commit %s, without %s, and the Hub was not asked for the rest (%s); run the command again where the Hub can be reached, or fetch the model first"
              .formatted(model, commit, String.join(", ", missing), reason));
    }
  }

  /** Paths of all files there are. */
  public Collection<String> names() {
    return files.keySet();
  }
}
