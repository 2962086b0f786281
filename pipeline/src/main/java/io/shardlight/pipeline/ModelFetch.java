package io.shardlight.pipeline;

import io.shardlight.data.Buckets;
import io.shardlight.data.ObjectStore;
import io.shardlight.data.StoredSecrets;
import io.shardlight.diffusion.hub.Hub;
import io.shardlight.diffusion.hub.HubListing;
import io.shardlight.diffusion.hub.HubModel;
import io.shardlight.diffusion.hub.HubPolicy;
import io.shardlight.diffusion.hub.HubSettings;
import io.shardlight.diffusion.hub.NeededFiles;
import io.shardlight.diffusion.transfer.TransferProgress;
import io.shardlight.models.StagedModel;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import org.apache.beam.sdk.options.PipelineOptions;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The ways to models that are elsewhere, as environment and Beam's options say who asks.
 *
 * @param options of Beam, looked up only when a bucket or secret is asked for
 */
record ModelFetch(Map<String, String> environment, Supplier<PipelineOptions> options) {
  private static final Logger LOG = LoggerFactory.getLogger(ModelFetch.class);

  /** The environment may hold a token. */
  @Override
  public String toString() {
    return "ModelFetch";
  }

  static boolean isRemote(String location) {
    return Buckets.isIn(location) || location.startsWith(HubModel.SCHEME);
  }

  /**
   * The Hub, with the token of a secret if one is named.
   *
   * @param tokenSecret empty for none
   * @throws IllegalArgumentException if the environment says what can't be
   */
  Hub hub(String tokenSecret) throws IOException {
    HubSettings settings = HubSettings.of(environment, home());
    if (!tokenSecret.isEmpty()) {
      settings =
          settings.withToken(
              StoredSecrets.of(environment).read(tokenSecret, options.get()), tokenSecret);
    }
    return Hub.of(settings, HubPolicy.DEFAULTS);
  }

  private Path home() {
    String home = environment.getOrDefault("HOME", "");
    return Path.of(home.isEmpty() ? System.getProperty("user.home", ".") : home);
  }

  /**
   * The staged model in a bucket.
   *
   * @throws IOException if there is none
   */
  StagedModel staged(String location) throws IOException {
    Optional<String> unreachable = Buckets.problem(location, options.get());
    if (unreachable.isPresent()) {
      throw new IOException(unreachable.get());
    }
    ObjectStore store = ObjectStore.open(location, options.get());
    return StagedModel.find(store)
        .orElseThrow(
            () ->
                new IOException(
                    "no model that was staged whole, as it has no shardlight-model.json; put one"
                        + " there by ./shardlight stage --model=DIRECTORY --to="
                        + store.root()));
  }

  Path cache() {
    return CacheDirectory.of(environment);
  }

  /** Brings a model to a worker's disk; others on the same machine wait, and find it there. */
  Path toWorker(ModelSource source) throws IOException {
    LOG.info("Fetching the model from {}", source.location());
    if (Buckets.isIn(source.location())) {
      return staged(source.location()).pull(cache(), new Log());
    }
    Hub hub = hub(source.tokenSecret());
    HubListing listing = hub.look(HubModel.parse(source.location()));
    listing.requireWhole();
    return hub.fetch(listing, NeededFiles.of(listing.names(), Optional.empty()).all(), new Log());
  }

  /** Workers have no terminal. */
  private static final class Log implements TransferProgress {
    @Override
    public void plan(long bytes) {
      LOG.debug("{} bytes to fetch", bytes);
    }

    @Override
    public void advance(long bytes) {}

    @Override
    public void notice(String line) {
      LOG.info("{}", line);
    }
  }
}
