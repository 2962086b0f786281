package io.shardlight.models;

import static org.assertj.core.api.Assertions.assertThat;

import io.shardlight.data.ObjectStore;
import io.shardlight.fixtures.gcs.FakeGcs;
import java.nio.file.Path;
import org.apache.beam.sdk.options.PipelineOptionsFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StoredProgramsTest {
  @Test
  void machinesShareABucket() throws Exception {
    try (FakeGcs gcs = FakeGcs.start("models")) {
      share("gs://models/programs", gcs.beamOptions().toArray(new String[0]));
      assertThat(gcs.objects("models")).containsOnlyKeys("programs/ab12.pjrt");
    }
  }

  @Test
  void orADirectory(@TempDir Path folder) throws Exception {
    share(folder.resolve("programs").toString());
    assertThat(folder.resolve("programs/ab12.pjrt")).hasBinaryContent(new byte[] {1, 2, 3});
  }

  private static void share(String root, String... options) throws Exception {
    StoredPrograms first = programs(root, options);
    StoredPrograms second = programs(root, options);
    assertThat(second.get("ab12")).isEmpty();

    first.put("ab12", new byte[] {1, 2, 3});
    assertThat(second.get("ab12")).hasValueSatisfying(p -> assertThat(p).containsExactly(1, 2, 3));

    // Both compiled at once: what is there stays.
    second.put("ab12", new byte[] {4, 5});
    assertThat(first.get("ab12")).hasValueSatisfying(p -> assertThat(p).containsExactly(1, 2, 3));
  }

  private static StoredPrograms programs(String root, String... options) {
    return new StoredPrograms(
        ObjectStore.open(root, PipelineOptionsFactory.fromArgs(options).create()));
  }
}
