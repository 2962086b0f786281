package io.shardlight.transforms;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.shardlight.data.ArchiveMembers;
import io.shardlight.data.CommittedShards;
import io.shardlight.data.GenerationSettings;
import io.shardlight.data.ImageFormat;
import io.shardlight.data.Layout;
import io.shardlight.data.ManifestFormat;
import io.shardlight.data.ObjectStore;
import io.shardlight.data.Sampling;
import io.shardlight.data.SeedPolicy;
import io.shardlight.data.Sha256;
import io.shardlight.data.ShardFacts;
import io.shardlight.data.StoredObject;
import io.shardlight.data.TestSettings;
import io.shardlight.diffusion.scheduler.SchedulerKind;
import io.shardlight.verify.DatasetVerification;
import io.shardlight.verify.Problem;
import io.shardlight.verify.Verification;
import io.shardlight.verify.VerificationProgress;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.apache.commons.compress.archivers.tar.TarFile;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Datasets are damaged in all ways we could think of. Each time what is wrong is named, and what is
 * said to repair it does: the same job makes the same bytes again.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class DatasetVerificationTest {
  private static final GenerationSettings TARS =
      TestSettings.builder()
          .sampling(new Sampling(SchedulerKind.PNDM, 20, 7.5f, 16, 24))
          .imagesPerPrompt(3)
          .shardSize(4)
          .manifestFormats(List.of(ManifestFormat.values()))
          .maxFailureRatio(0.2)
          .build();

  private static final GenerationSettings FILES = TARS.toBuilder().layout(Layout.FILES).build();

  private static final GenerationSettings LINES =
      TARS.toBuilder().manifestFormats(List.of(ManifestFormat.JSONL)).build();

  /** With a failed image, a duplicate and a rejected record. */
  private static final String PROMPTS =
      """
      {"prompt": "a red fox", "topic": "animals"}
      {"prompt": "ein grüner Käfer, 猫", "seed": 4294967295}
      {"prompt": "a small owl", "width": 32, "height": 8, "images": 2}
      {"prompt": "a slow snail", "steps": 21, "negative_prompt": "blurry"}
      {"prompt": "poison", "seed": 3, "images": 1}
      {"prompt": "a hen", "seed": 5, "images": 1}
      {"prompt": "a hen", "seed": 5, "images": 1}
      {"prompt": ""}
      """;

  private static final int IMAGES = 12;

  private final Set<String> repaired = new HashSet<>();
  private Path folder;
  private Path input;

  @BeforeAll
  void makeDatasets(@TempDir Path temporary) throws IOException {
    folder = temporary;
    input = Files.writeString(folder.resolve("prompts.jsonl"), PROMPTS);
    job("tars", TARS).run();
    job("files", FILES).run();
    job("lines", LINES).run();
  }

  private DatasetJob job(String output, GenerationSettings settings) {
    return new DatasetJob(input, folder.resolve(output), settings);
  }

  private static Verification verify(Path dataset) throws Exception {
    return DatasetVerification.of(
        ObjectStore.open(dataset.toString()), "0.1.0", 2, new CountedRows());
  }

  private static final class CountedRows implements VerificationProgress {
    private final AtomicLong planned = new AtomicLong();
    private final AtomicLong done = new AtomicLong();

    @Override
    public void plan(long rows) {
      planned.set(rows);
    }

    @Override
    public void advance(long rows) {
      done.addAndGet(rows);
    }
  }

  /** A way to damage a dataset, and what is to be said of it. */
  @SuppressWarnings("ImmutableEnumChecker") // They are, but their types don't say so.
  private enum Damage {
    ARCHIVE_IS_CUT_OFF_IN_AN_IMAGE(TARS, "images/00001.tar: must be a whole tar file, but member") {
      @Override
      void to(Path dataset) throws IOException {
        Path tar = dataset.resolve("images/00001.tar");
        Files.write(tar, Arrays.copyOf(Files.readAllBytes(tar), firstImage(tar) + 50));
      }
    },
    ARCHIVE_WITHOUT_ITS_LAST_BLOCK(TARS, "images/00001.tar: must have ") {
      @Override
      void to(Path dataset) throws IOException {
        Path tar = dataset.resolve("images/00001.tar");
        byte[] bytes = Files.readAllBytes(tar);
        Files.write(tar, Arrays.copyOf(bytes, bytes.length - 512));
      }
    },
    ARCHIVE_IS_EMPTY(TARS, "images/00000.tar: must have ") {
      @Override
      void to(Path dataset) throws IOException {
        Files.write(dataset.resolve("images/00000.tar"), new byte[0]);
      }
    },
    ARCHIVE_IS_MISSING(
        TARS, "images/00002.tar: must be there, as _shards/00002.json says, but is not") {
      @Override
      void to(Path dataset) throws IOException {
        Files.delete(dataset.resolve("images/00002.tar"));
      }
    },
    ARCHIVES_ARE_SWAPPED(TARS, "images/00000.tar: must have ", "images/00001.tar: must have ") {
      @Override
      void to(Path dataset) throws IOException {
        swap(dataset.resolve("images/00000.tar"), dataset.resolve("images/00001.tar"));
      }
    },
    ARCHIVE_HAS_ONE_MEMBER_MORE(TARS, "images/00001.tar: must hold what the manifest names only") {
      @Override
      void to(Path dataset) throws IOException {
        repack(dataset, 1, (name, content) -> Optional.of(content), "zzz.txt");
      }
    },
    ARCHIVE_HAS_ONE_MEMBER_LESS(TARS, "images/00001.tar: must hold ") {
      @Override
      void to(Path dataset) throws IOException {
        AtomicLong texts = new AtomicLong();
        repack(
            dataset,
            1,
            (name, content) ->
                name.endsWith(".txt") && texts.getAndIncrement() == 0
                    ? Optional.empty()
                    : Optional.of(content));
      }
    },
    CAPTION_IN_ARCHIVE_AND_MARKER_WERE_EDITED(
        TARS, ".txt: must be what its row of the manifest says, but differs from byte 0 on") {
      @Override
      void to(Path dataset) throws IOException {
        repack(
            dataset,
            1,
            (name, content) -> Optional.of(name.endsWith(".txt") ? "X".getBytes(UTF_8) : content));
      }
    },
    ONE_BIT_OF_AN_IMAGE(TARS, ".png: must have ", "images/00001.tar: must have ") {
      @Override
      void to(Path dataset) throws IOException {
        Path tar = dataset.resolve("images/00001.tar");
        flip(tar, firstImage(tar) + 100);
      }
    },
    ONE_BIT_OF_AN_OWNER(TARS, "must have the owner, mode and time that all members have") {
      @Override
      void to(Path dataset) throws IOException {
        Path tar = dataset.resolve("images/00001.tar");
        byte[] bytes = Files.readAllBytes(tar);
        // Octal digits of user id, and the checksum that counts them.
        bytes[114] ^= 1;
        int sum = 0;
        for (int i = 0; i < 512; i++) {
          sum += i >= 148 && i < 156 ? ' ' : bytes[i] & 0xff;
        }
        byte[] digits = String.format("%06o", sum).getBytes(UTF_8);
        System.arraycopy(digits, 0, bytes, 148, 6);
        Files.write(tar, bytes);
      }
    },
    ONE_BIT_OF_A_MANIFEST(TARS, "manifest/00001.avro: must have ") {
      @Override
      void to(Path dataset) throws IOException {
        flip(dataset.resolve("manifest/00001.avro"), 4000);
      }
    },
    ALL_MANIFESTS_OF_A_SHARD(
        TARS,
        "manifest/00001.avro: must be there",
        "manifest/00001.parquet: must have ",
        "manifest/00001.jsonl: must have ") {
      @Override
      void to(Path dataset) throws IOException {
        Files.delete(dataset.resolve("manifest/00001.avro"));
        flip(dataset.resolve("manifest/00001.parquet"), 1000);
        Files.write(dataset.resolve("manifest/00001.jsonl"), new byte[0]);
      }
    },
    A_ROW_OF_ONE_FORMAT_AND_THE_MARKER_WERE_EDITED(
        TARS, "manifest/00001.jsonl row 1: must be that of manifest/00001.avro, but is another") {
      @Override
      void to(Path dataset) throws IOException {
        editRow(dataset, "\"prompt_truncated\":false", "\"prompt_truncated\":true");
      }
    },
    A_PROMPT_AND_THE_MARKER_WERE_EDITED(
        LINES,
        "manifest/00001.jsonl row 1: example_id must be the hash of prompt, seed and parameters",
        ".json: must be what its row of the manifest says") {
      @Override
      void to(Path dataset) throws IOException {
        editRow(dataset, "\"prompt\":\"", "\"prompt\":\"not ");
      }
    },
    MARKER_IS_NO_JSON(TARS, "_shards/00001.json: must be what was written") {
      @Override
      void to(Path dataset) throws IOException {
        Files.writeString(dataset.resolve("_shards/00001.json"), "{\"shard\":1,");
      }
    },
    MARKER_IS_EMPTY_AND_SO_IS_ITS_ARCHIVE(TARS, "_shards/00001.json: must be what was written") {
      @Override
      void to(Path dataset) throws IOException {
        Files.write(dataset.resolve("_shards/00001.json"), new byte[0]);
        Files.write(dataset.resolve("images/00001.tar"), new byte[0]);
      }
    },
    MARKER_IS_MISSING(TARS, "_shards/00001.json: must be there") {
      @Override
      void to(Path dataset) throws IOException {
        Files.delete(dataset.resolve("_shards/00001.json"));
      }
    },
    MARKERS_ARE_SWAPPED(
        TARS,
        "_shards/00000.json: must be the marker of shard 0, but is that of shard 1",
        "_shards/00001.json: must be the marker of shard 1, but is that of shard 0") {
      @Override
      void to(Path dataset) throws IOException {
        swap(dataset.resolve("_shards/00000.json"), dataset.resolve("_shards/00001.json"));
      }
    },
    MARKER_OF_ANOTHER_DATASET(TARS, "_shards/00001.json: must have config_fingerprint ") {
      @Override
      void to(Path dataset) throws IOException {
        Path marker = dataset.resolve("_shards/00001.json");
        Files.writeString(
            marker,
            Files.readString(marker)
                .replaceFirst("(config_fingerprint\":\")[0-9a-f]{64}", "$1" + "0".repeat(64)));
      }
    },
    MARKER_COUNTS_WRONG(
        TARS,
        "_shards/00001.json: ok must be ",
        "image_bytes must be ",
        "example_ids_sha256 must") {
      @Override
      void to(Path dataset) throws IOException {
        Path marker = dataset.resolve("_shards/00001.json");
        Files.writeString(
            marker,
            Files.readString(marker)
                .replaceFirst("\"ok\":", "\"ok\":1")
                .replaceFirst("image_bytes\":", "image_bytes\":1")
                .replaceFirst("(example_ids_sha256\":\")[0-9a-f]{4}", "$1" + "beef"));
      }
    },
    WHOLE_LAST_SHARD_IS_MISSING(TARS, "must be there, as shards are numbered without gaps") {
      @Override
      void to(Path dataset) throws IOException {
        int last = shards(dataset).size() - 1;
        for (String name : new String[] {"_shards/%05d.json", "images/%05d.tar"}) {
          Files.delete(dataset.resolve(String.format(name, last)));
        }
        for (ManifestFormat format : ManifestFormat.values()) {
          Files.delete(
              dataset.resolve(String.format("manifest/%05d.%s", last, format.optionName())));
        }
      }
    },
    LAST_MARKER_AND_DATASET_JSON_ARE_MISSING(
        TARS, "_SUCCESS: must stand in a complete dataset only: 14 images were asked for") {
      @Override
      void to(Path dataset) throws IOException {
        int last = shards(dataset).size() - 1;
        Files.delete(dataset.resolve(String.format("_shards/%05d.json", last)));
        Files.delete(dataset.resolve("dataset.json"));
      }
    },
    DATASET_JSON_COUNTS_WRONG(TARS, "dataset.json: counts must be ") {
      @Override
      void to(Path dataset) throws IOException {
        replace(dataset.resolve("dataset.json"), "\"ok\" : ", "\"ok\" : 1");
      }
    },
    DATASET_JSON_COUNTS_BILLIONS_OF_SHARDS(TARS, "dataset.json: shards must be ") {
      @Override
      void to(Path dataset) throws IOException {
        replace(dataset.resolve("dataset.json"), "\"shards\" : ", "\"shards\" : 99999999");
      }
    },
    DATASET_JSON_IS_NONE(TARS, "dataset.json: must be a JSON object, but is not") {
      @Override
      void to(Path dataset) throws IOException {
        Files.write(dataset.resolve("dataset.json"), new byte[] {(byte) 0x89, 'P', 'N', 'G'});
      }
    },
    DATASET_JSON_HAS_OTHER_SETTINGS(TARS, "dataset.json: settings must be that of plan and") {
      @Override
      void to(Path dataset) throws IOException {
        replace(dataset.resolve("dataset.json"), "\"seed\" : 0", "\"seed\" : 1");
      }
    },
    CARD_HAS_A_WRONG_BIT(TARS, "README.md: must be the card of this dataset, but differs from") {
      @Override
      void to(Path dataset) throws IOException {
        flip(dataset.resolve("README.md"), 300);
      }
    },
    CARD_IS_MISSING(TARS, "README.md: must be there") {
      @Override
      void to(Path dataset) throws IOException {
        Files.delete(dataset.resolve("README.md"));
      }
    },
    SUCCESS_SAYS_SOMETHING(TARS, "_SUCCESS: must be empty, but has 2 bytes") {
      @Override
      void to(Path dataset) throws IOException {
        Files.writeString(dataset.resolve("_SUCCESS"), "ok");
      }
    },
    REJECTED_RECORDS_ARE_MISSING(
        TARS, "rejected/: must hold 1 records, as dataset.json counts them, but holds 0") {
      @Override
      void to(Path dataset) throws IOException {
        Files.delete(dataset.resolve("rejected/prompts.jsonl-00000.jsonl"));
      }
    },
    REJECTED_RECORD_IS_NONE(
        TARS, "rejected/prompts.jsonl-00000.jsonl: line 1 must be a rejected record as JSON") {
      @Override
      void to(Path dataset) throws IOException {
        Files.writeString(dataset.resolve("rejected/prompts.jsonl-00000.jsonl"), "{}\n");
      }
    },
    OBJECTS_OF_NOBODY(
        TARS,
        "images/00099.tar: must not be there",
        "images/ab/x.png: must not be there",
        "manifest/00099.avro: must not be there",
        "_shards/00099.json: must not be there") {
      @Override
      void to(Path dataset) throws IOException {
        Files.copy(dataset.resolve("images/00001.tar"), dataset.resolve("images/00099.tar"));
        Files.copy(dataset.resolve("manifest/00001.avro"), dataset.resolve("manifest/00099.avro"));
        Files.copy(dataset.resolve("_shards/00001.json"), dataset.resolve("_shards/00099.json"));
        Files.createDirectories(dataset.resolve("images/ab"));
        Files.createFile(dataset.resolve("images/ab/x.png"));
      }
    },
    PLAN_IS_MISSING(TARS, "_shards/plan.json: must be there") {
      @Override
      void to(Path dataset) throws IOException {
        Files.delete(dataset.resolve("_shards/plan.json"));
      }
    },
    PLAN_HAS_A_WRONG_BIT(TARS, "_shards/plan.json: must be the settings of a run as JSON, but: ") {
      @Override
      void to(Path dataset) throws IOException {
        replace(dataset.resolve("_shards/plan.json"), "\"steps\":20", "\"steps\":21");
      }
    },
    PLAN_COUNTS_WRONG(TARS, "_shards/plan.json: examples must be 14") {
      @Override
      void to(Path dataset) throws IOException {
        replace(dataset.resolve("_shards/plan.json"), "\"examples\":14", "\"examples\":13");
      }
    },
    EVERYTHING_AT_ONCE(
        TARS,
        "_shards/plan.json: must be",
        "dataset.json: must be",
        "_shards/00000.json: must be",
        "images/00001.tar: must be",
        "manifest/00002.avro: must be") {
      @Override
      void to(Path dataset) throws IOException {
        ARCHIVE_IS_CUT_OFF_IN_AN_IMAGE.to(dataset);
        DATASET_JSON_IS_NONE.to(dataset);
        PLAN_IS_MISSING.to(dataset);
        flip(dataset.resolve("README.md"), 300);
        Files.write(dataset.resolve("_shards/00000.json"), new byte[10]);
        Files.delete(dataset.resolve("manifest/00002.avro"));
      }
    },
    IMAGE_IS_MISSING(FILES, ".png: must be there, as its row of the manifest says, but is not") {
      @Override
      void to(Path dataset) throws IOException {
        Files.delete(images(dataset).get(3));
      }
    },
    IMAGE_IS_EMPTY(FILES, ".png: must have ", "but has 0 bytes") {
      @Override
      void to(Path dataset) throws IOException {
        Files.write(images(dataset).get(3), new byte[0]);
      }
    },
    IMAGES_ARE_SWAPPED_AND_ONE_HAS_A_WRONG_BIT(FILES, ".png: must have ") {
      @Override
      void to(Path dataset) throws IOException {
        List<Path> images = images(dataset);
        swap(images.get(1), images.get(2));
        flip(images.get(3), 99);
      }
    },
    IMAGE_AND_MARKER_OF_A_SHARD(FILES, ".png: must have ", "_shards/00001.json: must be there") {
      @Override
      void to(Path dataset) throws IOException {
        for (Path image : images(dataset)) {
          flip(image, 99);
        }
        Files.delete(dataset.resolve("_shards/00001.json"));
      }
    },
    IMAGE_OF_NOBODY(FILES, "images/00/", ".png: must not be there") {
      @Override
      void to(Path dataset) throws IOException {
        Files.createDirectories(dataset.resolve("images/00"));
        Files.copy(
            images(dataset).get(3), dataset.resolve("images/00/00" + "ab".repeat(15) + ".png"));
      }
    },
    SIDECAR_IS_MISSING(FILES, "metadata.jsonl: must be there") {
      @Override
      void to(Path dataset) throws IOException {
        Files.delete(dataset.resolve("metadata.jsonl"));
      }
    },
    SIDECAR_HAS_OTHER_WORDS(FILES, "metadata.jsonl: must have the rows of the manifests, but") {
      @Override
      void to(Path dataset) throws IOException {
        replace(dataset.resolve("metadata.jsonl"), "snail", "whale");
      }
    },
    SIDECAR_IS_CUT_OFF(FILES, "metadata.jsonl: must have the lines of shard ") {
      @Override
      void to(Path dataset) throws IOException {
        Path sidecar = dataset.resolve("metadata.jsonl");
        byte[] bytes = Files.readAllBytes(sidecar);
        Files.write(sidecar, Arrays.copyOf(bytes, bytes.length - 1));
      }
    },
    SIDECAR_GOES_ON(FILES, "metadata.jsonl: must end with the last shard's lines") {
      @Override
      void to(Path dataset) throws IOException {
        Path sidecar = dataset.resolve("metadata.jsonl");
        Files.writeString(sidecar, Files.readString(sidecar) + "{}\n");
      }
    };

    final GenerationSettings settings;
    final List<String> told;

    Damage(GenerationSettings settings, String... told) {
      this.settings = settings;
      this.told = List.of(told);
    }

    abstract void to(Path dataset) throws IOException;
  }

  @ParameterizedTest
  @EnumSource
  void everyDamageIsNamedAndTheAdviceRepairsIt(Damage damage, @TempDir Path temporary)
      throws Exception {
    String name = damage.settings == TARS ? "tars" : damage.settings == FILES ? "files" : "lines";
    Path dataset = copy(name, temporary.resolve("dataset"));
    DatasetJob job = new DatasetJob(input, dataset, damage.settings).withTargetParallelism(1);
    Map<String, byte[]> undamaged = job.files();

    damage.to(dataset);

    // 1. It is named.
    Verification found = verify(dataset);
    assertThat(found.isWhole()).isFalse();
    assertThat(found.problems()).hasSize((int) found.problemCount());
    for (String words : damage.told) {
      assertThat(found.problems())
          .anySatisfy(problem -> assertThat(problem.toString()).contains(words));
    }
    assertThat(found.problems())
        .allSatisfy(problem -> assertThat(problem.toString()).doesNotContain("\n"));

    // 2. The advice is followed.
    for (String object : found.remove()) {
      Files.delete(dataset.resolve(object));
    }
    if (found.planLost()) {
      Files.deleteIfExists(dataset.resolve("_shards/plan.json"));
      Files.copy(
          folder.resolve(name).resolve("_shards/plan.json"), dataset.resolve("_shards/plan.json"));
    }
    Verification before = verify(dataset);
    assertThat(before.finished()).isFalse();
    if (before.problems().isEmpty()) {
      assertThat(before.remove()).isEmpty();
    }
    if (!repaired.add(name + states(job.files()))) {
      return; // Just this was left of another damage, and repaired.
    }
    job.run();

    // 3. All is as it was.
    assertThat(verify(dataset).problems()).isEmpty();
    assertThat(verify(dataset).isWhole()).isTrue();
    assertThat(job.files()).containsExactlyEntriesOf(undamaged);
  }

  private static String states(Map<String, byte[]> files) {
    StringBuilder states = new StringBuilder();
    files.forEach((name, bytes) -> states.append(' ').append(name).append(Sha256.hex(bytes)));
    return states.toString();
  }

  @ParameterizedTest
  @EnumSource
  void aWholeDatasetIsWhole(ImageFormat format, @TempDir Path temporary) throws Exception {
    for (Layout layout : Layout.values()) {
      for (SeedPolicy policy : SeedPolicy.values()) {
        GenerationSettings settings =
            TARS.toBuilder().imageFormat(format).layout(layout).seedPolicy(policy).build();
        Path dataset = temporary.resolve(layout + "-" + policy);
        DatasetJob job = new DatasetJob(input, dataset, settings);
        job.run();
        CountedRows rows = new CountedRows();

        Verification found =
            DatasetVerification.of(ObjectStore.open(dataset.toString()), "0.1.0", 3, rows);

        assertThat(found.problems()).isEmpty();
        assertThat(found.isWhole()).isTrue();
        assertThat(found.remove()).isEmpty();
        assertThat(found.notes()).isEmpty();
        assertThat(found.counts().images()).isEqualTo(IMAGES);
        assertThat(found.counts().failed()).isOne();
        assertThat(found.counts().duplicates()).isOne();
        assertThat(found.counts().rejected()).isOne();
        assertThat(found.counts().shards()).isEqualTo(shards(dataset).size());
        // All but what is drawn of the rest, which nothing says anything about.
        long drawn =
            job.files().keySet().stream()
                .filter(n -> n.startsWith("gallery/") || n.startsWith("contact-sheet"))
                .count();
        assertThat(found.counts().objects()).isEqualTo(job.files().size() - drawn);
        assertThat(rows.planned.get()).isEqualTo(IMAGES + 2);
        assertThat(rows.done.get()).isEqualTo(IMAGES + 1);
      }
    }
  }

  @Test
  void whatIsInNobodysWayIsToldAndNoDamage(@TempDir Path temporary) throws Exception {
    Path dataset = copy("tars", temporary.resolve("dataset"));
    Files.writeString(dataset.resolve("notes.txt"), "mine");
    Files.writeString(dataset.resolve(".gitattributes"), "*.tar filter=lfs");
    Files.delete(dataset.resolve("contact-sheet.png"));

    Verification found = verify(dataset);

    assertThat(found.isWhole()).isTrue();
    assertThat(found.notes())
        .containsExactly(
            "1 object is no part of the dataset: notes.txt",
            "contact-sheet.png is not there; ./shardlight gallery draws it");
  }

  @Test
  void anUnfinishedDatasetIsNotWholeButWhatIsCompleteMayBe(@TempDir Path temporary)
      throws Exception {
    Path dataset = copy("tars", temporary.resolve("dataset"));
    for (String name : List.of("_SUCCESS", "dataset.json", "README.md", "_shards/00001.json")) {
      Files.delete(dataset.resolve(name));
    }

    Verification found = verify(dataset);

    assertThat(found.problems()).isEmpty();
    assertThat(found.finished()).isFalse();
    assertThat(found.isWhole()).isFalse();
    assertThat(found.planned()).hasValue(14);
    assertThat(found.counts().shards()).isEqualTo(shards(dataset).size());
    assertThat(found.notes())
        .containsExactly("4 objects belong to shards that are not complete yet");
    flip(dataset.resolve("images/00000.tar"), 600);
    assertThat(verify(dataset).problems()).extracting(Problem::object).contains("images/00000.tar");
  }

  /** What another version of the program writes may differ where nothing depends on it. */
  @Test
  void theCardOfAnotherVersionIsNotComparedToTheLetter(@TempDir Path temporary) throws Exception {
    Path dataset = copy("tars", temporary.resolve("dataset"));
    Files.writeString(dataset.resolve("README.md"), "another card");
    replace(dataset.resolve("dataset.json"), "\"image_index\"", "\"index_of_image\"");
    ObjectStore store = ObjectStore.open(dataset.toString());

    assertThat(verify(dataset).problemCount()).isEqualTo(2);
    assertThat(DatasetVerification.of(store, "0.2.0", 1, new CountedRows()).isWhole()).isTrue();
    replace(dataset.resolve("dataset.json"), "\"ok\" : ", "\"ok\" : 1");
    assertThat(DatasetVerification.of(store, "0.2.0", 1, new CountedRows()).problems())
        .extracting(Problem::object)
        .containsExactly("dataset.json");
  }

  @Test
  void aThousandDamagesAreCountedAndTheFirstOnesTold(@TempDir Path temporary) throws Exception {
    Path dataset = copy("tars", temporary.resolve("dataset"));
    for (int i = 10; i < 2000; i++) {
      Files.createFile(dataset.resolve(String.format("images/%05d.tar", i)));
    }

    Verification found = verify(dataset);

    assertThat(found.problemCount()).isEqualTo(1990);
    assertThat(found.problems()).hasSize(1000);
  }

  @Test
  void aStoreThatFailsIsNoDamage(@TempDir Path temporary) throws Exception {
    Path dataset = copy("tars", temporary.resolve("dataset"));
    Files.delete(dataset.resolve("images/00001.tar"));
    Files.createDirectory(dataset.resolve("images/00001.tar"));

    assertThatThrownBy(() -> verify(dataset)).isInstanceOf(IOException.class);
  }

  private Path copy(String from, Path to) throws IOException {
    Path source = folder.resolve(from);
    try (Stream<Path> files = Files.walk(source)) {
      for (Path file : (Iterable<Path>) files::iterator) {
        Files.copy(file, to.resolve(source.relativize(file).toString()));
      }
    }
    return to;
  }

  private static List<ShardFacts> shards(Path dataset) throws IOException {
    return CommittedShards.list(ObjectStore.open(dataset.toString()));
  }

  private static List<Path> images(Path dataset) throws IOException {
    try (Stream<Path> files = Files.walk(dataset.resolve("images"))) {
      return files.filter(Files::isRegularFile).sorted().toList();
    }
  }

  /** Where an archive's first image begins. */
  private static int firstImage(Path tar) throws IOException {
    try (TarFile file = new TarFile(tar)) {
      return (int)
          file.getEntries().stream()
              .filter(entry -> entry.getName().endsWith(".png"))
              .findFirst()
              .orElseThrow()
              .getDataOffset();
    }
  }

  private static void flip(Path file, int at) throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    bytes[at % bytes.length] ^= 1;
    Files.write(file, bytes);
  }

  private static void swap(Path a, Path b) throws IOException {
    byte[] bytes = Files.readAllBytes(a);
    Files.copy(b, a, StandardCopyOption.REPLACE_EXISTING);
    Files.write(b, bytes);
  }

  private static void replace(Path file, String words, String others) throws IOException {
    String text = Files.readString(file);
    assertThat(text).contains(words);
    int at = text.indexOf(words);
    Files.writeString(file, text.substring(0, at) + others + text.substring(at + words.length()));
  }

  private interface Members {
    Optional<byte[]> change(String name, byte[] content);
  }

  /** Packs an archive again, and lets its marker say that it must be so. */
  private static void repack(Path dataset, int shard, Members members, String... more)
      throws IOException {
    Path archive = dataset.resolve(String.format("images/%05d.tar", shard));
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (TarFile from = new TarFile(archive);
        TarArchiveOutputStream to = new TarArchiveOutputStream(bytes, 10_240)) {
      for (TarArchiveEntry entry : from.getEntries()) {
        Optional<byte[]> content =
            members.change(entry.getName(), from.getInputStream(entry).readAllBytes());
        if (content.isPresent()) {
          entry.setSize(content.get().length);
          to.putArchiveEntry(entry);
          to.write(content.get());
          to.closeArchiveEntry();
        }
      }
      for (String name : more) {
        TarArchiveEntry entry = ArchiveMembers.entry(name, 0);
        to.putArchiveEntry(entry);
        to.closeArchiveEntry();
      }
    }
    Files.write(archive, bytes.toByteArray());
    rewriteMarker(dataset, shard);
  }

  /** Changes the first row of a shard's lines, and lets the marker say that it must be so. */
  private static void editRow(Path dataset, String words, String others) throws IOException {
    replace(dataset.resolve("manifest/00001.jsonl"), words, others);
    rewriteMarker(dataset, 1);
  }

  private static void rewriteMarker(Path dataset, int shard) throws IOException {
    ShardFacts facts = shards(dataset).get(shard);
    ShardFacts edited =
        new ShardFacts(
            facts.shard(),
            facts.configFingerprint(),
            facts.exampleIdsSha256(),
            facts.ok(),
            facts.failed(),
            facts.blocked(),
            facts.duplicates(),
            facts.imageBytes(),
            facts.archive().map(object -> measure(dataset, object.name())),
            facts.manifests().stream().map(object -> measure(dataset, object.name())).toList());
    Files.writeString(
        dataset.resolve(String.format("_shards/%05d.json", shard)), edited.toJson() + "\n");
  }

  private static StoredObject measure(Path dataset, String name) {
    try {
      return StoredObject.of(name, Files.readAllBytes(dataset.resolve(name)));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
