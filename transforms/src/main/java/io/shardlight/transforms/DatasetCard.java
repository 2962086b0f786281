package io.shardlight.transforms;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.util.DefaultIndenter;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.shardlight.data.AdditionsIdentity;
import io.shardlight.data.AvroManifest;
import io.shardlight.data.CanonicalJson;
import io.shardlight.data.DatasetPart;
import io.shardlight.data.DatasetPaths;
import io.shardlight.data.GenerationSettings;
import io.shardlight.data.RunScope;
import io.shardlight.data.SafetyPolicy;
import io.shardlight.data.Sha256;
import io.shardlight.data.ShardFacts;
import io.shardlight.gallery.DatasetGallery;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * What the dataset says about itself: {@code dataset.json} for programs and {@code README.md}, with
 * the Hugging Face Hub's front matter, for people. Both depend on the dataset alone, not on the
 * runs that made it.
 */
public final class DatasetCard {
  /** So many numbers have no more than five digits. */
  private static final int FIVE_DIGITS = 100_000;

  private static final ObjectMapper JSON = new ObjectMapper();

  private final GenerationSettings settings;
  private final RunTotals totals;
  private final long rejected;
  private final List<DatasetPart> parts;

  /**
   * @param rejected records that the dataset lists as rejected
   * @param parts all parts of the dataset
   */
  DatasetCard(
      GenerationSettings settings, RunTotals totals, long rejected, List<DatasetPart> parts) {
    this.settings = settings;
    this.totals = totals;
    this.rejected = rejected;
    this.parts = parts;
  }

  /**
   * The card of a dataset that is complete.
   *
   * @param rejected records that never became examples
   * @param shards all of them, by number
   * @param parts all of them
   */
  public static DatasetCard of(
      GenerationSettings settings,
      long rejected,
      List<ShardFacts> shards,
      List<DatasetPart> parts) {
    long asked = shards.stream().mapToLong(shard -> shard.rows() + shard.duplicates()).sum();
    return new DatasetCard(
        settings,
        new RunTotals(RunScope.INCREMENTAL, asked, 0, rejected, List.of(), shards),
        rejected,
        parts);
  }

  /** The text of {@code dataset.json}. */
  public String json() {
    ObjectNode json = JSON.createObjectNode();
    json.put("config_fingerprint", settings.configFingerprint());
    json.put("pipeline_version", settings.pipelineVersion());
    ObjectNode model = json.putObject("model");
    model.put("id", settings.model().id());
    model.put("revision", settings.model().revision());
    model.put("sha256", settings.model().sha256());
    json.put("license", settings.model().license());
    json.set("counts", totals.datasetCounts(rejected));
    json.put("image_bytes", totals.imageBytes());
    json.put("shards", totals.shards().size());
    json.put("manifests_sha256", manifestsHash());
    archivesHash().ifPresent(hash -> json.put("archives_sha256", hash));
    json.set("settings", parts.get(0).settings());
    if (parts.size() > 1) {
      ArrayNode extensions = json.putArray(DatasetPart.EXTENSIONS);
      parts.stream().skip(1).forEach(part -> extensions.add(part.plan()));
    }
    try {
      json.set("manifest_schema", JSON.readTree(AvroManifest.SCHEMA.toString()));
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("Avro's schema must be JSON", e);
    }
    return pretty(json);
  }

  /** Hash over the manifests' hashes, in order of shards and formats, a newline after each. */
  private String manifestsHash() {
    StringBuilder hashes = new StringBuilder();
    for (ShardFacts shard : totals.shards()) {
      shard.manifests().forEach(object -> hashes.append(object.sha256()).append('\n'));
    }
    return Sha256.hex(hashes.toString());
  }

  /** The same of the archives, if there are any. */
  private Optional<String> archivesHash() {
    StringBuilder hashes = new StringBuilder();
    for (ShardFacts shard : totals.shards()) {
      shard.archive().ifPresent(object -> hashes.append(object.sha256()).append('\n'));
    }
    return hashes.isEmpty() ? Optional.empty() : Optional.of(Sha256.hex(hashes.toString()));
  }

  /** The text of {@code README.md}. */
  public String markdown() {
    String license = settings.model().license();
    ShardCounts counts = totals.counts();
    return String.format(
        Locale.ROOT,
        """
        ---
        license: %s
        task_categories:
        - text-to-image
        tags:
        - synthetic
        - stable-diffusion
        - shardlight
        %ssize_categories:
        - %s
        configs:
        - config_name: default
          data_files:
          - split: train
            path:
        %s
        ---

        # Images of %s

        %,d images that Stable Diffusion drew from text, made with Shardlight %s. All of them are
        synthetic, and say so in their metadata (IPTC `trainedAlgorithmicMedia`).
        %s
        | | |
        |---|---|
        | images | %,d of %,d asked for; %,d failed, %,d blocked, %,d duplicates |
        | bytes | %,d |
        | model | %s%s, SHA-256 `%s` |%s
        | licence of the weights | %s |
        %s| sampling unless a prompt says otherwise | %s, %d steps, guidance scale %s, %dx%d |
        | computed by | %s, %s, %s |
        | settings | `%s` |

        %s

        `manifest/` has a row for every image asked for%s; seed, prompt and parameters
        draw the same image again. %s
        `dataset.json` holds the settings and the manifest's schema.
        """,
        license.isEmpty() ? "unknown" : license,
        showsFlagged() ? "- not-for-all-audiences\n" : "",
        sizeCategory(counts.ok()),
        dataFiles(),
        settings.model().id(),
        counts.ok(),
        settings.pipelineVersion(),
        contactSheet(),
        counts.ok(),
        counts.all(),
        counts.failed(),
        counts.blocked(),
        counts.duplicates(),
        totals.imageBytes(),
        settings.model().id(),
        settings.model().revision().isEmpty() ? "" : " at " + settings.model().revision(),
        settings.model().sha256(),
        additions(),
        license.isEmpty() ? "unknown" : license,
        safety(),
        settings.sampling().scheduler().optionName(),
        settings.sampling().steps(),
        CanonicalJson.shortest(settings.sampling().guidanceScale()).toPlainString(),
        settings.sampling().widthPixels(),
        settings.sampling().heightPixels(),
        settings.engine().engine(),
        settings.engine().deviceKind(),
        settings.engine().dtype(),
        settings.configFingerprint(),
        loading(),
        manifests(),
        seeds());
  }

  private long flagged() {
    return totals.counts().flagged().orElse(0L);
  }

  /**
   * Whether images are there in which a safety checker found something; the Hub has a tag for it.
   */
  private boolean showsFlagged() {
    return settings.safety().policy() == SafetyPolicy.MARK && flagged() > 0;
  }

  /** What the safety checker found and what became of it; empty if none looked. */
  private String safety() {
    String what =
        switch (settings.safety().policy()) {
          case OFF -> "";
          case MARK -> "are flagged (`nsfw` in the manifest), and kept";
          case BLANK -> "were flagged (`nsfw` in the manifest), and are black";
          case DROP -> "were flagged, and not kept (`status` `blocked` in the manifest)";
        };
    return settings.safety().isOn()
        ? String.format(
            Locale.ROOT,
            "| safety checker | SHA-256 `%s`; %,d images %s |\n",
            settings.safety().checkerSha256(),
            flagged(),
            what)
        : "";
  }

  /** Rows for what the model was changed by. */
  private String additions() {
    StringBuilder rows = new StringBuilder();
    for (AdditionsIdentity.Lora lora : settings.additions().loras()) {
      rows.append(
          String.format(
              Locale.ROOT,
              "\n| LoRA | %s, scale %s, SHA-256 `%s` |",
              lora.name(),
              CanonicalJson.shortest(lora.scale()).toPlainString(),
              lora.sha256()));
    }
    for (AdditionsIdentity.Vae vae : settings.additions().vae()) {
      rows.append(
          String.format(
              Locale.ROOT,
              "\n| VAE instead of the model's | %s, SHA-256 `%s` |",
              vae.name(),
              vae.sha256()));
    }
    return rows.toString();
  }

  /** What the Hub is to look at. */
  private String dataFiles() {
    return switch (settings.layout()) {
      case WEBDATASET -> "    - images/*.tar";
      case FILES -> "    - images/**\n    - metadata.jsonl";
    };
  }

  /** How the images lie, and how programs get at them. */
  private String loading() {
    String extension = settings.imageFormat().extension();
    return switch (settings.layout()) {
      case WEBDATASET ->
          String.format(
              Locale.ROOT,
              """
              `%s` %s of WebDataset: for each image `<key>.%s`, `<key>.txt` with
              its text, and `<key>.json` with its row of the manifest. With WebDataset itself:

              ```python
              import webdataset as wds

              dataset = wds.WebDataset("%s").decode("pil").to_tuple("%s", "txt", "json")
              ```

              With Hugging Face's datasets, which has columns `%s`, `txt` and `json` then:

              ```python
              from datasets import load_dataset

              dataset = load_dataset("webdataset", data_files="images/*.tar", split="train")
              ```

              `tar -xf %s` unpacks them.\
              """,
              archives(),
              totals.shards().size() == 1 ? "is a shard" : "are shards",
              extension,
              archives(),
              extension,
              extension,
              DatasetPaths.archive(0));
      case FILES ->
          """
          `metadata.jsonl` gives the text of every image. Hugging Face's datasets reads both:

          ```python
          from datasets import load_dataset

          dataset = load_dataset("imagefolder", data_dir=".", split="train")
          ```\
          """;
    };
  }

  /** All archives, in the notation that shells and WebDataset expand. */
  private String archives() {
    return archives(totals.shards().size());
  }

  /**
   * A range from 00000 to a number of six digits would have six digits throughout, and name files
   * that are not there.
   */
  static String archives(int shards) {
    if (shards == 1) {
      return DatasetPaths.archive(0);
    }
    String range =
        shards <= FIVE_DIGITS
            ? "00000..%05d".formatted(shards - 1)
            : "{00000..99999},{%d..%d}".formatted(FIVE_DIGITS, shards - 1);
    return "images/{" + range + "}.tar";
  }

  /** Which files there are, if there is a choice. */
  private String manifests() {
    String names =
        settings.manifestFormats().stream()
            .map(format -> "`." + format.optionName() + "`")
            .collect(Collectors.joining(", "));
    return settings.manifestFormats().size() == 1
        ? ", in " + names + " files"
        : ", the same in " + names + " files";
  }

  /** Shown where the job draws one by itself. */
  private String contactSheet() {
    return totals.counts().rows() > DatasetGallery.AT_END_OF_JOB
        ? ""
        : "\n![Contact sheet]("
            + DatasetPaths.CONTACT_SHEET
            + ")\n\n`"
            + DatasetPaths.GALLERY
            + "` shows all images, with seeds and parameters.\n";
  }

  /** What the rows' seeds are. */
  private String seeds() {
    return switch (settings.seedPolicy()) {
      case PER_IMAGE -> "Each image has its own seed.";
      case JAX_SPLIT ->
          "The images of a\nprompt share its seed: the key of an image's noise is"
              + " `split(PRNGKey(seed), images)[image_index]`,\nwhere `images` is how many its"
              + " prompt asked for.";
    };
  }

  /** The Hub's words for how many. */
  private static String sizeCategory(long images) {
    String[] names = {"n<1K", "1K<n<10K", "10K<n<100K", "100K<n<1M", "1M<n<10M", "10M<n<100M"};
    long limit = 1000;
    for (String name : names) {
      if (images < limit) {
        return name;
      }
      limit *= 10;
    }
    return "100M<n<1B";
  }

  /** Indented JSON with the same line ends on every system. */
  static String pretty(JsonNode json) {
    DefaultIndenter indenter = new DefaultIndenter("  ", "\n");
    DefaultPrettyPrinter printer = new DefaultPrettyPrinter().withObjectIndenter(indenter);
    try {
      return JSON.writer(printer).writeValueAsString(json) + "\n";
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a JSON tree must be writable", e);
    }
  }
}
