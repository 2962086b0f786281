package io.shardlight.transforms;

import io.shardlight.data.CommittedShards;
import io.shardlight.data.DatasetPaths;
import io.shardlight.data.Example;
import io.shardlight.data.ExampleStatus;
import io.shardlight.data.GenerationSettings;
import io.shardlight.data.ManifestFile;
import io.shardlight.data.ManifestFormat;
import io.shardlight.data.ManifestRow;
import io.shardlight.data.ObjectStore;
import io.shardlight.data.ShardFacts;
import io.shardlight.data.ShardKey;
import io.shardlight.data.ShardReport;
import io.shardlight.data.StoredObject;
import io.shardlight.diffusion.GeneratedImage;
import io.shardlight.images.JpegEncoder;
import io.shardlight.images.PngEncoder;
import io.shardlight.images.WebpFormat;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReferenceArray;

/**
 * Makes one shard: images, manifest, and last of all the commit marker. Everything is created only
 * if absent and is the same whenever it is made, so a shard may be begun again at any point. Not
 * thread-safe, and cheap to make.
 */
final class ShardGeneration {
  private final SharedGenerator generator;
  private final GenerationSettings settings;
  private final ObjectStore store;
  private final LocalProgress progress;

  ShardGeneration(
      SharedGenerator generator,
      GenerationSettings settings,
      ObjectStore store,
      LocalProgress progress) {
    this.generator = generator;
    this.settings = settings;
    this.store = store;
    this.progress = progress;
  }

  /**
   * @param gathered all examples of the shard, in any order
   * @throws IllegalStateException if the shard is committed with other examples or settings
   */
  ShardReport generate(ShardKey key, Iterable<Example> gathered)
      throws IOException, InterruptedException {
    long startMillis = System.currentTimeMillis();
    long start = System.nanoTime();

    // 1. Sort; of examples with one id the first stays.
    List<Example> sorted = new ArrayList<>();
    gathered.forEach(sorted::add);
    sorted.sort(Example.ORDER);
    List<Example> examples = distinct(sorted);
    int duplicates = sorted.size() - examples.size();
    String idsHash = ShardFacts.hashIds(examples.stream().map(Example::id).toList());

    // 2. A committed shard is done.
    Optional<ShardFacts> committed = committed(key, idsHash);
    if (committed.isPresent()) {
      progress.begin(key.number(), sorted.size());
      return new ShardReport(key, committed.get(), true, ShardReport.Work.NONE);
    }

    // 3. Images: the devices draw the next batch while the last is encoded.
    progress.begin(key.number(), duplicates);
    BatchGeneration batches = new BatchGeneration(generator, examples);
    ShardFacts facts;
    try (ShardImages images = images(key)) {
      List<ManifestRow> rows = rows(key, examples, batches, images);

      // 4. Images that are kept together, the manifests, then the marker.
      facts = commit(key, idsHash, rows, duplicates, images);
    }
    return new ShardReport(
        key,
        facts,
        false,
        new ShardReport.Work(
            batches.batches(),
            batches.paddedSlots(),
            batches.generateMillis(),
            startMillis,
            (System.nanoTime() - start) / 1_000_000));
  }

  private static List<Example> distinct(List<Example> sorted) {
    List<Example> distinct = new ArrayList<>(sorted.size());
    for (Example example : sorted) {
      if (distinct.isEmpty() || !distinct.get(distinct.size() - 1).id().equals(example.id())) {
        distinct.add(example);
      }
    }
    return distinct;
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

  private ShardImages images(ShardKey key) throws IOException {
    return switch (settings.layout()) {
      case WEBDATASET -> ShardArchive.begin(store, settings, key.number());
      case FILES -> new ImageFiles(store, settings.imageFormat());
    };
  }

  private List<ManifestRow> rows(
      ShardKey key, List<Example> examples, BatchGeneration batches, ShardImages images)
      throws IOException, InterruptedException {
    int slots = generator.slots();
    AtomicReferenceArray<ManifestRow> rows = new AtomicReferenceArray<>(examples.size());
    String xmp = ImageMetadata.xmp();
    int capacity = 2 * slots + Runtime.getRuntime().availableProcessors();
    try (EncodingQueue queue = new EncodingQueue(generator.encoders(), capacity)) {
      for (int from = 0; from < examples.size(); from += slots) {
        List<Example> batch = examples.subList(from, Math.min(from + slots, examples.size()));
        int first = from;
        BatchGeneration.Outcomes outcomes =
            new BatchGeneration.Outcomes() {
              private int next = first;

              @Override
              public void image(Example example, GeneratedImage image)
                  throws IOException, InterruptedException {
                int row = next++;
                queue.submit(() -> rows.set(row, write(images, row, example, image, xmp)));
                progress.advance(key.number(), 1, 1);
              }

              @Override
              public void failure(Example example, RuntimeException failure) throws IOException {
                images.addNone(next);
                rows.set(next++, ManifestRow.failed(example, failure));
                progress.advance(key.number(), 1, 0);
              }
            };
        batches.generate(batch, outcomes);
      }
      queue.await();
    }
    List<ManifestRow> list = new ArrayList<>(rows.length());
    for (int i = 0; i < rows.length(); i++) {
      list.add(rows.get(i));
    }
    return list;
  }

  private ManifestRow write(
      ShardImages images, int index, Example example, GeneratedImage image, String xmp)
      throws IOException {
    byte[] bytes = encode(image, ImageMetadata.parameters(example, settings), xmp);
    StoredObject file = StoredObject.of(images.fileName(example.id()), bytes);
    ManifestRow row = ManifestRow.ok(example, file, image.promptTruncated());
    images.add(index, row, bytes);
    return row;
  }

  private byte[] encode(GeneratedImage image, String parameters, String xmp) {
    int width = image.widthPixels();
    int height = image.heightPixels();
    int quality = settings.imageQuality();
    return switch (settings.imageFormat()) {
      case PNG -> PngEncoder.encode(width, height, image.rgb(), parameters, xmp);
      case JPEG -> JpegEncoder.encode(width, height, image.rgb(), quality, parameters, xmp);
      case WEBP -> WebpFormat.encode(width, height, image.rgb(), quality, parameters, xmp);
    };
  }

  private ShardFacts commit(
      ShardKey key, String idsHash, List<ManifestRow> rows, long duplicates, ShardImages images)
      throws IOException {
    long failed = count(rows, ExampleStatus.FAILED);
    requireSomeImage(key, rows, failed);
    Optional<StoredObject> archive = images.commit();
    List<StoredObject> manifests = new ArrayList<>();
    for (ManifestFormat format : settings.manifestFormats()) {
      String name = DatasetPaths.manifest(key.number(), format);
      byte[] manifest = ManifestFile.write(format, key.number(), rows, settings);
      store.createOrAdopt(name, manifest);
      manifests.add(StoredObject.of(name, manifest));
    }
    ShardFacts facts =
        new ShardFacts(
            key.number(),
            settings.configFingerprint(),
            idsHash,
            count(rows, ExampleStatus.OK),
            failed,
            count(rows, ExampleStatus.BLOCKED),
            duplicates,
            rows.stream().flatMap(row -> row.image().stream()).mapToLong(StoredObject::bytes).sum(),
            archive,
            manifests);
    store.createOrAdopt(
        DatasetPaths.marker(key.number()),
        (facts.toJson() + "\n").getBytes(StandardCharsets.UTF_8));
    return facts;
  }

  private static long count(List<ManifestRow> rows, ExampleStatus status) {
    return rows.stream().filter(row -> row.status() == status).count();
  }

  /** When all of several fail it is the devices or the model: a commit would keep that for good. */
  private void requireSomeImage(ShardKey key, List<ManifestRow> rows, long failed) {
    if (rows.size() > 1 && failed == rows.size() && settings.maxFailureRatio() < 1) {
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
}
