package io.shardlight.transforms;

import io.shardlight.data.CommittedShards;
import io.shardlight.data.DatasetPaths;
import io.shardlight.data.Example;
import io.shardlight.data.ExampleStatus;
import io.shardlight.data.GenerationSettings;
import io.shardlight.data.ManifestFile;
import io.shardlight.data.ManifestFormat;
import io.shardlight.data.ManifestRow;
import io.shardlight.data.ObjectConflictException;
import io.shardlight.data.ObjectStore;
import io.shardlight.data.SafetyPolicy;
import io.shardlight.data.ShardFacts;
import io.shardlight.data.ShardKey;
import io.shardlight.data.ShardReport;
import io.shardlight.data.StoredObject;
import io.shardlight.diffusion.GeneratedImage;
import io.shardlight.diffusion.ImageRequest;
import io.shardlight.diffusion.graph.DeviceFault;
import io.shardlight.diffusion.safety.SafetyScore;
import io.shardlight.images.JpegEncoder;
import io.shardlight.images.PngEncoder;
import io.shardlight.images.WebpFormat;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.function.Supplier;
import java.util.stream.Stream;

/**
 * Makes one shard: images, manifest, and last of all the commit marker. Everything is created only
 * if absent and is the same whenever it is made, so a shard may be begun again at any point. Not
 * thread-safe, and cheap to make.
 */
final class ShardGeneration {
  /** To write, which another run may have got meanwhile. */
  interface Right {
    /**
     * @throws IllegalStateException if it is gone
     */
    void require() throws IOException;
  }

  private final SharedGenerator generator;
  private final GenerationSettings settings;
  private final ObjectStore store;
  private final LocalProgress progress;
  private final Right right;

  /**
   * @param right is asked for before a shard becomes part of the dataset
   */
  ShardGeneration(
      SharedGenerator generator,
      GenerationSettings settings,
      ObjectStore store,
      LocalProgress progress,
      Right right) {
    this.generator = generator;
    this.settings = settings;
    this.store = store;
    this.progress = progress;
    this.right = right;
  }

  /**
   * @param gathered all examples of the shard, in any order
   * @throws IllegalStateException if the shard is committed with other examples or settings
   */
  ShardReport generate(ShardKey key, Iterable<Example> gathered)
      throws IOException, InterruptedException {
    // 1. Sort; of examples with one id the first stays.
    List<Example> sorted = sorted(gathered);
    List<Example> examples = distinct(sorted);
    int duplicates = sorted.size() - examples.size();
    String idsHash = ShardFacts.hashIds(examples.stream().map(Example::id).toList());

    // 2. A committed shard is done.
    Optional<ShardFacts> committed = committed(key, idsHash);
    if (committed.isPresent()) {
      progress.begin(key.number(), sorted.size());
      ShardReport.Made nothing = new ShardReport.Made(sorted.size(), 0, 0);
      return new ShardReport(key, committed.get(), true, nothing, ShardReport.Work.NONE);
    }

    // 3. Images: the devices draw the next batch while the last is encoded.
    progress.begin(key.number(), duplicates);
    try (ShardWork work = begin(() -> examples.stream().map(Example::request));
        ShardImages images = images(key)) {
      List<ManifestRow> rows = draw(key, examples, images, work);

      // 4. Images that are kept together, the manifests, then the marker.
      ShardFacts facts = work.commit(() -> commit(key, idsHash, rows, duplicates, images));
      return new ShardReport(
          key,
          facts,
          false,
          new ShardReport.Made(
              sorted.size(),
              examples.size(),
              facts.ok(),
              facts.blocked(),
              facts.flagged().orElse(0L)),
          work.done());
    }
  }

  /**
   * Asks whether this run may still write.
   *
   * @throws IllegalStateException if not
   */
  void requireRight() throws IOException {
    right.require();
  }

  static List<Example> sorted(Iterable<Example> gathered) {
    List<Example> sorted = new ArrayList<>();
    gathered.forEach(sorted::add);
    sorted.sort(Example.ORDER);
    return sorted;
  }

  static List<Example> distinct(List<Example> sorted) {
    List<Example> distinct = new ArrayList<>(sorted.size());
    for (Example example : sorted) {
      if (distinct.isEmpty() || !distinct.get(distinct.size() - 1).id().equals(example.id())) {
        distinct.add(example);
      }
    }
    return distinct;
  }

  /**
   * Begins the work on a shard, to be closed.
   *
   * @param others as {@link BatchGeneration} takes them
   */
  ShardWork begin(Supplier<Stream<ImageRequest>> others) {
    return new ShardWork(
        generator.workClock(),
        new BatchGeneration(generator, Footprint.of(settings.sampling()), others));
  }

  private Optional<ShardFacts> committed(ShardKey key, String idsHash) throws IOException {
    Optional<ShardFacts> found = CommittedShards.find(store, key.number());
    if (found.isPresent()) {
      String name = DatasetPaths.marker(key.number());
      ShardFacts facts = found.get();
      require(name, "config_fingerprint", settings.configFingerprint(), facts.configFingerprint());
      require(name, "example_ids_sha256", idsHash, facts.exampleIdsSha256());
    }
    return found;
  }

  private void require(String marker, String field, String wanted, String found) {
    if (!wanted.equals(found)) {
      throw new IllegalStateException(
          "shard marker "
              + marker
              + " in "
              + store.root()
              + " must have "
              + field
              + " "
              + wanted
              + ", but has "
              + found
              + "; it belongs to another dataset: choose a new output");
    }
  }

  /** Where the images of a shard go, to be closed. */
  ShardImages images(ShardKey key) throws IOException {
    return switch (settings.layout()) {
      case WEBDATASET -> ShardArchive.begin(store, settings, key.number());
      case FILES -> new ImageFiles(store, settings);
    };
  }

  /**
   * Draws examples and hands their images over.
   *
   * @param examples sorted and distinct, of one shape
   * @return a row for each, in their order
   */
  List<ManifestRow> draw(ShardKey key, List<Example> examples, ShardImages images, ShardWork work)
      throws IOException, InterruptedException {
    AtomicReferenceArray<ManifestRow> rows = new AtomicReferenceArray<>(examples.size());
    String xmp = ImageMetadata.xmp();
    int capacity = 2 * generator.slots() + Runtime.getRuntime().availableProcessors();
    try (EncodingQueue queue = new EncodingQueue(generator.encoders(), capacity)) {
      BatchGeneration.Outcomes outcomes =
          new BatchGeneration.Outcomes() {
            private int next;

            @Override
            public void image(Example example, GeneratedImage image)
                throws IOException, InterruptedException {
              int row = next++;
              queue.submit(() -> rows.set(row, write(images, row, example, image, xmp, work)));
              progress.advance(key.number(), 1, 1);
            }

            @Override
            public void failure(Example example, RuntimeException failure) throws IOException {
              images.addNone(next);
              rows.set(next++, ManifestRow.failed(example, failure));
              progress.advance(key.number(), 1, 0);
            }
          };
      work.batches().generate(examples, outcomes);
      queue.await();
    }
    List<ManifestRow> list = new ArrayList<>(rows.length());
    for (int i = 0; i < rows.length(); i++) {
      list.add(rows.get(i));
    }
    return list;
  }

  private ManifestRow write(
      ShardImages images,
      int index,
      Example example,
      GeneratedImage image,
      String xmp,
      ShardWork work)
      throws IOException {
    boolean flagged = isFlagged(image);
    if (flagged && settings.safety().policy() == SafetyPolicy.DROP) {
      images.addNone(index);
      return ManifestRow.blocked(
          example, image.promptTruncated(), image.safetyScore().orElseThrow());
    }
    long start = System.nanoTime();
    byte[] rgb =
        flagged && settings.safety().policy() == SafetyPolicy.BLANK
            ? new byte[image.rgb().length]
            : image.rgb();
    byte[] bytes = encode(image, rgb, ImageMetadata.parameters(example, settings), xmp);
    work.encodeTimes().record(System.nanoTime() - start);
    StoredObject file = StoredObject.of(images.fileName(example.id()), bytes);
    ManifestRow row = ManifestRow.ok(example, file, image.promptTruncated(), image.safetyScore());
    long startWriting = System.nanoTime();
    ManifestRow kept = images.add(index, row, bytes);
    work.writeTimes().record(System.nanoTime() - startWriting);
    return kept;
  }

  /**
   * @throws GeneratorFault if a checker looked and none was asked for, or the other way round: a
   *     dataset that says it was checked must have been
   */
  private boolean isFlagged(GeneratedImage image) {
    if (image.safetyScore().isPresent() != settings.safety().isOn()) {
      throw new GeneratorFault(
          "images must be looked at by a safety checker with safety="
              + settings.safety().policy().optionName()
              + ", or not, as it says, but the generator was loaded otherwise; this is a bug,"
              + " please report it");
    }
    return image.safetyScore().map(SafetyScore::isFlagged).orElse(false);
  }

  private byte[] encode(GeneratedImage image, byte[] rgb, String parameters, String xmp) {
    int width = image.widthPixels();
    int height = image.heightPixels();
    int quality = settings.imageQuality();
    return switch (settings.imageFormat()) {
      case PNG -> PngEncoder.encode(width, height, rgb, parameters, xmp);
      case JPEG -> JpegEncoder.encode(width, height, rgb, quality, parameters, xmp);
      case WEBP -> WebpFormat.encode(width, height, rgb, quality, parameters, xmp);
    };
  }

  private ShardFacts commit(
      ShardKey key, String idsHash, List<ManifestRow> drawn, long duplicates, ShardImages images)
      throws IOException {
    long failed = count(drawn, ExampleStatus.FAILED);
    requireSomeImage(key, drawn, failed);
    requireRight();
    ShardImages.Committed committed = images.commit(drawn);
    List<ManifestRow> rows = committed.rows();
    List<StoredObject> manifests;
    try {
      manifests = writeManifests(key, rows);
    } catch (ObjectConflictException e) {
      rows = new EarlierAttempt(settings).scored(store, key.number(), rows, e);
      manifests = writeManifests(key, rows);
    }
    ShardFacts facts =
        new ShardFacts(
            key.number(),
            settings.configFingerprint(),
            idsHash,
            count(rows, ExampleStatus.OK),
            failed,
            count(rows, ExampleStatus.BLOCKED),
            settings.safety().isOn()
                ? Optional.of(rows.stream().filter(ManifestRow::isFlagged).count())
                : Optional.empty(),
            duplicates,
            rows.stream().flatMap(row -> row.image().stream()).mapToLong(StoredObject::bytes).sum(),
            committed.archive(),
            manifests);
    store.createOrAdopt(DatasetPaths.marker(key.number()), facts.toMarker());
    return facts;
  }

  private List<StoredObject> writeManifests(ShardKey key, List<ManifestRow> rows)
      throws IOException {
    List<StoredObject> manifests = new ArrayList<>();
    for (ManifestFormat format : settings.manifestFormats()) {
      String name = DatasetPaths.manifest(key.number(), format);
      byte[] manifest = ManifestFile.write(format, key.number(), rows, settings);
      store.createOrAdopt(name, manifest);
      manifests.add(StoredObject.of(name, manifest));
    }
    return manifests;
  }

  private static long count(List<ManifestRow> rows, ExampleStatus status) {
    return rows.stream().filter(row -> row.status() == status).count();
  }

  /**
   * When all of several fail it is the devices or the model: a commit would keep that for good. Not
   * so if none fits the devices' memory, which is only what records brought about by their own
   * size.
   */
  private void requireSomeImage(ShardKey key, List<ManifestRow> rows, long failed) {
    if (rows.size() > 1
        && failed == rows.size()
        && settings.maxFailureRatio() < 1
        && !rows.stream().allMatch(ShardGeneration::isTooLarge)) {
      throw new IllegalStateException(
          "shard "
              + key.name()
              + " must have at least one image, but all "
              + failed
              + " examples failed, the first with "
              + rows.get(0).errorClass().orElse("")
              + "; see the log for the cause, or set maxFailureRatio=1 to keep failed rows only");
    }
  }

  private static boolean isTooLarge(ManifestRow row) {
    return row.errorClass().equals(Optional.of(DeviceFault.OutOfMemory.class.getName()));
  }
}
