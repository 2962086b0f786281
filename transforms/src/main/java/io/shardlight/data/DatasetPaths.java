package io.shardlight.data;

import java.util.Locale;
import java.util.Optional;

/** Names of the objects in a dataset, relative to its root. */
public final class DatasetPaths {
  public static final String SUCCESS = "_SUCCESS";
  public static final String DATASET_JSON = "dataset.json";
  public static final String CARD = "README.md";

  /** The Hugging Face imagefolder's sidecar. */
  public static final String SIDECAR = "metadata.jsonl";

  /** Folder of the shards' commit markers. */
  static final String SHARDS = "_shards/";

  /** What the dataset is made of and by; written before the first image. */
  public static final String PLAN = SHARDS + "plan.json";

  /** Prefix of the plans by which a dataset was extended. */
  static final String EXTENSION_PLANS = SHARDS + "plan-";

  /** All images to look through, on one page that needs nothing else. */
  public static final String GALLERY = "gallery/index.html";

  /** Some of the images on one picture. */
  public static final String CONTACT_SHEET = "contact-sheet.png";

  /** Folder of the runs' leases. */
  public static final String LEASES = "runs/leases/";

  /** Says that an overwriting run has erased what was there, until the new dataset is finished. */
  public static final String OVERWRITE = "_shards/overwrite.json";

  /** Folder of what shards become when their failed examples are tried again, until they have. */
  public static final String RETRIES = "_shards/retry/";

  private DatasetPaths() {}

  /** An image with {@code layout=files}, in one of 256 folders so that none grows too long. */
  public static String image(String exampleId, ImageFormat format) {
    return "images/" + exampleId.substring(0, 2) + "/" + exampleId + "." + format.extension();
  }

  /** A shard's images, texts and metadata with {@code layout=webdataset}. */
  public static String archive(int shard) {
    return String.format(Locale.ROOT, "images/%05d.tar", shard);
  }

  /** An image with {@code layout=webdataset}: its archive, a slash, and its name in there. */
  public static String archived(int shard, String exampleId, ImageFormat format) {
    return archive(shard) + "/" + exampleId + "." + format.extension();
  }

  /**
   * Where an image's bytes lie, from what {@link #archived} made.
   *
   * @return the archive's name; empty if the image is an object of its own
   */
  public static Optional<String> archiveOf(String fileName) {
    int end = fileName.indexOf(".tar/");
    return end < 0 ? Optional.empty() : Optional.of(fileName.substring(0, end + 4));
  }

  public static String manifest(int shard, ManifestFormat format) {
    return String.format(Locale.ROOT, "manifest/%05d.%s", shard, format.optionName());
  }

  /**
   * The plan of a part of the dataset.
   *
   * @param part from 0
   */
  public static String plan(int part) {
    return part == 0 ? PLAN : String.format(Locale.ROOT, EXTENSION_PLANS + "%05d.json", part);
  }

  /** The marker that a shard is to have once it has been tried again; from then on it counts. */
  public static String retry(int shard) {
    return String.format(Locale.ROOT, RETRIES + "%05d.json", shard);
  }

  /**
   * Where an object lies that is to take the place of another when a shard has been tried again.
   *
   * @param name of the one whose place it takes, such as {@code images/00000.tar}
   */
  public static String retried(String name) {
    return RETRIES + name;
  }

  /** The commit marker of a shard. */
  public static String marker(int shard) {
    return String.format(Locale.ROOT, SHARDS + "%05d.json", shard);
  }

  /**
   * @param fileName of the prompt file, without directory
   * @param part counts the objects of one file, from 0
   */
  public static String rejected(String fileName, long part) {
    return String.format(Locale.ROOT, "rejected/%s-%05d.jsonl", fileName, part);
  }

  /** The volatile facts of one run. */
  public static String report(String runId) {
    return "runs/" + runId + "/report.json";
  }

  /** The lease of a number, from 1. */
  static String lease(int number) {
    return String.format(Locale.ROOT, LEASES + "%05d.json", number);
  }

  static int leaseNumber(String lease) {
    return Integer.parseInt(lease.substring(LEASES.length(), lease.lastIndexOf('.')));
  }

  /** The last sign of life of the run that has a lease. */
  static String leaseRenewal(int number) {
    return String.format(Locale.ROOT, LEASES + "%05d.renewed", number);
  }

  /** Says that a lease has ended. */
  static String leaseEnd(int number) {
    return String.format(Locale.ROOT, LEASES + "%05d.ended", number);
  }
}
