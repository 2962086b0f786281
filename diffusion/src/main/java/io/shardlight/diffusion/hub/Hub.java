package io.shardlight.diffusion.hub;

import com.fasterxml.jackson.databind.JsonNode;
import io.shardlight.diffusion.transfer.Checksum;
import io.shardlight.diffusion.transfer.ExclusiveFolder;
import io.shardlight.diffusion.transfer.ParallelTransfer;
import io.shardlight.diffusion.transfer.TransferProgress;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The Hugging Face Hub, with its cache on this disk. A model is fetched in two steps: {@link #look}
 * asks what there is, {@link #fetch} brings some of it. Thread-safe.
 *
 * @see <a href="https://huggingface.co/docs/hub/api">The Hub's API</a>
 */
public final class Hub {
  private static final Logger LOG = LoggerFactory.getLogger(Hub.class);
  private static final int PAGES = 10_000;

  /** A petabyte: whoever says more is not right. */
  private static final long LARGEST_FILE = 1L << 50;

  private final HubSettings settings;
  private final HubPolicy policy;
  private final HubHttp http;
  private final HubFaults faults;

  private Hub(HubSettings settings, HubPolicy policy, Retries.Sleeper sleeper) {
    this.settings = settings;
    this.policy = policy;
    this.http = new HubHttp(settings, policy, sleeper);
    this.faults = new HubFaults(settings);
  }

  /** Connects to nothing yet. */
  public static Hub of(HubSettings settings, HubPolicy policy) {
    return new Hub(settings, policy, duration -> Thread.sleep(duration.toMillis()));
  }

  /** With another way to wait. */
  static Hub of(HubSettings settings, HubPolicy policy, Retries.Sleeper sleeper) {
    return new Hub(settings, policy, sleeper);
  }

  /**
   * Asks for a model's commit, licence and files. Where the Hub is out of reach, or refuses, what
   * the cache has of the model is told instead.
   *
   * @throws HubException if neither can be had
   */
  public HubListing look(HubModel model) throws IOException {
    if (settings.offline()) {
      return cached(model, "HF_HUB_OFFLINE is set")
          .orElseThrow(
              () ->
                  HubException.outOfReach(
                      model
                          + " is not in the cache "
                          + settings.cache()
                          + ", and HF_HUB_OFFLINE is set; unset it, or fetch the model first"));
    }
    try {
      return ask(model);
    } catch (HubException e) {
      Optional<HubListing> cached = cached(model, String.valueOf(e.getMessage()));
      // A branch that is gone is no reason to take what it was.
      if (cached.isPresent()
          && (e.isOutOfReach() || cached.get().commit().equals(model.revision()))) {
        return cached.get();
      }
      throw e;
    } catch (InterruptedException e) {
      throw interrupted(model);
    }
  }

  private HubListing ask(HubModel model) throws IOException, InterruptedException {
    String api = "/api/models/" + model.id();
    JsonNode info =
        http.json(
                model,
                http.address(api + "/revision/" + RepositoryPath.encodePart(model.revision())),
                "look at " + model)
            .json();
    String commit = info.path("sha").asText("");
    if (!HubModel.isCommit(commit)) {
      throw HubException.refused(
          "wanted the commit of " + model + ", but the Hub's answer has none; look at HF_ENDPOINT");
    }
    Map<String, HubFile> files = new LinkedHashMap<>();
    Optional<URI> next =
        Optional.of(http.address(api + "/tree/" + commit + "?recursive=true&expand=false"));
    for (int page = 0; next.isPresent(); page++) {
      if (page == PAGES) {
        throw HubException.refused(
            "the list of files of " + model + " has no end; look at HF_ENDPOINT");
      }
      HubHttp.Page part = http.json(model, next.get(), "list the files of " + model);
      for (JsonNode entry : part.json()) {
        if (entry.path("type").asText().equals("file")) {
          HubFile file = file(model, entry);
          files.put(file.path(), file);
        }
      }
      next = part.next();
    }
    return new HubListing(
        model, commit, files, LicenseTerms.of(info), faults.page(model), Optional.empty(), "");
  }

  private static HubFile file(HubModel model, JsonNode entry) throws IOException {
    String path = entry.path("path").asText("");
    if (!RepositoryPath.isSafe(path)) {
      throw HubException.refused(
          "the list of files of "
              + model
              + " has the name \""
              + Answers.printable(path)
              + "\", which would lead out of the model's folder; do not use this model");
    }
    JsonNode lfs = entry.path("lfs");
    long bytes = (lfs.isObject() ? lfs : entry).path("size").asLong(-1);
    try {
      if (bytes < 0 || bytes > LARGEST_FILE) {
        throw new IllegalArgumentException("a size cannot be " + bytes);
      }
      return new HubFile(
          path,
          bytes,
          lfs.isObject()
              ? Checksum.sha256(lfs.path("oid").asText("").replaceFirst("^sha256:", ""))
              : Checksum.gitBlob(entry.path("oid").asText("")));
    } catch (IllegalArgumentException e) {
      throw HubException.refused(
          "the list of files of %s says of %s what cannot be (%s); look at HF_ENDPOINT"
              .formatted(
                  model,
                  Answers.printable(path),
                  Answers.printable(String.valueOf(e.getMessage()))));
    }
  }

  private Optional<HubListing> cached(HubModel model, String reason) throws IOException {
    HubCache cache = new HubCache(settings.cache(), model);
    Optional<String> commit = cache.commit(model.revision());
    if (commit.isEmpty()) {
      return Optional.empty();
    }
    Map<String, HubFile> files = new LinkedHashMap<>();
    Path snapshot = cache.snapshot(commit.get());
    for (String name : cache.names(commit.get())) {
      files.put(
          name,
          new HubFile(name, Files.size(snapshot.resolve(name)), Checksum.gitBlob("0".repeat(40))));
    }
    return Optional.of(
        new HubListing(
            model,
            commit.get(),
            files,
            Optional.empty(),
            faults.page(model),
            Optional.of(snapshot),
            reason));
  }

  /**
   * Brings files of a model into the cache, as far as they are not there.
   *
   * @param names of files in the listing
   * @return a folder that has them, and perhaps others of the same commit
   */
  public Path fetch(HubListing listing, Collection<String> names, TransferProgress progress)
      throws IOException {
    if (listing.cached().isPresent()) {
      return listing.cached().get();
    }
    HubCache cache = new HubCache(settings.cache(), listing.model());
    Path snapshot = cache.snapshot(listing.commit());
    List<HubFile> files = new ArrayList<>();
    for (String name : names) {
      HubFile file = listing.files().get(name);
      if (file == null) {
        throw new IllegalArgumentException(
            name + " is not among the files of " + listing.model() + "; ask for one that is");
      }
      files.add(file);
    }
    if (files.stream().allMatch(file -> isThere(snapshot, file))) {
      rememberIfWritable(cache, listing);
      return snapshot;
    }
    cache.create(listing.commit());
    ExclusiveFolder held =
        ExclusiveFolder.acquire(
            cache.lockFile(),
            () ->
                progress.notice(
                    "Waiting for another process that fetches " + listing.model().id()));
    try {
      HubModel pinned = listing.model().at(listing.commit());
      List<ParallelTransfer.Item> items = new ArrayList<>();
      for (HubFile file : files) {
        items.add(
            new ParallelTransfer.Item(
                file.path() + " of " + listing.model(),
                file.bytes(),
                file.checksum(),
                new HubFileSource(http, pinned, file),
                cache.partial(file),
                cache.blob(file)));
      }
      new ParallelTransfer(policy.connections(), policy.chunkBytes(), progress).run(items);
      for (HubFile file : files) {
        cache.link(listing.commit(), file);
      }
      cache.remember(listing.model().revision(), listing.commit());
    } finally {
      held.close();
    }
    return snapshot;
  }

  /** Who may only read the cache can do without. */
  private static void rememberIfWritable(HubCache cache, HubListing listing) {
    try {
      cache.remember(listing.model().revision(), listing.commit());
    } catch (IOException e) {
      LOG.debug("The Hub's cache is not written to", e);
    }
  }

  /** A content is written whole or not at all, so that its size tells enough. */
  private static boolean isThere(Path snapshot, HubFile file) {
    try {
      return Files.size(snapshot.resolve(file.path())) == file.bytes();
    } catch (IOException e) {
      return false;
    }
  }

  private static InterruptedIOException interrupted(HubModel model) {
    Thread.currentThread().interrupt();
    return new InterruptedIOException("interrupted while asking the Hub for " + model);
  }
}
