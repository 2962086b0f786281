package io.shardlight.gallery;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.shardlight.data.AvroManifest;
import io.shardlight.data.DatasetPaths;
import io.shardlight.data.ImageFormat;
import io.shardlight.data.ManifestFormat;
import io.shardlight.data.ObjectStore;
import io.shardlight.data.Sha256;
import io.shardlight.data.ShardFacts;
import io.shardlight.data.StoredObject;
import java.awt.Color;
import java.awt.GradientPaint;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import javax.imageio.IIOImage;
import javax.imageio.ImageIO;
import javax.imageio.ImageTypeSpecifier;
import javax.imageio.ImageWriter;
import javax.imageio.metadata.IIOMetadata;
import javax.imageio.metadata.IIOMetadataNode;
import javax.imageio.stream.MemoryCacheImageOutputStream;
import org.apache.avro.file.CodecFactory;
import org.apache.avro.file.DataFileWriter;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.generic.GenericRecordBuilder;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;

/** A dataset as a job would leave it, with coloured shapes for images and any row one likes. */
final class SketchedDataset {
  /** The image whose text names LoRAs and a VAE. */
  private static final int WITH_ADDITIONS = 33;

  private final Path folder;
  private final ObjectStore store;
  private final int width;
  private final int height;
  private final List<GenericRecord> rows = new ArrayList<>();
  private final Map<String, byte[]> archived = new TreeMap<>();
  private boolean archiving;

  SketchedDataset(Path folder, int width, int height) {
    this.folder = folder;
    this.store = ObjectStore.open(folder.toString());
    this.width = width;
    this.height = height;
  }

  /** Keeps all images in a tar file, as {@code layout=webdataset} does; before the first. */
  SketchedDataset archiving() {
    archiving = true;
    return this;
  }

  Path folder() {
    return folder;
  }

  ObjectStore store() {
    return store;
  }

  /** An image and its row. */
  SketchedDataset ok(String prompt) throws IOException {
    return ok(prompt, row -> row);
  }

  /** An image and its row, with other values in some columns. */
  SketchedDataset ok(String prompt, UnaryOperator<GenericRecordBuilder> change) throws IOException {
    String id = id();
    byte[] png = png(rows.size(), prompt);
    String name =
        archiving
            ? DatasetPaths.archived(0, id, ImageFormat.PNG)
            : DatasetPaths.image(id, ImageFormat.PNG);
    StoredObject image = StoredObject.of(name, png);
    if (archiving) {
      archived.put(id + ".png", png);
    } else {
      // Not through the store, which forces each of ten thousand files to the disk.
      Path file = folder.resolve(name);
      Files.createDirectories(file.resolveSibling("."));
      Files.write(file, png);
    }
    rows.add(
        change
            .apply(
                row(id, prompt, "ok")
                    .set("file_name", image.name())
                    .set("bytes", image.bytes())
                    .set("sha256", image.sha256())
                    .set("crc32c", image.crc32c())
                    .set("prompt_truncated", false))
            .build());
    return this;
  }

  /** A row without image. */
  SketchedDataset failed(String prompt, String errorClass) {
    rows.add(row(id(), prompt, "failed").set("error_class", errorClass).build());
    return this;
  }

  /** A row without image. */
  SketchedDataset blocked(String prompt) {
    rows.add(row(id(), prompt, "blocked").set("nsfw", true).build());
    return this;
  }

  /** Where the image of a row lies. */
  Path image(int row) {
    return folder.resolve(rows.get(row).get("file_name").toString());
  }

  private String id() {
    return Sha256.hex("example " + rows.size()).substring(0, 32);
  }

  private GenericRecordBuilder row(String id, String prompt, String status) {
    long number = rows.size();
    return new GenericRecordBuilder(AvroManifest.SCHEMA)
        .set("example_id", id)
        .set("key", id)
        .set("shard", 0)
        .set("file_name", null)
        .set("status", status)
        .set("error_class", null)
        .set("prompt", prompt)
        .set("negative_prompt", "")
        .set("prompt_id", "prompts.txt:" + (number + 1))
        .set("source_file", "prompts.txt")
        .set("source_line", number + 1)
        .set("image_index", 0)
        .set("seed", 1000 + number)
        .set("scheduler", "pndm")
        .set("steps", 20)
        .set("guidance_scale", 7.5f)
        .set("width", width)
        .set("height", height)
        .set("format", "png")
        .set("bytes", null)
        .set("sha256", null)
        .set("crc32c", null)
        .set("model_id", "tiny-sd")
        .set("model_revision", "")
        .set("model_sha256", "ab".repeat(32))
        .set("dtype", "float32")
        .set("engine", "OnnxRuntime")
        .set("device_kind", "cpu")
        .set("nsfw", null)
        .set("nsfw_score", null)
        .set("prompt_truncated", null)
        .set("digital_source_type", "trainedAlgorithmicMedia")
        .set("license", "creativeml-openrail-m")
        .set("config_fingerprint", "cd".repeat(32))
        .set("pipeline_version", "0.1.0")
        .set("carried", Map.of());
  }

  /** Writes archive, plan, manifest and marker, as a job does when a shard is complete. */
  SketchedDataset commit() throws IOException {
    if (archiving) {
      store.createOrAdopt(DatasetPaths.archive(0), tar());
    }
    ObjectNode plan = JsonNodeFactory.instance.objectNode();
    plan.put("seed_policy", "perImage").put("examples", rows.size());
    store.createOrAdopt(DatasetPaths.PLAN, utf8(plan.toString()));
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (DataFileWriter<GenericRecord> writer =
        new DataFileWriter<>(new GenericDatumWriter<GenericRecord>(AvroManifest.SCHEMA))) {
      writer.setCodec(CodecFactory.deflateCodec(6));
      writer.create(AvroManifest.SCHEMA, bytes, new byte[16]);
      for (GenericRecord row : rows) {
        writer.append(row);
      }
    }
    StoredObject manifest =
        StoredObject.of(DatasetPaths.manifest(0, ManifestFormat.AVRO), bytes.toByteArray());
    store.createOrAdopt(manifest.name(), bytes.toByteArray());
    ShardFacts facts =
        new ShardFacts(
            0,
            "cd".repeat(32),
            "",
            count("ok"),
            count("failed"),
            count("blocked"),
            0,
            0,
            Optional.empty(),
            List.of(manifest));
    store.createOrAdopt(DatasetPaths.marker(0), utf8(facts.toJson() + "\n"));
    return this;
  }

  private byte[] tar() throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (TarArchiveOutputStream tar = new TarArchiveOutputStream(bytes)) {
      for (Map.Entry<String, byte[]> image : archived.entrySet()) {
        TarArchiveEntry entry = new TarArchiveEntry(image.getKey());
        entry.setSize(image.getValue().length);
        tar.putArchiveEntry(entry);
        tar.write(image.getValue());
        tar.closeArchiveEntry();
      }
    }
    return bytes.toByteArray();
  }

  private long count(String status) {
    return rows.stream().filter(row -> row.get("status").toString().equals(status)).count();
  }

  private static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  /** Draws page and sheet, and tells where the page is. */
  Path gallery() throws IOException, InterruptedException {
    DatasetGallery.of(store, true).draw();
    Path page = folder.resolve(DatasetPaths.GALLERY);
    if (!Files.exists(page)) {
      throw new IllegalStateException("no " + page);
    }
    return page;
  }

  /** Sky, hills and a sun whose places follow from the number. */
  private byte[] png(int number, String prompt) throws IOException {
    Random random = new Random(number * 7919L);
    BufferedImage image = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
    Graphics2D graphics = image.createGraphics();
    graphics.setRenderingHint(RenderingHints.KEY_ANTIALIASING, RenderingHints.VALUE_ANTIALIAS_ON);
    float hue = random.nextFloat();
    graphics.setPaint(
        new GradientPaint(
            0,
            0,
            Color.getHSBColor(hue, .5f, .95f),
            0,
            height,
            Color.getHSBColor(hue + .1f, .3f, 1)));
    graphics.fillRect(0, 0, width, height);
    int sun = height / 6 + random.nextInt(height / 6 + 1);
    graphics.setColor(Color.getHSBColor(hue + .5f, .5f, 1));
    graphics.fillOval(random.nextInt(width - sun), random.nextInt(height / 3), sun, sun);
    for (int hill = 0; hill < 3; hill++) {
      graphics.setColor(Color.getHSBColor(hue + .05f * hill, .6f, .75f - .2f * hill));
      int top = height * (5 + hill) / 9 + random.nextInt(height / 9 + 1);
      graphics.fillOval(random.nextInt(width) - width, top, 2 * width, height);
    }
    graphics.dispose();
    return withParameters(
        image,
        prompt
            + "\nSteps: 20, Sampler: PLMS, CFG scale: 7.5, Seed: "
            + (1000 + number)
            + ", Size: "
            + width
            + "x"
            + height
            + (number == WITH_ADDITIONS
                ? ", LoRA: \"ink.safetensors:0.8,fox's.safetensors:1\", VAE: sd-vae-ft-mse"
                : ""));
  }

  private static byte[] withParameters(BufferedImage image, String text) throws IOException {
    ImageWriter writer = ImageIO.getImageWritersByFormatName("png").next();
    try {
      IIOMetadata metadata =
          writer.getDefaultImageMetadata(ImageTypeSpecifier.createFromRenderedImage(image), null);
      IIOMetadataNode entry = new IIOMetadataNode("iTXtEntry");
      entry.setAttribute("keyword", "parameters");
      entry.setAttribute("compressionFlag", "FALSE");
      entry.setAttribute("compressionMethod", "0");
      entry.setAttribute("languageTag", "");
      entry.setAttribute("translatedKeyword", "");
      entry.setAttribute("text", text);
      IIOMetadataNode texts = new IIOMetadataNode("iTXt");
      texts.appendChild(entry);
      IIOMetadataNode root = new IIOMetadataNode("javax_imageio_png_1.0");
      root.appendChild(texts);
      metadata.mergeTree("javax_imageio_png_1.0", root);
      ByteArrayOutputStream bytes = new ByteArrayOutputStream();
      try (MemoryCacheImageOutputStream out = new MemoryCacheImageOutputStream(bytes)) {
        writer.setOutput(out);
        writer.write(null, new IIOImage(image, null, metadata), null);
      }
      return bytes.toByteArray();
    } finally {
      writer.dispose();
    }
  }
}
