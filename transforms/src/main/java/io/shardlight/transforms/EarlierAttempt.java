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
import java.util.ArrayList;
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

  private final GenerationSettings settings;

  EarlierAttempt(GenerationSettings settings) {
    this.settings = settings;
  }

  /**
   * The row of an image that is there already, if it is a drawing of the same example: of its size,
   * and with the very parameters in the file.
   *
   * @param row of the image that was drawn now
   * @param found the bytes that are there
   */
  Optional<ManifestRow> take(ManifestRow row, byte[] found) {
    StoredObject drawn = row.image().orElseThrow();
    StoredObject there = StoredObject.of(drawn.name(), found);
    if (there.equals(drawn)) {
      return Optional.of(row);
    }
    int width = row.example().sampling().widthPixels();
    int height = row.example().sampling().heightPixels();
    DecodedImage image;
    try {
      image = DecodedImage.decode(found, width, height);
    } catch (IOException e) {
      return Optional.empty();
    }
    String parameters = ImageMetadata.parameters(row.example(), settings);
    boolean same = image.parameters().equals(Optional.of(parameters));
    // A black image stands for one that was flagged, and for no other.
    boolean blanks = settings.safety().policy() == SafetyPolicy.BLANK;
    return same && !(blanks && (row.isFlagged() || isBlack(image.rgb())))
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
    return row.safetyScore().isPresent()
            && score.isNumber()
            && (score.doubleValue() > 0) == row.isFlagged()
        ? row.withSafetyScore(new SafetyScore(score.doubleValue()))
        : row;
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
      // With a flag that differs the image would have to be another.
      scored.add(
          score == null || row.safetyScore().isEmpty() || (score > 0) != row.isFlagged()
              ? row
              : row.withSafetyScore(new SafetyScore(score)));
    }
    return scored;
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
