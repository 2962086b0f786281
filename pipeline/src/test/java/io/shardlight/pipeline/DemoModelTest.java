package io.shardlight.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DemoModelTest {
  private final Path cache;

  DemoModelTest(@TempDir Path cache) {
    this.cache = cache;
  }

  private static List<String> files(Path folder) throws IOException {
    try (Stream<Path> all = Files.walk(folder)) {
      return all.filter(Files::isRegularFile)
          .map(file -> folder.relativize(file).toString())
          .sorted()
          .toList();
    }
  }

  @Test
  void copiesWholeDiffusersFolder() throws IOException {
    Path model = DemoModel.extract(cache.resolve("not/there/yet"));

    assertThat(files(model))
        .containsExactly(
            "README.md",
            "failures.png",
            "generation_config.json",
            "model_index.json",
            "scheduler/scheduler_config.json",
            "text_encoder/config.json",
            "text_encoder/model.safetensors",
            "tokenizer/merges.txt",
            "tokenizer/special_tokens_map.json",
            "tokenizer/tokenizer_config.json",
            "tokenizer/vocab.json",
            "unet/config.json",
            "unet/diffusion_pytorch_model.safetensors",
            "vae/config.json",
            "vae/diffusion_pytorch_model.safetensors");
    assertThat(Files.readString(model.resolve("model_index.json")))
        .doesNotContain("safety_checker")
        .doesNotContain("feature_extractor");
  }

  @Test
  void keepsWhatIsThere() throws IOException {
    Path model = DemoModel.extract(cache);
    Path index = model.resolve("model_index.json");
    FileTime long_ago = FileTime.fromMillis(0);
    Files.setLastModifiedTime(index, long_ago);

    assertThat(DemoModel.extract(cache)).isEqualTo(model);
    assertThat(Files.getLastModifiedTime(index)).isEqualTo(long_ago);
  }

  @Test
  void replacesDamagedCopy() throws IOException {
    Path model = DemoModel.extract(cache);
    Path weights = model.resolve("vae/diffusion_pytorch_model.safetensors");
    long size = Files.size(weights);
    Files.write(weights, new byte[(int) size]);
    Files.delete(model.resolve("unet/config.json"));

    assertThat(DemoModel.extract(cache)).isEqualTo(model);

    assertThat(model.resolve("unet/config.json")).exists();
    assertThat(Files.readAllBytes(weights)).isNotEqualTo(new byte[(int) size]);
    try (Stream<Path> left = Files.list(cache)) {
      assertThat(left).containsExactly(model);
    }
  }

  @Test
  void manyMayCopyAtOnce() throws Exception {
    int threads = 8;
    CyclicBarrier together = new CyclicBarrier(threads);
    ExecutorService executor = Executors.newFixedThreadPool(threads);
    List<Future<Path>> copies = new ArrayList<>();
    for (int i = 0; i < threads; i++) {
      copies.add(
          executor.submit(
              () -> {
                together.await();
                return DemoModel.extract(cache);
              }));
    }
    Set<Path> folders = new HashSet<>();
    for (Future<Path> copy : copies) {
      folders.add(copy.get());
    }
    executor.shutdown();

    assertThat(folders).hasSize(1);
    try (Stream<Path> left = Files.list(cache)) {
      assertThat(left).containsExactlyElementsOf(folders);
    }
  }

  @Test
  void unwritableCacheNamesTheSettingThatMovesIt() throws IOException {
    // A file in the way stops root too, which permissions do not.
    Path file = Files.createFile(cache.resolve("file"));

    assertThatThrownBy(() -> DemoModel.extract(file.resolve("cache")))
        .isInstanceOf(UncheckedIOException.class)
        .hasMessageContaining(file.resolve("cache").toString())
        .hasMessageContaining("set XDG_CACHE_HOME to a directory that can be written");
  }
}
