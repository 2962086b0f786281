package io.shardlight.data;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DatasetPlanTest {
  private static final GenerationSettings SETTINGS = TestSettings.builder().build();
  private static final PlanDigest TEN = new PlanDigest(10, 1, 2);
  private static final PlanDigest ELEVEN = new PlanDigest(11, 3, 4);

  private final Path folder;
  private final ObjectStore store;

  DatasetPlanTest(@TempDir Path folder) {
    this.folder = folder;
    this.store = ObjectStore.open(folder.toString());
  }

  private Path plan(int part) {
    return folder.resolve(DatasetPaths.plan(part));
  }

  private static RunScope extension(int part) {
    return new RunScope(DatasetMode.EXTEND, part, part);
  }

  @Test
  void otherPromptsAreRefusedWithTheModeThatAddsThem() throws IOException {
    DatasetPlan.claim(store, SETTINGS, TEN, RunScope.INCREMENTAL);

    assertThat(DatasetPlan.problem(store, SETTINGS, TEN, RunScope.INCREMENTAL)).isEmpty();
    assertThat(DatasetPlan.problem(store, SETTINGS, ELEVEN, RunScope.INCREMENTAL))
        .hasValueSatisfying(
            problem ->
                assertThat(problem)
                    .contains("examples is 10 there and 11 now")
                    .contains("or add mode=extend to add the prompts that are new"));
  }

  @Test
  void aPlanThatIsNoJsonIsNamedAndKept() throws IOException {
    DatasetPlan.claim(store, SETTINGS, TEN, RunScope.INCREMENTAL);
    for (String content : new String[] {"{\"examples\":", "", "7"}) {
      Files.writeString(plan(0), content);

      assertThatThrownBy(() -> DatasetPlan.claim(store, SETTINGS, TEN, RunScope.INCREMENTAL))
          .isInstanceOf(IOException.class)
          .hasMessageStartingWith("_shards/plan.json in " + folder + " must be the JSON object")
          .hasMessageContaining("put it back from a copy");
      assertThat(plan(0)).content(UTF_8).isEqualTo(content);
    }
  }

  @Test
  void aDatasetWithoutOneOfItsPlansIsNotTakenForASmallerOne() throws IOException {
    DatasetPlan.claim(store, SETTINGS, TEN, RunScope.INCREMENTAL);
    DatasetPlan.claim(store, SETTINGS, ELEVEN, extension(1));
    DatasetPlan.claim(store, SETTINGS, TEN, extension(2));
    byte[] first = Files.readAllBytes(plan(0));
    byte[] second = Files.readAllBytes(plan(1));

    Files.delete(plan(1));
    assertThat(DatasetPlan.problem(store, SETTINGS, extension(1)))
        .hasValueSatisfying(
            problem -> assertThat(problem).contains("must have _shards/plan-00001.json"));
    assertThat(DatasetPlan.problem(store, SETTINGS, RunScope.INCREMENTAL)).isPresent();

    Files.write(plan(1), second);
    Files.delete(plan(0));
    assertThat(DatasetPlan.problem(store, SETTINGS, RunScope.INCREMENTAL))
        .hasValueSatisfying(problem -> assertThat(problem).contains("_shards/plan.json"));

    Files.write(plan(0), first);
    assertThat(DatasetPlan.problem(store, SETTINGS, extension(2))).isEmpty();
    Files.delete(plan(1));
    assertThatCode(
            () ->
                DatasetPlan.claim(store, SETTINGS, TEN, new RunScope(DatasetMode.OVERWRITE, 0, 0)))
        .doesNotThrowAnyException();
    assertThat(plan(2)).doesNotExist();
  }
}
