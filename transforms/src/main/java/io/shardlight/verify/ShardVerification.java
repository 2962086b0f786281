package io.shardlight.verify;

import io.shardlight.data.CanonicalJson;
import io.shardlight.data.CommittedShards;
import io.shardlight.data.DatasetPaths;
import io.shardlight.data.ExampleStatus;
import io.shardlight.data.GenerationSettings;
import io.shardlight.data.Layout;
import io.shardlight.data.ManifestFile;
import io.shardlight.data.ManifestFormat;
import io.shardlight.data.ManifestJson;
import io.shardlight.data.ObjectStore;
import io.shardlight.data.Sha256;
import io.shardlight.data.ShardFacts;
import io.shardlight.data.StoredObject;
import io.shardlight.transforms.Sidecar;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.NoSuchFileException;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.function.LongConsumer;
import java.util.stream.LongStream;
import org.apache.avro.generic.GenericRecord;
import org.jspecify.annotations.Nullable;

/**
 * Reads one shard again: marker, manifests, and the images next to the rows of the first manifest
 * that is whole. For one thread and one call.
 */
final class ShardVerification {
  /** Problems of one shard that are told; a damaged archive may have thousands. */
  private static final int MOST_PROBLEMS = 20;

  private final ObjectStore store;
  private final Optional<GenerationSettings> settings;
  private final int number;
  private final String marker;
  private final LongConsumer rowsDone;

  private final Problems problems = new Problems(MOST_PROBLEMS);
  private final TreeSet<String> damaged = new TreeSet<>();
  private final IdList ids = new IdList();
  private final IdList imageIds = new IdList();
  private final MessageDigest idsDigest = Sha256.digest();
  private final MessageDigest sidecar = Sha256.digest();
  private long sidecarBytes;
  private final Map<ExampleStatus, Long> statuses = new EnumMap<>(ExampleStatus.class);
  private boolean markerIsRight = true;
  private boolean rowsRead;
  private long flagged;
  private long imageBytes;
  private long objects;
  private long bytes;

  /**
   * @param settings of the dataset, if its plan can be read
   * @param rowsDone is told how many rows were compared since it was told before
   */
  ShardVerification(
      ObjectStore store, Optional<GenerationSettings> settings, int number, LongConsumer rowsDone) {
    this.store = store;
    this.settings = settings;
    this.number = number;
    this.marker = DatasetPaths.marker(number);
    this.rowsDone = rowsDone;
  }

  @SuppressWarnings("ArrayRecordComponent") // Never compared.
  private record Manifest(String name, byte[] content) {}

  VerifiedShard verify() throws IOException {
    // 1. The marker, which says what the others must be.
    Optional<ShardFacts> facts = marker();

    // 2. The manifests; the images lie next to the rows of the first.
    List<Manifest> manifests = manifests(facts);
    Optional<ArchiveReading> archive = archive(facts);
    try {
      if (!manifests.isEmpty() && compareRows(manifests, archive) && facts.isPresent()) {
        compareCounts(facts.get());
      }
      finishArchive(facts, archive, manifests);
    } finally {
      if (archive.isPresent()) {
        archive.get().close();
      }
    }

    // 3. What must go before the shard can be made again.
    TreeSet<String> remove = new TreeSet<>();
    if (!problems.isEmpty()) {
      remove.addAll(damaged);
      keepIfThere(remove, marker);
      if (facts.isEmpty()) {
        keepIfThere(remove, DatasetPaths.archive(number));
        for (ManifestFormat format : ManifestFormat.values()) {
          keepIfThere(remove, DatasetPaths.manifest(number, format));
        }
      }
    }
    return new VerifiedShard(
        number,
        facts,
        problems,
        remove,
        markerIsRight,
        rowsRead,
        ids,
        imageIds,
        new StoredObject(
            DatasetPaths.SIDECAR, sidecarBytes, "", HexFormat.of().formatHex(sidecar.digest())),
        objects,
        bytes);
  }

  private void keepIfThere(SortedSet<String> names, String name) throws IOException {
    if (store.exists(name)) {
      names.add(name);
    }
  }

  private byte @Nullable [] read(String name) throws IOException {
    try (InputStream in = store.read(name)) {
      byte[] content = in.readAllBytes();
      objects++;
      bytes += content.length;
      return content;
    } catch (NoSuchFileException e) {
      return null;
    }
  }

  private Optional<ShardFacts> marker() throws IOException {
    byte[] content = read(marker);
    if (content == null) {
      problems.add(marker, "must be there, as shards are numbered without gaps, but is not");
      return Optional.empty();
    }
    String text = new String(content, StandardCharsets.UTF_8);
    ShardFacts facts;
    try {
      facts = ShardFacts.fromJson(text);
    } catch (IllegalArgumentException e) {
      problems.add(
          marker, "must be what was written when the shard was complete, but: " + e.getMessage());
      return Optional.empty();
    }
    Optional<String> foreign = foreign(facts, text);
    foreign.ifPresent(problem -> problems.add(marker, problem));
    return foreign.isPresent() ? Optional.empty() : Optional.of(facts);
  }

  /** Whether the marker is that of another shard or dataset. */
  private Optional<String> foreign(ShardFacts facts, String text) {
    if (!text.equals(facts.toJson() + "\n")) {
      return Optional.of("must be one line, but has other white space around it");
    }
    if (facts.shard() != number) {
      return Optional.of(
          "must be the marker of shard " + number + ", but is that of shard " + facts.shard());
    }
    if (settings.isEmpty()) {
      return Optional.empty();
    }
    GenerationSettings wanted = settings.get();
    if (!facts.configFingerprint().equals(wanted.configFingerprint())) {
      return Optional.of(
          "must have config_fingerprint "
              + wanted.configFingerprint()
              + ", but has "
              + facts.configFingerprint()
              + ": it belongs to another dataset");
    }
    if (facts.flagged().isPresent() != wanted.safety().isOn()) {
      return Optional.of(
          "must "
              + (wanted.safety().isOn() ? "" : "not ")
              + "say how many images are flagged, as safety is "
              + wanted.safety().policy().optionName());
    }
    List<String> names = new ArrayList<>();
    wanted.manifestFormats().forEach(f -> names.add(DatasetPaths.manifest(number, f)));
    if (wanted.layout() == Layout.WEBDATASET) {
      names.add(DatasetPaths.archive(number));
    }
    List<String> found = new ArrayList<>();
    facts.manifests().forEach(object -> found.add(object.name()));
    facts.archive().ifPresent(object -> found.add(object.name()));
    return names.equals(found)
        ? Optional.empty()
        : Optional.of("must name " + names + ", but names " + found);
  }

  /** Those that are what the marker says; without a marker, those that there are. */
  private List<Manifest> manifests(Optional<ShardFacts> facts) throws IOException {
    List<Manifest> whole = new ArrayList<>();
    if (facts.isEmpty()) {
      for (ManifestFormat format : ManifestFormat.values()) {
        String name = DatasetPaths.manifest(number, format);
        byte[] content = read(name);
        if (content != null) {
          whole.add(new Manifest(name, content));
        }
      }
      return whole;
    }
    for (StoredObject wanted : facts.get().manifests()) {
      byte[] content = read(wanted.name());
      if (content == null) {
        tellMissing(wanted.name());
      } else if (compare(wanted, StoredObject.of(wanted.name(), content))) {
        whole.add(new Manifest(wanted.name(), content));
      }
    }
    return whole;
  }

  private void tellMissing(String name) {
    problems.add(name, "must be there, as " + marker + " says, but is not");
  }

  private boolean compare(StoredObject wanted, StoredObject found) {
    if (found.equals(wanted)) {
      return true;
    }
    markerIsRight = false; // Either may be.
    problems.add(found.name(), ImageCheck.difference(marker, wanted, found));
    damaged.add(found.name());
    return false;
  }

  private Optional<ArchiveReading> archive(Optional<ShardFacts> facts) throws IOException {
    String name = DatasetPaths.archive(number);
    boolean wanted = facts.isPresent() && facts.get().archive().isPresent();
    if (!wanted && !(facts.isEmpty() && store.exists(name))) {
      return Optional.empty();
    }
    try {
      return Optional.of(ArchiveReading.open(store, name, MOST_PROBLEMS));
    } catch (NoSuchFileException e) {
      tellMissing(name);
      return Optional.empty();
    }
  }

  /**
   * Reads the rows, the images beside them, and the same rows in the other formats.
   *
   * @return whether all rows of the first are as they must be
   */
  private boolean compareRows(List<Manifest> manifests, Optional<ArchiveReading> archive)
      throws IOException {
    Manifest first = manifests.get(0);
    RowCheck check = new RowCheck(number, settings);
    LongStream.Builder hashes = LongStream.builder();
    long[] row = {0};
    boolean whole =
        readRows(
            first,
            record -> {
              row[0]++;
              Optional<String> problem = check.problem(record);
              problem.ifPresent(text -> tellRow(first.name(), row[0], text));
              if (isUsable(record)) {
                take(record, archive, problem.isEmpty());
              }
              if (manifests.size() > 1) {
                hashes.add(hash(record));
              }
              rowsDone.accept(1);
            });
    if (!whole) {
      return false;
    }
    rowsRead = true;
    long[] wanted = hashes.build().toArray();
    for (Manifest other : manifests.subList(1, manifests.size())) {
      compareRows(other, first.name(), wanted);
    }
    return row[0] == ids.size();
  }

  /** Whether a row says which image it is about, right or wrong. */
  private static boolean isUsable(GenericRecord row) {
    boolean image = row.get("file_name") != null;
    return ExampleIds.isId(row.get("example_id").toString())
        && (!image || (row.get("bytes") != null && row.get("sha256") != null));
  }

  private void compareRows(Manifest other, String first, long[] wanted) throws IOException {
    int[] row = {0};
    long[] differs = {0};
    boolean whole =
        readRows(
            other,
            record -> {
              int i = row[0]++;
              if ((i >= wanted.length || hash(record) != wanted[i]) && differs[0] == 0) {
                differs[0] = row[0];
              }
            });
    if (!whole) {
      return;
    }
    if (differs[0] > 0) {
      tellRow(other.name(), differs[0], "must be that of " + first + ", but is another");
    } else if (row[0] != wanted.length) {
      problems.add(
          other.name(),
          "must have " + wanted.length + " rows, as " + first + ", but has " + row[0]);
      damaged.add(other.name());
    }
  }

  private void tellRow(String manifest, long row, String problem) {
    problems.add(manifest + " row " + row, problem);
    damaged.add(manifest);
  }

  /** Whether it could be read to its end. */
  private boolean readRows(Manifest manifest, CommittedShards.Rows rows) throws IOException {
    List<IOException> ofStore = new ArrayList<>();
    try {
      ManifestFile.read(
          manifest.name(),
          manifest.content(),
          row -> {
            try {
              rows.take(row);
            } catch (IOException e) {
              ofStore.add(e);
              throw e;
            }
          });
      return true;
    } catch (IOException e) {
      if (!ofStore.isEmpty()) {
        throw e;
      }
      problems.add(manifest.name(), "must be a manifest, but can't be read: " + e.getMessage());
      damaged.add(manifest.name());
      return false;
    }
  }

  private static long hash(GenericRecord row) {
    return ByteBuffer.wrap(Sha256.of(CanonicalJson.write(ManifestJson.of(row)))).getLong();
  }

  /**
   * @param sound whether nothing is wrong with the row by itself
   */
  private void take(GenericRecord row, Optional<ArchiveReading> archive, boolean sound)
      throws IOException {
    String id = row.get("example_id").toString();
    ids.add(id);
    idsDigest.update((id + "\n").getBytes(StandardCharsets.UTF_8));
    String found = row.get("status").toString();
    for (ExampleStatus status : ExampleStatus.values()) {
      if (status.optionName().equals(found)) {
        statuses.merge(status, 1L, Long::sum);
      }
    }
    if (Boolean.TRUE.equals(row.get("nsfw"))) {
      flagged++;
    }
    if (row.get("file_name") == null) {
      return;
    }
    String name = row.get("file_name").toString();
    imageIds.add(id);
    imageBytes += (Long) row.get("bytes");
    if (found.equals(ExampleStatus.OK.optionName())) {
      byte[] line = Sidecar.line(row).getBytes(StandardCharsets.UTF_8);
      sidecar.update(line);
      sidecarBytes += line.length;
    }
    if (DatasetPaths.archiveOf(name).isPresent()) {
      if (archive.isPresent()) {
        archive.get().expect(row, name.substring(name.lastIndexOf('.') + 1));
      }
      return;
    }
    if (!sound) {
      return; // It may point anywhere.
    }
    byte[] image = read(name);
    if (image == null) {
      problems.add(name, "must be there, as its row of the manifest says, but is not");
      return;
    }
    ImageCheck.problem(row, image)
        .ifPresent(
            problem -> {
              problems.add(name, problem);
              damaged.add(name);
            });
  }

  private void compareCounts(ShardFacts facts) {
    compareCount("ok", facts.ok(), count(ExampleStatus.OK));
    compareCount("failed", facts.failed(), count(ExampleStatus.FAILED));
    compareCount("blocked", facts.blocked(), count(ExampleStatus.BLOCKED));
    facts.flagged().ifPresent(count -> compareCount("flagged", count, flagged));
    compareCount("image_bytes", facts.imageBytes(), imageBytes);
    String idsHash = HexFormat.of().formatHex(idsDigest.digest());
    if (!facts.exampleIdsSha256().equals(idsHash)) {
      markerIsRight = false;
      problems.add(
          marker,
          "example_ids_sha256 must be "
              + idsHash
              + ", that of the manifest's rows, but is "
              + facts.exampleIdsSha256());
    }
  }

  private long count(ExampleStatus status) {
    return statuses.getOrDefault(status, 0L);
  }

  private void compareCount(String name, long found, long wanted) {
    if (found != wanted) {
      markerIsRight = false;
      problems.add(
          marker, name + " must be " + wanted + ", as in the manifest's rows, but is " + found);
    }
  }

  private void finishArchive(
      Optional<ShardFacts> facts, Optional<ArchiveReading> archive, List<Manifest> manifests)
      throws IOException {
    if (archive.isEmpty()) {
      return;
    }
    StoredObject found = archive.get().finish(rowsRead);
    objects++;
    bytes += found.bytes();
    boolean whole = facts.isEmpty() || compare(facts.get().archive().orElseThrow(), found);
    Problems members = archive.get().problems();
    if (!members.isEmpty()) {
      problems.addAll(members);
      damaged.add(found.name());
      if (whole) {
        // Archive and manifest contradict each other, and the marker believes both.
        manifests.forEach(manifest -> damaged.add(manifest.name()));
      }
    }
  }
}
