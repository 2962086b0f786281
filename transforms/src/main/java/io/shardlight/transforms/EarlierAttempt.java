package io.shardlight.transforms;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.shardlight.data.DatasetPaths;
import io.shardlight.data.GenerationSettings;
import io.shardlight.data.ManifestFile;
import io.shardlight.data.ManifestFormat;
import io.shardlight.data.ManifestRow;
import io.shardlight.data.ObjectConflictException;
import io.shardlight.data.ObjectStore;
import io.shardlight.data.SafetyPolicy;
import io.shardlight.data.StoredObject;
import io.shardlight.diffusion.safety.SafetyScore;
import io.shardlight.images.DecodedImage;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Knows the images that an attempt before this one has left of a shard it did not commit. They are
 * taken as they are: on a GPU or TPU another number of images a call, or another kernel, and
 * everywhere another kind of processor, can draw the same image with other last bits, and an
 * attempt that insisted on its own would never end.
 */
final class EarlierAttempt {
  private static final ObjectMapper JSON = new ObjectMapper();

  /**
   * Levels of 255 by which two drawings may differ in the mean. Other batches in bfloat16 differ by
   * less than one, two images that have nothing in common by some eighty, what was cut off or drawn
   * by a broken device by tens.
   */
  private static final double MOST_DIFFERENCE = 8;

  /** The chunk IEND, from its name on. */
  private static final byte[] PNG_END = {'I', 'E', 'N', 'D', (byte) 0xae, 0x42, 0x60, (byte) 0x82};

  private static final byte[] JPEG_END = {(byte) 0xff, (byte) 0xd9};

  private final GenerationSettings settings;

  EarlierAttempt(GenerationSettings settings) {
    this.settings = settings;
  }

  /**
   * The row of an image that is there already, if it is a drawing of the same example: of its size,
   * with the very parameters in the file, and much the same to look at.
   *
   * @param row of the image that was drawn now
   * @param drawn its file
   * @param found the file that is there
   */
  Optional<ManifestRow> take(ManifestRow row, byte[] drawn, byte[] found) {
    StoredObject wanted = row.image().orElseThrow();
    StoredObject there = StoredObject.of(wanted.name(), found);
    if (there.equals(wanted)) {
      return Optional.of(row);
    }
    int width = row.example().sampling().widthPixels();
    int height = row.example().sampling().heightPixels();
    DecodedImage image;
    double difference;
    try {
      image = DecodedImage.decode(found, width, height);
      difference = difference(image.rgb(), DecodedImage.decode(drawn, width, height).rgb());
    } catch (IOException e) {
      return Optional.empty();
    }
    String parameters = ImageMetadata.parameters(row.example(), settings);
    boolean same = image.parameters().equals(Optional.of(parameters));
    // A black image stands for one that was flagged, and for no other.
    boolean blanks = settings.safety().policy() == SafetyPolicy.BLANK;
    return same
            && isWhole(found)
            && difference <= MOST_DIFFERENCE
            && !(blanks && (row.isFlagged() || isBlack(image.rgb())))
        ? Optional.of(row.withImage(there))
        : Optional.empty();
  }

  /**
   * The row with the score that the metadata beside an image has, if a checker looks at all: it
   * follows the image's last bits. One on the other side of the threshold is not taken.
   *
   * @param json the member of the archive
   */
  ManifestRow scored(ManifestRow row, byte[] json) throws IOException {
    JsonNode score = JSON.readTree(json).path("nsfw_score");
    return score.isNumber() ? scored(row, score.doubleValue()) : row;
  }

  /**
   * The rows with the scores of a manifest that is there, for images that have no metadata beside
   * them.
   *
   * @param conflict thrown if no checker looks: then nothing may differ but the images
   */
  List<ManifestRow> scored(
      ObjectStore store, int shard, List<ManifestRow> rows, ObjectConflictException conflict)
      throws IOException {
    if (!settings.safety().isOn()) {
      throw conflict;
    }
    Map<String, Float> scores = new HashMap<>();
    for (ManifestFormat format : settings.manifestFormats()) {
      String name = DatasetPaths.manifest(shard, format);
      if (scores.isEmpty() && store.exists(name)) {
        try (InputStream in = store.read(name)) {
          ManifestFile.read(
              name,
              in.readAllBytes(),
              row -> {
                if (row.get("nsfw_score") instanceof Float score) {
                  scores.put(row.get("example_id").toString(), score);
                }
              });
        } catch (IOException | RuntimeException e) {
          conflict.addSuppressed(e);
          throw conflict;
        }
      }
    }
    List<ManifestRow> scored = new ArrayList<>();
    for (ManifestRow row : rows) {
      Float score = scores.get(row.example().id());
      scored.add(score == null ? row : scored(row, score));
    }
    return scored;
  }

  /** With a flag that differs the image would have to be another. */
  private static ManifestRow scored(ManifestRow row, double value) {
    SafetyScore score = new SafetyScore(value);
    return row.safetyScore().isPresent() && score.isFlagged() == row.isFlagged()
        ? row.withSafetyScore(score)
        : row;
  }

  /** Whether the file has its end, which not every decoder looks for. */
  private boolean isWhole(byte[] file) {
    return switch (settings.imageFormat()) {
      case PNG -> endsWith(file, PNG_END);
      case JPEG -> endsWith(file, JPEG_END);
      // Says at its beginning how long it is.
      case WEBP ->
          ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN).getInt(Integer.BYTES)
              == file.length - 2 * Integer.BYTES;
    };
  }

  private static boolean endsWith(byte[] file, byte[] end) {
    return file.length >= end.length
        && Arrays.equals(file, file.length - end.length, file.length, end, 0, end.length);
  }

  /** Of the levels, in the mean. */
  private static double difference(byte[] a, byte[] b) {
    long sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += Math.abs((a[i] & 0xff) - (b[i] & 0xff));
    }
    return sum / (double) a.length;
  }

  private static boolean isBlack(byte[] rgb) {
    for (byte value : rgb) {
      if (value != 0) {
        return false;
      }
    }
    return true;
  }
}
