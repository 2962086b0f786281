package io.shardlight.verify;

import io.shardlight.data.CommittedShards;
import io.shardlight.data.DatasetPaths;
import io.shardlight.data.GenerationSettings;
import io.shardlight.data.InOrder;
import io.shardlight.data.Layout;
import io.shardlight.data.ObjectStore;
import io.shardlight.data.PlanDigest;
import io.shardlight.data.RunIdentity;
import io.shardlight.data.RunLease;
import io.shardlight.data.RunProcess;
import io.shardlight.data.ShardFacts;
import io.shardlight.gallery.DatasetGallery;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * Reads a dataset from end to end: markers, manifests and images of every shard, then all that is
 * made of them. Shards are read several at a time; of each one image is in memory, and of the whole
 * dataset the markers and some 32 bytes an id.
 */
public final class DatasetVerification {
  /** Kept of a dataset; there may be one for every image. */
  private static final int MOST_PROBLEMS = 1000;

  private final ObjectStore store;
  private final String version;
  private final int parallelism;
  private final VerificationProgress progress;

  private final Problems problems = new Problems(MOST_PROBLEMS);
  private final TreeSet<String> remove = new TreeSet<>();
  private final List<String> notes = new ArrayList<>();
  private final List<ShardFacts> facts = new ArrayList<>();
  private final ExampleIds ids = new ExampleIds();
  private final ExampleIds imageIds = new ExampleIds();
  private PlanDigest digest = PlanDigest.EMPTY;
  private boolean allRowsRead = true;
  private boolean markersAreRight = true;
  private boolean shardsAreWhole = true;
  private long images;
  private long objects;
  private long bytes;

  private DatasetVerification(
      ObjectStore store, String version, int parallelism, VerificationProgress progress) {
    this.store = store;
    this.version = version;
    this.parallelism = parallelism;
    this.progress = progress;
  }

  /**
   * Verifies a dataset.
   *
   * @param version of this program: what another one wrote is not compared to the letter
   * @param parallelism shards that are read at a time
   * @throws IOException if the store fails; what is missing or damaged is no failure
   */
  public static Verification of(
      ObjectStore store, String version, int parallelism, VerificationProgress progress)
      throws IOException, InterruptedException {
    return new DatasetVerification(store, version, parallelism, progress).verify();
  }

  private Verification verify() throws IOException, InterruptedException {
    // 1. What says how much there is.
    DatasetFiles files = new DatasetFiles(store, problems, remove);
    boolean finished = files.begin();
    SortedSet<Integer> numbers = shards(files.shards(), files.examples(), finished);

    // 2. The shards.
    progress.plan(files.examples().orElse(0));
    Optional<GenerationSettings> settings = files.settings();
    verifyShards(numbers, settings);

    // 3. What is made of them.
    boolean complete = facts.size() == numbers.size();
    files.comparePlan(
        facts, shardsAreWhole ? Optional.of(digest.hex()) : Optional.empty(), finished && complete);
    long rejected = files.rejected();
    files.compareCard(
        complete && (finished || isAll(files)) ? Optional.of(facts) : Optional.empty(),
        !markersAreRight,
        finished,
        rejected,
        version);

    // 4. What nobody made, or did not finish.
    for (int shard : CommittedShards.retried(store)) {
      problems.add(
          DatasetPaths.retry(shard),
          "must not be left, but a run that tried failed images again was stopped here; run"
              + " generate again, which finishes that first");
    }
    Strays strays =
        new Strays(
            store,
            settings,
            files.parts(),
            numbers,
            allRowsRead ? Optional.of(imageIds) : Optional.empty());
    strays.find(finished, problems, remove);
    strays.note().ifPresent(notes::add);
    tellUnfinished(finished, strays.uncommitted());
    tellGallery(finished);

    boolean beyondRepair =
        files.isExtended() && remove.stream().anyMatch(DatasetVerification::isOfShard);
    if (problems.isEmpty()) {
      remove.clear(); // What can't be compared before all shards are there.
    } else if (beyondRepair) {
      // Of an extended dataset only the last part is made by the command that is at hand.
      remove.clear();
      notes.add(
          "The dataset was extended, and no command makes a shard of it again: restore what is"
              + " damaged from a copy, or make the dataset anew with mode=overwrite");
    } else if (store.exists(DatasetPaths.SUCCESS)) {
      remove.add(DatasetPaths.SUCCESS);
    }
    return new Verification(
        finished,
        files.examples(),
        new Verification.Counts(
            facts.size(),
            images,
            facts.stream().mapToLong(ShardFacts::failed).sum(),
            facts.stream().mapToLong(ShardFacts::blocked).sum(),
            facts.stream().mapToLong(ShardFacts::duplicates).sum(),
            rejected,
            objects + files.objects(),
            bytes + files.bytes()),
        problems.first(),
        problems.count(),
        remove,
        files.isPlanLost(),
        beyondRepair && !problems.isEmpty(),
        notes);
  }

  private static boolean isOfShard(String name) {
    return name.startsWith("_shards/")
        || name.startsWith("images/")
        || name.startsWith("manifest/");
  }

  private boolean isAll(DatasetFiles files) {
    return files.examples().isPresent()
        && facts.stream().mapToLong(shard -> shard.rows() + shard.duplicates()).sum()
            == files.examples().getAsLong();
  }

  /**
   * The shards to verify: of a finished dataset all without a gap, as many as it counts or as there
   * are in a row, whichever is more; of another one those with a marker.
   */
  private SortedSet<Integer> shards(OptionalLong counted, OptionalLong examples, boolean finished)
      throws IOException {
    TreeSet<Integer> marked = new TreeSet<>();
    store.forEachName(
        "_shards/",
        name -> {
          if (name.matches("_shards/[0-9]{5,9}\\.json")) {
            int number = Integer.parseInt(name.substring(8, name.length() - 5));
            if (name.equals(DatasetPaths.marker(number))) {
              marked.add(number);
            }
          }
        });
    if (!finished) {
      return marked;
    }
    int inARow = 0;
    while (marked.contains(inARow)) {
      inARow++;
    }
    // A shard has at least one image, so a count beyond that is damaged.
    long most = examples.orElse(marked.isEmpty() ? 0 : marked.last() + 1L);
    long count = counted.isPresent() && counted.getAsLong() <= most ? counted.getAsLong() : 0;
    if (counted.isEmpty() && !marked.isEmpty()) {
      count = Math.min(most, marked.last() + 1L);
    }
    TreeSet<Integer> numbers = new TreeSet<>();
    for (int number = 0; number < Math.max(inARow, count); number++) {
      numbers.add(number);
    }
    return numbers;
  }

  private void verifyShards(SortedSet<Integer> numbers, Optional<GenerationSettings> settings)
      throws IOException, InterruptedException {
    boolean files = settings.isPresent() && settings.get().layout() == Layout.FILES;
    Optional<SidecarReading> sidecar = files ? SidecarReading.open(store) : Optional.empty();
    try {
      InOrder.forEach(
          numbers,
          parallelism,
          number -> new ShardVerification(store, settings, number, progress::advance).verify(),
          (number, shard) -> {
            take(shard, files);
            if (sidecar.isPresent() && shard.rowsRead()) {
              sidecar.get().expect(number, shard.sidecar());
            }
          });
      if (sidecar.isPresent()) {
        compareSidecar(sidecar.get());
      } else if (files && store.exists(DatasetPaths.SUCCESS)) {
        problems.add(DatasetPaths.SIDECAR, "must be there, as the dataset is complete, but is not");
      }
    } finally {
      if (sidecar.isPresent()) {
        sidecar.get().close();
      }
    }
  }

  private void take(VerifiedShard shard, boolean files) {
    problems.addAll(shard.problems());
    remove.addAll(shard.remove());
    objects += shard.objects();
    bytes += shard.bytes();
    images += shard.imageIds().size();
    shardsAreWhole &= shard.isWhole();
    allRowsRead &= shard.rowsRead();
    shard.facts().ifPresent(facts::add);
    markersAreRight &= shard.facts().isPresent() && shard.markerIsRight();
    shard
        .ids()
        .forEach(
            (high, low) -> {
              digest = digest.plus(new PlanDigest(1, high, low));
              if (!ids.add(high, low)) {
                tellTwice(shard, ExampleIds.id(high, low));
              }
            });
    if (files) {
      shard.imageIds().forEach(imageIds::add);
    }
  }

  private void tellTwice(VerifiedShard shard, String id) {
    shardsAreWhole = false;
    problems.add(
        DatasetPaths.marker(shard.number()),
        "must hold images that no other shard holds, but one before has " + id + " too");
    remove.add(DatasetPaths.marker(shard.number()));
    shard
        .facts()
        .ifPresent(
            facts -> {
              facts.manifests().forEach(object -> remove.add(object.name()));
              facts.archive().ifPresent(object -> remove.add(object.name()));
            });
  }

  private void compareSidecar(SidecarReading sidecar) throws IOException {
    Optional<String> problem = sidecar.finish();
    objects++;
    bytes += sidecar.bytes();
    if (problem.isEmpty() && allRowsRead) {
      return;
    }
    remove.add(DatasetPaths.SIDECAR);
    if (shardsAreWhole) {
      problem.ifPresent(text -> problems.add(DatasetPaths.SIDECAR, text));
    }
  }

  private void tellUnfinished(boolean finished, long uncommitted) throws IOException {
    if (finished) {
      return;
    }
    if (uncommitted > 0) {
      notes.add(
          (uncommitted == 1 ? "1 object belongs" : uncommitted + " objects belong")
              + " to shards that are not complete yet");
    }
    boolean busy;
    try {
      busy = new RunLease(store, new RunIdentity("verify", RunProcess.NONE)).problem().isPresent();
    } catch (IOException e) {
      notes.add("whether a run is at it can't be told: " + e.getMessage());
      return;
    }
    if (busy) {
      notes.add("a run is writing it now; verify it again when that has ended");
    }
  }

  private void tellGallery(boolean finished) throws IOException {
    if (!finished || ids.size() > DatasetGallery.AT_END_OF_JOB) {
      return;
    }
    for (String name : List.of(DatasetPaths.GALLERY, DatasetPaths.CONTACT_SHEET)) {
      if (!store.exists(name)) {
        notes.add(name + " is not there; ./shardlight gallery draws it");
      }
    }
  }
}
