package io.shardlight.transforms;

import io.shardlight.data.CommittedShards;
import io.shardlight.data.DatasetPaths;
import io.shardlight.data.Example;
import io.shardlight.data.ExampleStatus;
import io.shardlight.data.GenerationSettings;
import io.shardlight.data.Layout;
import io.shardlight.data.ManifestFile;
import io.shardlight.data.ManifestFormat;
import io.shardlight.data.ManifestRow;
import io.shardlight.data.ObjectDigest;
import io.shardlight.data.ObjectStore;
import io.shardlight.data.ShardFacts;
import io.shardlight.data.ShardKey;
import io.shardlight.data.ShardReport;
import io.shardlight.data.StoredObject;
import io.shardlight.diffusion.ImageRequest;
import io.shardlight.diffusion.random.PrngKey;
import io.shardlight.diffusion.scheduler.SchedulerKind;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.avro.generic.GenericRecord;
import org.jspecify.annotations.Nullable;

/**
 * Tries again what has failed in a committed shard, and makes the shard what it would be had the
 * examples not failed before. Its new objects are first written beside the dataset; then comes the
 * marker it is to have, which decides; then they take the places of the old ones. A retry that was
 * killed before it was decided has changed nothing, one that was killed after is finished by {@link
 * #finishAll}. Not thread-safe.
 */
final class ShardRetry {
  private final ShardGeneration generation;
  private final GenerationSettings settings;
  private final ObjectStore store;

  ShardRetry(ShardGeneration generation, GenerationSettings settings, ObjectStore store) {
    this.generation = generation;
    this.settings = settings;
    this.store = store;
  }

  /**
   * @param gathered examples of the shard, in any order; those that have not failed stay as they
   *     are
   */
  ShardReport retry(ShardKey key, Iterable<Example> gathered)
      throws IOException, InterruptedException {
    List<Example> asked = ShardGeneration.sorted(gathered);

    // 1. What there is, after what an attempt before this one has left, if it is still ours.
    generation.requireRight();
    settle(key.number());
    ShardFacts facts =
        CommittedShards.find(store, key.number())
            .orElseThrow(() -> new IllegalStateException("shard " + key.name() + " must be there"));
    Map<String, GenericRecord> rows = new LinkedHashMap<>();
    CommittedShards.forEachRow(
        store, facts, row -> rows.put(row.get("example_id").toString(), row));
    List<Example> failed =
        ShardGeneration.distinct(asked).stream()
            .filter(example -> hasFailed(rows.get(example.id())))
            .toList();

    if (failed.isEmpty()) {
      return new ShardReport(
          key, facts, true, new ShardReport.Made(asked.size(), 0, 0), ShardReport.Work.NONE);
    }

    // 2. Another try.
    try (ShardWork work = generation.begin(() -> drawnBefore(rows.values()));
        ShardImages images = generation.images(key)) {
      List<ManifestRow> tried = generation.draw(key, failed, images, work);

      // 3. The shard as it is to be.
      String fingerprint = settings.configFingerprint();
      for (ManifestRow row : tried) {
        rows.put(row.example().id(), row.toAvro(key.number(), settings, fingerprint));
      }
      ShardFacts after =
          work.commit(() -> commit(facts, new ArrayList<>(rows.values()), tried, images));
      return new ShardReport(
          key,
          after,
          false,
          new ShardReport.Made(
              asked.size(),
              failed.size(),
              after.ok() - facts.ok(),
              after.blocked() - facts.blocked(),
              after.flagged().orElse(0L) - facts.flagged().orElse(0L)),
          work.done());
    }
  }

  private ShardFacts commit(
      ShardFacts facts, List<GenericRecord> rows, List<ManifestRow> tried, ShardImages images)
      throws IOException {
    generation.requireRight();
    ShardFacts after = stage(facts, rows, tried, images);
    if (after.equals(facts)) {
      return facts;
    }
    // To write the whole archive anew takes a while.
    generation.requireRight();
    store.create(DatasetPaths.retry(facts.shard()), after.toMarker());
    return finish(store, facts.shard());
  }

  /** Finishes what was decided of the shard, and forgets what was not. */
  private void settle(int shard) throws IOException {
    if (store.exists(DatasetPaths.retry(shard))) {
      finish(store, shard);
    }
    List<String> names = new ArrayList<>(List.of(DatasetPaths.archive(shard)));
    for (ManifestFormat format : ManifestFormat.values()) {
      names.add(DatasetPaths.manifest(shard, format));
    }
    store.delete(names.stream().map(DatasetPaths::retried).toList());
  }

  /** What could be drawn before can be drawn again; with which noise does not matter. */
  private static Stream<ImageRequest> drawnBefore(Collection<GenericRecord> rows) {
    return rows.stream()
        .filter(row -> !ExampleStatus.FAILED.isOf(row))
        .map(
            row ->
                new ImageRequest(
                    row.get("prompt").toString(),
                    row.get("negative_prompt").toString(),
                    PrngKey.ofSeed((Long) row.get("seed")),
                    (Integer) row.get("width"),
                    (Integer) row.get("height"),
                    SchedulerKind.fromOption(row.get("scheduler").toString()),
                    (Integer) row.get("steps"),
                    (Float) row.get("guidance_scale")));
  }

  private static boolean hasFailed(@Nullable GenericRecord row) {
    if (row == null) {
      throw new IllegalStateException(
          "an example that is tried again must have a row in its shard");
    }
    return ExampleStatus.FAILED.isOf(row);
  }

  /** Writes the objects that the shard is to have, and says what its marker is to be. */
  private ShardFacts stage(
      ShardFacts facts, List<GenericRecord> rows, List<ManifestRow> tried, ShardImages images)
      throws IOException {
    int shard = facts.shard();
    long ok = facts.ok() + tried.stream().filter(row -> row.image().isPresent()).count();
    long blocked =
        facts.blocked()
            + tried.stream().filter(row -> row.status() == ExampleStatus.BLOCKED).count();
    long flagged = tried.stream().filter(ManifestRow::isFlagged).count();
    long bytes =
        facts.imageBytes()
            + tried.stream()
                .flatMap(row -> row.image().stream())
                .mapToLong(StoredObject::bytes)
                .sum();
    Optional<StoredObject> archive = facts.archive();
    if (settings.layout() == Layout.WEBDATASET && ok > facts.ok()) {
      archive = Optional.of(stageArchive(facts, rows, tried, (ShardArchive) images));
    }
    List<StoredObject> manifests = new ArrayList<>();
    for (GenericRecord row : rows) {
      // As written, so that the bytes are; read back, its order is any.
      Map<String, String> carried = new TreeMap<>();
      ((Map<?, ?>) row.get("carried"))
          .forEach((name, text) -> carried.put(name.toString(), text.toString()));
      row.put("carried", carried);
    }
    for (ManifestFormat format : settings.manifestFormats()) {
      String name = DatasetPaths.manifest(shard, format);
      byte[] manifest = ManifestFile.writeRecords(format, shard, rows, settings);
      StoredObject object = StoredObject.of(name, manifest);
      manifests.add(object);
      // Another failure of the same class leaves everything as it is.
      if (!facts.manifests().contains(object)) {
        store.replace(DatasetPaths.retried(name), manifest);
      }
    }
    return new ShardFacts(
        shard,
        facts.configFingerprint(),
        facts.exampleIdsSha256(),
        ok,
        facts.rows() - ok - blocked,
        blocked,
        facts.flagged().map(before -> before + flagged),
        facts.duplicates(),
        bytes,
        archive,
        manifests);
  }

  /** The old archive's images and the new ones, in the order of the rows. */
  private StoredObject stageArchive(
      ShardFacts facts, List<GenericRecord> rows, List<ManifestRow> tried, ShardArchive drawn)
      throws IOException {
    String name = DatasetPaths.archive(facts.shard());
    Set<String> fresh =
        tried.stream()
            .filter(row -> row.image().isPresent())
            .map(row -> row.example().id())
            .collect(Collectors.toSet());
    try (ShardArchive merged = ShardArchive.begin(store, settings, facts.shard());
        ArchiveSamples before = new ArchiveSamples(store.read(name), name);
        ArchiveSamples now = new ArchiveSamples(ended(drawn), name)) {
      for (int index = 0; index < rows.size(); index++) {
        GenericRecord row = rows.get(index);
        String id = row.get("example_id").toString();
        if (row.get("file_name") == null) {
          merged.addNone(index);
        } else {
          merged.addMembers(index, (fresh.contains(id) ? now : before).next(id));
        }
      }
      StoredObject archive = merged.finish();
      store.replace(DatasetPaths.retried(name), merged.spool());
      return archive;
    }
  }

  private static InputStream ended(ShardArchive archive) throws IOException {
    archive.finish();
    return Files.newInputStream(archive.spool());
  }

  /** Finishes all retries that were decided and then stopped. */
  static void finishAll(ObjectStore store) throws IOException {
    for (int shard : CommittedShards.retried(store)) {
      finish(store, shard);
    }
  }

  /** Clears away what retries left that were stopped before they were decided. */
  static void discardUndecided(ObjectStore store) throws IOException {
    store.delete(store.list(DatasetPaths.RETRIES));
  }

  /**
   * Puts the objects of a decided retry in their places, and then the marker. May be done again at
   * any point.
   *
   * @return the shard as it then is
   * @throws IOException also if an object that was decided is neither staged nor in its place
   */
  private static ShardFacts finish(ObjectStore store, int shard) throws IOException {
    String decision = DatasetPaths.retry(shard);
    ShardFacts facts = CommittedShards.read(store, decision);
    List<StoredObject> objects = new ArrayList<>(facts.manifests());
    facts.archive().ifPresent(objects::add);

    // 1. All of them, or none.
    List<StoredObject> staged = new ArrayList<>();
    for (StoredObject object : objects) {
      if (isAt(store, DatasetPaths.retried(object.name()), object)) {
        staged.add(object);
      } else if (!isAt(store, object.name(), object)) {
        throw new IOException(
            object.name()
                + " in "
                + store.root()
                + " must be, or be about to become, what "
                + decision
                + " says, but is not; another run has changed it meanwhile: remove "
                + decision
                + " and run again");
      }
    }

    // 2. In their places.
    for (StoredObject object : staged) {
      move(store, DatasetPaths.retried(object.name()), object.name());
    }
    store.replace(DatasetPaths.marker(shard), facts.toMarker());
    store.delete(objects.stream().map(object -> DatasetPaths.retried(object.name())).toList());
    store.delete(List.of(decision));
    return facts;
  }

  private static boolean isAt(ObjectStore store, String name, StoredObject wanted)
      throws IOException {
    if (!store.exists(name)) {
      return false;
    }
    ObjectDigest digest = new ObjectDigest();
    byte[] buffer = new byte[1 << 16];
    try (InputStream in = store.read(name)) {
      for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
        digest.update(buffer, 0, read);
      }
    }
    return digest.finish(wanted.name()).equals(wanted);
  }

  private static void move(ObjectStore store, String from, String to) throws IOException {
    Path spool = Files.createTempFile("shardlight-retry", ".spool");
    try (InputStream in = store.read(from)) {
      Files.copy(in, spool, StandardCopyOption.REPLACE_EXISTING);
      store.replace(to, spool);
    } finally {
      Files.deleteIfExists(spool);
    }
  }
}
