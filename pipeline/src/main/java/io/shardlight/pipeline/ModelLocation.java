package io.shardlight.pipeline;

import io.shardlight.data.Buckets;
import io.shardlight.data.ObjectStore;
import io.shardlight.data.StoredObject;
import io.shardlight.diffusion.hub.Hub;
import io.shardlight.diffusion.hub.HubListing;
import io.shardlight.diffusion.hub.HubModel;
import io.shardlight.diffusion.hub.LicenseTerms;
import io.shardlight.diffusion.hub.ModelCard;
import io.shardlight.diffusion.hub.NeededFiles;
import io.shardlight.diffusion.weights.ModelDirectory;
import io.shardlight.diffusion.weights.ModelDirectoryException;
import io.shardlight.models.ModelMarker;
import io.shardlight.models.StagedModel;
import java.io.IOException;
import java.nio.file.FileVisitOption;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Finds what {@code --model} names and brings it to this disk. The licence is asked for before
 * anything large is fetched.
 */
final class ModelLocation {
  private static final String INDEX = "model_index.json";

  /** As models are named where everybody knows that the Hub is meant. */
  private static final String HUB_NAME =
      "[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*(@.+)?";

  private final String value;
  private final Optional<String> acceptedLicense;
  private final String tokenSecret;
  private final Optional<String> variant;
  private final ModelFetch fetch;
  private final Console console;
  private final Gate gate;

  /**
   * @param line has {@code model}, with nothing wrong with it, and perhaps {@code acceptLicense},
   *     {@code hfTokenSecret}, {@code variant}
   */
  private ModelLocation(CommandLine line, BucketChecks buckets, Console console, Gate gate) {
    this.value = line.value("model").orElseThrow();
    this.acceptedLicense = usable(line, "acceptLicense");
    this.tokenSecret = usable(line, "hfTokenSecret").orElse("");
    this.variant = usable(line, "variant");
    this.fetch = new ModelFetch(console.environment(), buckets::options);
    this.console = console;
    this.gate = gate;
  }

  private static Optional<String> usable(CommandLine line, String name) {
    return line.has(name) ? line.usable(name) : Optional.empty();
  }

  /** Looks at which model it is before anything large is fetched. */
  interface Gate {
    /** Adds what is wrong. */
    void look(String id, String revision, List<String> problems) throws IOException;
  }

  /** What finds a model, and may fail in all the ways in which files and networks do. */
  private interface Search<T> {
    Optional<T> find(List<String> problems) throws IOException;
  }

  /**
   * Opens the model, fetching it first if it is elsewhere.
   *
   * @param problems gets a line for each thing that is wrong; then the result is empty. If there
   *     are some already, nothing large is fetched
   */
  static Optional<LocatedModel> open(
      CommandLine line, BucketChecks buckets, Console console, List<String> problems) {
    return open(line, buckets, console, problems, (id, revision, seen) -> {});
  }

  /** As the other, with one more look at what may be wrong. */
  static Optional<LocatedModel> open(
      CommandLine line, BucketChecks buckets, Console console, List<String> problems, Gate gate) {
    ModelLocation location = new ModelLocation(line, buckets, console, gate);
    return location.search(location::open, problems);
  }

  /** Opens the folder of the model's tokenizer; of a model elsewhere nothing else is fetched. */
  static Optional<Path> openTokenizer(
      CommandLine line, BucketChecks buckets, Console console, List<String> problems) {
    ModelLocation location = new ModelLocation(line, buckets, console, (id, revision, seen) -> {});
    return location.search(location::openTokenizer, problems);
  }

  private <T> Optional<T> search(Search<T> search, List<String> problems) {
    String option = "--model=" + value + ": ";
    List<String> found = new ArrayList<>();
    try {
      List<String> seen = new ArrayList<>(problems);
      Optional<T> result = search.find(seen);
      problems.addAll(seen.subList(problems.size(), seen.size()));
      return result;
    } catch (ModelDirectoryException e) {
      found.addAll(e.problems());
    } catch (IOException | RuntimeException e) {
      // Whatever a damaged model throws is one problem among the others.
      found.add(Causes.line(e));
    }
    found.forEach(problem -> problems.add(option + problem));
    return Optional.empty();
  }

  private Optional<LocatedModel> open(List<String> problems) throws IOException {
    if (value.startsWith(HubModel.SCHEME)) {
      return fromHub(problems);
    }
    return Buckets.isIn(value) ? fromBucket(problems) : fromDisk(problems);
  }

  private Optional<Path> openTokenizer(List<String> problems) throws IOException {
    if (value.startsWith(HubModel.SCHEME)) {
      Hub hub = fetch.hub(tokenSecret);
      try (TransferDisplay display = display()) {
        HubListing listing = look(hub, display);
        List<String> files = NeededFiles.ofTokenizer(listing.names());
        return Optional.of(hub.fetch(listing, files, display).resolve("tokenizer"));
      }
    }
    if (Buckets.isIn(value)) {
      try (TransferDisplay display = display()) {
        return Optional.of(
            fetch.staged(value).pullTokenizer(fetch.cache(), display).resolve("tokenizer"));
      }
    }
    return fromDisk(problems, false).map(model -> model.directory().tokenizer());
  }

  private TransferDisplay display() {
    return new TransferDisplay("Fetching " + value, console);
  }

  /** Asks the Hub, and tells people if they get something else than it has now. */
  private HubListing look(Hub hub, TransferDisplay display) throws IOException {
    HubListing listing = hub.look(HubModel.parse(value));
    if (!listing.reason().isEmpty()) {
      display.notice(
          "Taking %s from the cache, commit %s: %s"
              .formatted(value, listing.commit(), listing.reason()));
    }
    return listing;
  }

  private Optional<LocatedModel> fromHub(List<String> problems) throws IOException {
    Hub hub = fetch.hub(tokenSecret);
    try (TransferDisplay display = display()) {
      HubListing listing = look(hub, display);
      listing.requireWhole();
      NeededFiles needed = NeededFiles.of(listing.names(), variant);
      Path folder = hub.fetch(listing, needed.description(), display);
      Optional<LicenseTerms> license = ModelCard.license(folder).or(listing::license);
      gate.look(listing.model().id(), listing.commit(), problems);
      if (!accepted(license, listing.page(), problems) || !problems.isEmpty()) {
        return Optional.empty();
      }
      hub.fetch(listing, needed.all(), display);
      return Optional.of(
          new LocatedModel(
              ModelDirectory.open(folder),
              listing.model().id(),
              listing.commit(),
              Optional.empty(),
              license,
              new ModelSource(listing.model().at(listing.commit()).toString(), tokenSecret, ""),
              needed.all()));
    }
  }

  private Optional<LocatedModel> fromBucket(List<String> problems) throws IOException {
    StagedModel staged = fetch.staged(value);
    ModelMarker marker = staged.marker();
    requireVariant(marker);
    gate.look(marker.id(), marker.revision(), problems);
    if (!accepted(marker.license(), "", problems) || !problems.isEmpty()) {
      return Optional.empty();
    }
    try (TransferDisplay display = display()) {
      Path folder = staged.pull(fetch.cache(), display);
      return Optional.of(
          located(
              ModelDirectory.open(folder),
              marker,
              new ModelSource(Buckets.canonical(value), "", "")));
    }
  }

  /**
   * Of a staged model all files are taken, so that a variant must be what was staged.
   *
   * @throws IllegalArgumentException if it is not
   */
  private void requireVariant(ModelMarker marker) {
    if (variant.isPresent()) {
      NeededFiles.of(marker.files().stream().map(StoredObject::name).toList(), variant);
    }
  }

  private static LocatedModel located(
      ModelDirectory directory, ModelMarker marker, ModelSource source) {
    return new LocatedModel(
        directory,
        marker.id(),
        marker.revision(),
        Optional.of(marker.modelSha256()),
        marker.license(),
        source,
        marker.files().stream().map(file -> file.name()).toList());
  }

  private boolean accepted(Optional<LicenseTerms> license, String page, List<String> problems) {
    Optional<String> problem = ModelLicense.problem(value, license, acceptedLicense, page);
    problem.ifPresent(problems::add);
    return problem.isEmpty();
  }

  private Optional<LocatedModel> fromDisk(List<String> problems) throws IOException {
    return fromDisk(problems, true);
  }

  private Optional<LocatedModel> fromDisk(List<String> problems, boolean licensed)
      throws IOException {
    String option = "--model=" + value + ": ";
    if (value.equals(DemoModel.NAME)) {
      Path demo = DemoModel.extract(CacheDirectory.of(console.environment()));
      return Optional.of(plain(ModelDirectory.open(demo), value, ModelCard.license(demo)));
    }
    Path folder = Path.of(value);
    if (!Files.exists(folder) && value.matches(HUB_NAME)) {
      problems.add(option + "no such directory; did you mean hf://" + value + "?");
      return Optional.empty();
    }
    if (!Files.isDirectory(folder)) {
      problems.add(
          option
              + (Files.exists(folder) ? "not a directory" : "no such directory")
              + "; give demo, a directory that holds "
              + INDEX
              + ", hf://owner/name or gs://bucket/folder");
      return Optional.empty();
    }
    if (!Files.exists(folder.resolve(INDEX)) && !Files.exists(folder.resolve("unet"))) {
      // Any folder lacks a model's ten files; that is not worth ten lines.
      problems.add(
          option + "not a model, as it has no " + INDEX + "; give demo or a directory with one");
      return Optional.empty();
    }
    Optional<ModelMarker> marker =
        StagedModel.find(ObjectStore.open(folder.toString())).map(StagedModel::marker);
    Optional<LicenseTerms> license =
        ModelCard.license(folder).or(() -> marker.flatMap(ModelMarker::license));
    if (licensed && !accepted(license, "", problems)) {
      return Optional.empty();
    }
    marker.ifPresent(this::requireVariant);
    ModelDirectory directory = ModelDirectory.open(folder);
    return Optional.of(
        marker
            .map(m -> located(directory, m, ModelSource.DISK))
            .orElse(plain(directory, String.valueOf(folder.toRealPath().getFileName()), license)));
  }

  private static LocatedModel plain(
      ModelDirectory directory, String id, Optional<LicenseTerms> license) {
    return new LocatedModel(
        directory, id, "", Optional.empty(), license, ModelSource.DISK, List.of());
  }

  /** Names of all files of a local folder, with {@code /} between their parts. */
  static List<String> names(Path folder) throws IOException {
    // Folders and files may be links, as in the Hub's cache.
    try (Stream<Path> walk = Files.walk(folder, 2, FileVisitOption.FOLLOW_LINKS)) {
      return walk.filter(Files::isRegularFile)
          .map(file -> folder.relativize(file).toString().replace('\\', '/'))
          .sorted()
          .toList();
    }
  }
}
