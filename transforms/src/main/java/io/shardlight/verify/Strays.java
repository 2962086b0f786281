package io.shardlight.verify;

import io.shardlight.data.DatasetPaths;
import io.shardlight.data.GenerationSettings;
import io.shardlight.data.ImageFormat;
import io.shardlight.data.Layout;
import io.shardlight.data.ManifestFormat;
import io.shardlight.data.ObjectStore;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SortedSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/** Objects that no part of the dataset names. Names go by one at a time, however many there are. */
final class Strays {
  private static final Pattern NUMBERED =
      Pattern.compile("(?:_shards|manifest|images)/([0-9]{5,9})\\.([a-z]+)");

  private static final Pattern IMAGE =
      Pattern.compile("images/[0-9a-f]{2}/([0-9a-f]{32})\\.[a-z]+");

  private static final Set<String> KNOWN =
      Set.of(
          DatasetPaths.SUCCESS,
          DatasetPaths.DATASET_JSON,
          DatasetPaths.CARD,
          DatasetPaths.OVERWRITE,
          DatasetPaths.GALLERY,
          DatasetPaths.CONTACT_SHEET);

  /** Whatever lies there is taken for a part of the dataset. */
  private static final List<String> FOLDERS = List.of("images/", "manifest/", "_shards/");

  private static final int NAMED = 5;

  private final ObjectStore store;
  private final Optional<GenerationSettings> settings;
  private final int parts;
  private final Set<Integer> shards;
  private final Optional<ExampleIds> imageIds;

  private final List<String> others = new ArrayList<>();
  private long otherCount;
  private long uncommitted;

  /**
   * @param parts how many the dataset was made in
   * @param shards numbers of those that were verified
   * @param imageIds all that have an image, with {@code layout=files}; empty if not all are known
   */
  Strays(
      ObjectStore store,
      Optional<GenerationSettings> settings,
      int parts,
      Set<Integer> shards,
      Optional<ExampleIds> imageIds) {
    this.store = store;
    this.settings = settings;
    this.parts = parts;
    this.shards = shards;
    this.imageIds = imageIds;
  }

  /**
   * Goes through all names.
   *
   * @param finished whether all shards should be complete, so that nothing may wait for a marker
   */
  void find(boolean finished, Problems problems, SortedSet<String> remove) throws IOException {
    store.forEachName(
        "",
        name -> {
          if (isClaimed(name)) {
            return;
          }
          if (FOLDERS.stream().noneMatch(name::startsWith)) {
            otherCount++;
            if (others.size() < NAMED) {
              others.add(name);
            }
          } else if (finished) {
            problems.add(
                name, "must not be there, as no shard names it and loaders would read it, but is");
            remove.add(name);
          } else {
            uncommitted++;
          }
        });
  }

  private boolean isClaimed(String name) {
    if (KNOWN.contains(name) || name.startsWith("runs/") || name.startsWith("rejected/")) {
      return true;
    }
    if (name.equals(DatasetPaths.PLAN)
        || IntStream.range(1, parts).anyMatch(part -> name.equals(DatasetPaths.plan(part)))) {
      return true;
    }
    if (name.startsWith(".")) {
      return true; // As .gitattributes; nobody takes it for data.
    }
    if (name.equals(DatasetPaths.SIDECAR)) {
      return settings.isEmpty() || settings.get().layout() == Layout.FILES;
    }
    Matcher numbered = NUMBERED.matcher(name);
    if (numbered.matches()) {
      int number = Integer.parseInt(numbered.group(1));
      return shards.contains(number) && isOfShard(name, number);
    }
    Matcher image = IMAGE.matcher(name);
    if (!image.matches() || settings.isEmpty()) {
      return settings.isEmpty() && name.startsWith("images/");
    }
    ImageFormat format = settings.get().imageFormat();
    return settings.get().layout() == Layout.FILES
        && name.equals(DatasetPaths.image(image.group(1), format))
        && (imageIds.isEmpty() || imageIds.get().contains(image.group(1)));
  }

  private boolean isOfShard(String name, int number) {
    if (name.equals(DatasetPaths.marker(number))) {
      return true;
    }
    if (name.equals(DatasetPaths.archive(number))) {
      return settings.isEmpty() || settings.get().layout() == Layout.WEBDATASET;
    }
    for (ManifestFormat format : ManifestFormat.values()) {
      if (name.equals(DatasetPaths.manifest(number, format))) {
        return settings.isEmpty() || settings.get().manifestFormats().contains(format);
      }
    }
    return false;
  }

  /** Those that are in nobody's way, on one line. */
  Optional<String> note() {
    if (otherCount == 0) {
      return Optional.empty();
    }
    others.sort(null);
    return Optional.of(
        (otherCount == 1 ? "1 object is" : otherCount + " objects are")
            + " no part of the dataset: "
            + String.join(", ", others)
            + (otherCount > others.size() ? " and more" : ""));
  }

  /** Objects of shards that are not complete yet. */
  long uncommitted() {
    return uncommitted;
  }
}
