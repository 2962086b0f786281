package io.shardlight.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.shardlight.diffusion.ImageGenerator;
import io.shardlight.fixtures.TinyModels;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A worker on another machine, which has not what the command's has. */
class LoadModelTest {
  private final Path home;

  LoadModelTest(@TempDir Path home) {
    this.home = home;
  }

  private Map<String, String> environment() {
    return Map.of(CacheDirectory.VARIABLE, home.resolve("worker").toString());
  }

  private LoadModel loader(Path folder, boolean demo) {
    return new LoadModel(
        folder.toString(),
        demo,
        "auto",
        1,
        "any",
        1,
        "torch",
        home.resolve("not-there/cache").toString(),
        LoadModel.BEST,
        false,
        "",
        Additions.NONE);
  }

  @Test
  void tellsThatTheModelIsNotThere() {
    assertThatThrownBy(() -> loader(home.resolve("none"), false).create(environment()))
        .isInstanceOf(FileNotFoundException.class)
        .hasMessageStartingWith(
            "model " + home.resolve("none") + " must be on every machine of the job, but is not on")
        .hasMessageEndingWith(
            "put it on a disk that all of them share, or copy it to the same path" + " on each");
  }

  @Test
  void makesACacheOfItsOwn() throws IOException {
    try (ImageGenerator generator = loader(TinyModels.torch(), false).create(environment())) {
      assertThat(generator.slots()).isEqualTo(1);
    }
    assertThat(home.resolve("not-there")).doesNotExist();
  }

  @Test
  void copiesTheDemoModelOutForItself() throws IOException {
    try (ImageGenerator generator = loader(home.resolve("none"), true).create(environment())) {
      assertThat(generator.slots()).isEqualTo(1);
    }
    assertThat(home.resolve("worker/shardlight")).isNotEmptyDirectory();
  }
}
