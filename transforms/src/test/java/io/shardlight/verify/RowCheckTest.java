package io.shardlight.verify;

import static org.assertj.core.api.Assertions.assertThat;

import io.shardlight.data.DatasetPaths;
import io.shardlight.data.Example;
import io.shardlight.data.ExamplePlanner;
import io.shardlight.data.GenerationSettings;
import io.shardlight.data.Layout;
import io.shardlight.data.ManifestRow;
import io.shardlight.data.Overrides;
import io.shardlight.data.Prompt;
import io.shardlight.data.PromptSource;
import io.shardlight.data.SafetyPolicy;
import io.shardlight.data.SafetySettings;
import io.shardlight.data.StoredObject;
import io.shardlight.data.TestSettings;
import io.shardlight.diffusion.safety.SafetyScore;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.avro.generic.GenericRecord;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** What a safety checker found, and rows that contradict themselves or the settings. */
class RowCheckTest {
  private static GenerationSettings settings(SafetyPolicy policy) {
    return TestSettings.builder()
        .layout(Layout.FILES)
        .safety(
            policy == SafetyPolicy.OFF
                ? SafetySettings.OFF
                : new SafetySettings(policy, "5a".repeat(32)))
        .build();
  }

  private static Example example(GenerationSettings settings) {
    PromptSource source = new PromptSource("p.txt", 1);
    List<Example> examples = new ArrayList<>();
    new ExamplePlanner(settings)
        .plan(new Prompt(source, "p", "a fox", Overrides.NONE, Map.of()), examples::add);
    return examples.get(0);
  }

  private static GenericRecord row(GenerationSettings settings, String kind) {
    Example example = example(settings);
    StoredObject image =
        StoredObject.of(
            DatasetPaths.image(example.id(), settings.imageFormat()),
            "image".getBytes(StandardCharsets.UTF_8));
    ManifestRow row =
        switch (kind) {
          case "plain" -> ManifestRow.ok(example, image, false, Optional.empty());
          case "harmless" ->
              ManifestRow.ok(example, image, false, Optional.of(new SafetyScore(-0.25)));
          case "flagged" ->
              ManifestRow.ok(example, image, false, Optional.of(new SafetyScore(0.125)));
          case "blocked" -> ManifestRow.blocked(example, false, new SafetyScore(0.125));
          case "failed" -> ManifestRow.failed(example, new ArithmeticException());
          default -> throw new AssertionError(kind);
        };
    return row.toAvro(0, settings, settings.configFingerprint());
  }

  private static Optional<String> problem(GenerationSettings settings, GenericRecord row) {
    return new RowCheck(0, Optional.of(settings)).problem(row);
  }

  @ParameterizedTest
  @EnumSource
  void whatAJobWritesIsRight(SafetyPolicy policy) {
    GenerationSettings settings = settings(policy);
    List<String> kinds =
        switch (policy) {
          case OFF -> List.of("plain", "failed");
          case MARK, BLANK -> List.of("harmless", "flagged", "failed");
          case DROP -> List.of("harmless", "blocked", "failed");
        };
    for (String kind : kinds) {
      assertThat(problem(settings, row(settings, kind))).as(kind).isEmpty();
    }
  }

  @ParameterizedTest
  @CsvSource({
    "OFF, harmless, 'nsfw must be null, as status is ok and safety is off'",
    "OFF, blocked, 'nsfw must be null, as status is blocked and safety is off'",
    "MARK, plain, 'nsfw must be there, as status is ok and safety is mark'",
    "MARK, blocked, status must be ok",
    "BLANK, blocked, status must be ok",
    "DROP, flagged, status must be blocked",
  })
  void whatAnotherJobWritesIsNot(SafetyPolicy policy, String kind, String problem) {
    GenerationSettings settings = settings(policy);

    assertThat(problem(settings, row(settings, kind)).orElse("")).contains(problem);
  }

  @ParameterizedTest
  @CsvSource({
    "flagged, nsfw, false, 'nsfw must be true, as nsfw_score is 0.125'",
    "harmless, nsfw, true, 'nsfw must be false, as nsfw_score is -0.25'",
    "harmless, nsfw_score, , nsfw_score must be there",
    "failed, nsfw, true, 'nsfw must be null, as status is failed'",
    "blocked, error_class, x, 'error_class must be null, as status is blocked'",
  })
  void rowsThatContradictThemselvesAreDamage(
      String kind, String column, @Nullable String value, String problem) {
    GenerationSettings settings =
        settings(kind.equals("blocked") ? SafetyPolicy.DROP : SafetyPolicy.MARK);
    GenericRecord row = row(settings, kind);
    row.put(column, column.equals("nsfw") && value != null ? Boolean.valueOf(value) : value);

    assertThat(problem(settings, row).orElse("")).contains(problem);
  }

  @ParameterizedTest
  @CsvSource({"file_name", "bytes"})
  void blockedRowsHaveNoFile(String column) {
    GenerationSettings settings = settings(SafetyPolicy.DROP);
    GenericRecord row = row(settings, "blocked");
    GenericRecord whole = row(settings, "harmless");
    for (String of : List.of("file_name", "bytes", "sha256", "crc32c")) {
      row.put(of, whole.get(of));
    }
    if (column.equals("bytes")) {
      row.put("bytes", null);
    }

    assertThat(problem(settings, row).orElse("")).startsWith(column + " must be ");
  }
}
