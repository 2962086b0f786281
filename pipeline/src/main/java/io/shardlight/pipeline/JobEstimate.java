package io.shardlight.pipeline;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.shardlight.data.Layout;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * What a job on several workers takes and costs. Every worker draws one shard after the other, so
 * that the last ones may wait for a shard; all are paid for from the beginning to the end.
 *
 * @param job what is to be made
 * @param speed of one worker
 * @param workers how many there are
 */
record JobEstimate(Job job, Speed speed, int workers) {
  /** Processor time to read and plan an example; the prompts lie in as many files as workers. */
  private static final double PLAN_SECONDS = 128e-6;

  /** Of an example, with its shard's key, as it is shuffled, without its texts. */
  static final int SHUFFLED_BYTES = 64;

  /** Of the texts: prompt, negative prompt, what is carried along. */
  static final int TEXT_BYTES = 100;

  /** Of an image in an archive, beside its file: three headers, text, row. */
  static final int ARCHIVED_BYTES = 3900;

  /** Of a row in a manifest, and in the sidecar. */
  static final int ROW_BYTES = 250;

  /** Of a shard: marker, and what each manifest begins with. */
  static final int SHARD_BYTES = 3600;

  /** A checkpoint of Stable Diffusion 1.x in bfloat16, which each worker fetches. */
  private static final long MODEL_BYTES = 2_700_000_000L;

  /** Dataflow's price for a gigabyte that goes into its shuffle or comes out of it. */
  private static final double SHUFFLE_PRICE = 0.011;

  /** Cloud Storage's price for a gigabyte and month, class Standard. */
  private static final double STORED_PRICE = 0.020;

  private static final double GIGABYTE = 1e9;
  private static final double HOUR = 3600;

  /**
   * What is to be made.
   *
   * @param images of all shapes
   * @param references how many images of 512×512 pixels and 50 guided steps take as long
   * @param imageBytes of their files
   * @param manifests formats of the manifest
   */
  record Job(
      long images, long shards, double references, long imageBytes, Layout layout, int manifests) {
    /** In the dataset, once it is made. */
    long storedBytes() {
      long beside =
          images * ROW_BYTES * manifests
              + shards * SHARD_BYTES
              + images * (layout == Layout.WEBDATASET ? ARCHIVED_BYTES : ROW_BYTES);
      return imageBytes + beside;
    }

    /** Written to the shuffle, and as many read from it. */
    long shuffledBytes() {
      return images * (SHUFFLED_BYTES + TEXT_BYTES);
    }
  }

  /**
   * Of one worker.
   *
   * @param kind in words
   * @param perSecond images of the job
   * @param basis where the figure is from
   * @param startMinutes until it draws
   */
  record Speed(
      String kind,
      double perSecond,
      String basis,
      Optional<Double> pricePerHour,
      int startMinutes) {}

  /**
   * As many workers as finish in time.
   *
   * @return empty if none do, as a shard by itself takes too long
   */
  static OptionalInt workersFor(Job job, Speed speed, double hours) {
    JobEstimate one = new JobEstimate(job, speed, 1);
    double seconds = hours * HOUR - one.startSeconds();
    long most = (long) Math.floor(seconds / one.shardSeconds());
    if (most < 1) {
      return OptionalInt.empty();
    }
    long workers = (job.shards() + most - 1) / most;
    // With one worker more than that the planning, which was taken as one worker's, is shorter.
    while (workers > 1 && new JobEstimate(job, speed, (int) workers - 1).hours() <= hours) {
      workers--;
    }
    while (new JobEstimate(job, speed, (int) workers).hours() > hours) {
      workers++;
    }
    return OptionalInt.of((int) workers);
  }

  private double shardSeconds() {
    return job.images() / (double) job.shards() / speed.perSecond();
  }

  /** Until the last worker draws. */
  double startSeconds() {
    return 60.0 * speed.startMinutes() + PLAN_SECONDS * job.images() / workers;
  }

  private double drawSeconds() {
    return Math.ceil(job.shards() / (double) workers) * shardSeconds();
  }

  /** From the submission to the end. */
  double hours() {
    return (startSeconds() + drawSeconds()) / HOUR;
  }

  private double workerHours() {
    return workers * hours();
  }

  double startRatio() {
    return startSeconds() / HOUR / hours();
  }

  StorageOperations operations() {
    return StorageOperations.of(job.layout(), job.manifests(), job.images(), job.shards())
        .plus(StorageOperations.lease(hours(), workers));
  }

  /** Objects written in a second, while all workers draw. */
  double writesPerSecond() {
    return operations().classA() / drawSeconds();
  }

  private long modelBytes() {
    return workers * MODEL_BYTES;
  }

  private double shufflePrice() {
    return 2 * job.shuffledBytes() / GIGABYTE * SHUFFLE_PRICE;
  }

  private double storedPrice() {
    return job.storedBytes() / GIGABYTE * STORED_PRICE;
  }

  private Optional<Double> workersPrice() {
    return speed.pricePerHour().map(price -> price * workerHours());
  }

  /** To make the dataset, without keeping it; empty if a worker's price is not known. */
  Optional<Double> price() {
    return workersPrice().map(price -> price + operations().price() + shufflePrice());
  }

  List<String> lines() {
    List<String> lines = new ArrayList<>();
    lines.add(
        "%s %s, %s images/s each: %s"
            .formatted(
                number(workers),
                (workers == 1 ? "worker" : "workers") + speed.kind(),
                Progress.rate(speed.perSecond()),
                speed.basis()));
    lines.add(
        "%s: %s until they draw (%s), %s of drawing"
            .formatted(
                time(hours() * HOUR),
                time(startSeconds()),
                percent(startRatio()),
                time(drawSeconds())));
    lines.add("");
    lines.add(row("", "amount", "price"));
    lines.add(
        row(
            "hours of workers",
            fraction(workerHours()),
            workersPrice().map(JobEstimate::money).orElse("")));
    StorageOperations operations = operations();
    lines.add(
        row(
            "Class A operations",
            number(operations.classA()),
            money(operations.classA() * StorageOperations.CLASS_A_PRICE)));
    lines.add(
        row(
            "Class B operations",
            number(operations.classB()),
            money(operations.classB() * StorageOperations.CLASS_B_PRICE)));
    lines.add(
        row(
            "into the shuffle and out",
            Progress.bytes(2 * job.shuffledBytes()),
            money(shufflePrice())));
    lines.add(row("models to workers", Progress.bytes(modelBytes()), money(0)));
    price().ifPresent(price -> lines.add(row("to make it", "", money(price))));
    lines.add(row("to keep it a month", Progress.bytes(job.storedBytes()), money(storedPrice())));
    lines.add("");
    lines.add("Prices: " + WorkerKind.PRICES + "; check them, and give --pricePerHour");
    return lines;
  }

  ObjectNode json() {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.put("workers", workers);
    json.put("images_per_second", speed.perSecond());
    json.put("images_per_second_basis", speed.basis());
    json.put("hours", hours());
    json.put("start_ratio", startRatio());
    json.put("worker_hours", workerHours());
    json.put("class_a_operations", operations().classA());
    json.put("class_b_operations", operations().classB());
    json.put("writes_per_second", writesPerSecond());
    json.put("shuffled_bytes", 2 * job.shuffledBytes());
    json.put("model_bytes", modelBytes());
    json.put("stored_bytes", job.storedBytes());
    json.put("operations_price", operations().price());
    json.put("shuffle_price", shufflePrice());
    json.put("month_price", storedPrice());
    workersPrice().ifPresent(price -> json.put("workers_price", price));
    price().ifPresent(price -> json.put("price", price));
    json.put("prices", WorkerKind.PRICES);
    return json;
  }

  private static String row(String what, String amount, String price) {
    return String.format(Locale.ROOT, "%-26s %14s %12s", what, amount, price).stripTrailing();
  }

  private static String time(double seconds) {
    return Progress.duration(Duration.ofSeconds(Math.round(seconds)));
  }

  static String number(long number) {
    return String.format(Locale.ROOT, "%,d", number);
  }

  private static String fraction(double number) {
    return String.format(Locale.ROOT, "%,.1f", number);
  }

  static String percent(double ratio) {
    return String.format(Locale.ROOT, "%.1f %%", 100 * ratio);
  }

  static String money(double amount) {
    return String.format(Locale.ROOT, "%,.2f", amount);
  }
}
