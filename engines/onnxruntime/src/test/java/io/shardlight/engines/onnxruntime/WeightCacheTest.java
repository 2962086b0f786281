package io.shardlight.engines.onnxruntime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.ndarray.types.DataType;
import io.shardlight.diffusion.graph.Graph;
import io.shardlight.diffusion.graph.GraphBuilder;
import io.shardlight.diffusion.graph.HalfPrecision;
import io.shardlight.diffusion.graph.ParameterData.FileRegion;
import io.shardlight.lowerings.StoredParameters;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WeightCacheTest {
  /** More than one chunk, and no multiple of one. */
  private static final int ELEMENTS = (1 << 18) + 1001;

  @TempDir Path directory;

  private final AtomicInteger conversions = new AtomicInteger();

  @Test
  void convertsOnceAndKeepsTheValues() throws Exception {
    FileRegion first = keep("weight", 1);
    FileRegion second = keep("weight", 1);

    assertThat(second).isEqualTo(first);
    assertThat(conversions).hasValue(1);
    assertThat(read(first)).isEqualTo(values(1));
    assertThat(first.offset() % 4096).isZero();
  }

  @Test
  void keepsContentsAndOriginsApart() throws Exception {
    FileRegion weight = keep("weight", 1);
    FileRegion other = keep("weight/", 2);
    FileRegion changed =
        new WeightCache(directory, "another checkpoint")
            .keep("weight", DataType.FLOAT32, ELEMENTS, (start, target) -> fill(start, target, 3));

    assertThat(read(weight)).isEqualTo(values(1));
    assertThat(read(other)).isEqualTo(values(2));
    assertThat(read(changed)).isEqualTo(values(3));
  }

  @Test
  void keepsHalvesBesideFloats() throws Exception {
    FileRegion floats = keep("weight", 1);
    FileRegion halves =
        new WeightCache(directory, "checkpoint")
            .keep(
                "weight",
                DataType.FLOAT16,
                ELEMENTS,
                (start, target) -> {
                  for (long i = start; target.hasRemaining(); i++) {
                    target.put(i % 5000 + 0.3f);
                  }
                });

    assertThat(halves.length()).isEqualTo(2 * ELEMENTS);
    assertThat(halves.file()).isNotEqualTo(floats.file());
    assertThat(read(floats)).isEqualTo(values(1));
    try (FileChannel channel = FileChannel.open(halves.file())) {
      ByteBuffer bytes =
          channel
              .map(FileChannel.MapMode.READ_ONLY, halves.offset(), halves.length())
              .order(ByteOrder.LITTLE_ENDIAN);
      for (int i = 0; i < ELEMENTS; i += 777) {
        assertThat(bytes.getShort(2 * i))
            .as("%d", i)
            .isEqualTo(HalfPrecision.toFloat16(i % 5000 + 0.3f));
      }
    }
  }

  @Test
  void writesATruncatedFileAnew() throws Exception {
    FileRegion region = keep("weight", 1);
    try (FileChannel channel = FileChannel.open(region.file(), StandardOpenOption.WRITE)) {
      channel.truncate(channel.size() - 1);
    }

    assertThat(read(keep("weight", 1))).isEqualTo(values(1));
    assertThat(conversions).hasValue(2);
  }

  @Test
  void writesADamagedHeaderAnew() throws Exception {
    overwrite(keep("weight", 1).file(), 20);

    assertThat(read(keep("weight", 1))).isEqualTo(values(1));
    assertThat(conversions).hasValue(2);
  }

  @Test
  void writesDamagedValuesAnew() throws Exception {
    overwrite(keep("weight", 1).file(), 4096 + 4 * 1000);

    assertThat(read(keep("weight", 1))).isEqualTo(values(1));
    assertThat(conversions).hasValue(2);
  }

  @Test
  void acceptsACopyWhoseValuesAreSound() throws Exception {
    Path file = keep("weight", 1).file();
    byte[] content = Files.readAllBytes(file);
    Files.delete(file);
    Files.write(file, content);

    keep("weight", 1);

    assertThat(conversions).hasValue(1);
  }

  @Test
  void aCrashWhileWritingLeavesNothingUnderTheFinalName() throws Exception {
    WeightCache cache = new WeightCache(directory, "checkpoint");

    assertThatThrownBy(
            () ->
                cache.keep(
                    "weight",
                    DataType.FLOAT32,
                    ELEMENTS,
                    (start, target) -> {
                      if (start > 0) {
                        throw new IOException("the disk is gone");
                      }
                      fill(start, target, 9);
                    }))
        .isInstanceOf(IOException.class)
        .hasMessageContaining(cache.directory().toString())
        .hasMessageContaining("the disk is gone");

    assertThat(files()).isEmpty();
    assertThat(read(keep("weight", 1))).isEqualTo(values(1));
  }

  @Test
  void writersAtTheSameTimeDoNotHarmEachOther() throws Exception {
    ExecutorService writers = Executors.newFixedThreadPool(4);
    try {
      List<Future<FileRegion>> regions = new ArrayList<>();
      for (int i = 0; i < 8; i++) {
        regions.add(writers.submit(() -> keep("weight", 1)));
      }
      for (Future<FileRegion> region : regions) {
        assertThat(read(region.get())).isEqualTo(values(1));
      }
    } finally {
      writers.shutdownNow();
    }
    assertThat(files()).hasSize(1);
  }

  @Test
  void onlyLargeWeightsThatCannotBeMappedAreConverted() throws Exception {
    GraphBuilder builder = new GraphBuilder("network");
    builder.output(
        "result",
        builder.linear(
            builder.input("x", DataType.FLOAT32, 2, 200),
            builder.parameter("weight", 120, 200),
            builder.parameter("bias", 120)));
    Graph graph = builder.build();
    Path file = directory.resolve("weights");
    OnnxLowering lowering = new OnnxLowering();
    StoredParameters mappable = StoredParameters.random(graph, file, 1, true);
    StoredParameters half = StoredParameters.random(graph, file, 1, false);

    Lowered.load(lowering, graph, mappable, Lowered.options(true, directory)).close();
    assertThat(files()).isEmpty();
    assertThat(mappable.elementsRead()).isEqualTo(120);

    Lowered.load(lowering, graph, half, Lowered.options(true, directory)).close();
    assertThat(files()).hasSize(1);

    StoredParameters again = StoredParameters.random(graph, file, 1, false);
    Lowered.load(lowering, graph, again, Lowered.options(true, directory)).close();
    assertThat(again.elementsRead()).isEqualTo(120);

    StoredParameters replaced =
        StoredParameters.random(graph, file, 1, false).withFingerprint("changed");
    Lowered.load(lowering, graph, replaced, Lowered.options(true, directory)).close();
    assertThat(replaced.elementsRead()).isEqualTo(120 + 120 * 200);
  }

  private FileRegion keep(String key, int seed) throws IOException {
    return new WeightCache(directory, "checkpoint")
        .keep(
            key,
            DataType.FLOAT32,
            ELEMENTS,
            (start, target) -> {
              if (start == 0) {
                conversions.incrementAndGet();
              }
              fill(start, target, seed);
            });
  }

  private static void fill(long start, FloatBuffer target, int seed) {
    for (long i = start; target.hasRemaining(); i++) {
      target.put(seed * 1e7f + i);
    }
  }

  private static float[] values(int seed) {
    FloatBuffer values = FloatBuffer.allocate(ELEMENTS);
    fill(0, values, seed);
    return values.array();
  }

  private static float[] read(FileRegion region) throws IOException {
    try (FileChannel channel = FileChannel.open(region.file())) {
      ByteBuffer bytes =
          channel
              .map(FileChannel.MapMode.READ_ONLY, region.offset(), region.length())
              .order(ByteOrder.LITTLE_ENDIAN);
      float[] values = new float[ELEMENTS];
      bytes.asFloatBuffer().get(values);
      return values;
    }
  }

  private static void overwrite(Path file, long offset) throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      channel.write(ByteBuffer.wrap(new byte[] {1, 2, 3, 4, 5}), offset);
    }
  }

  private List<Path> files() throws IOException {
    try (Stream<Path> all = Files.walk(directory)) {
      return all.filter(path -> path.toString().contains("onnxruntime-v"))
          .filter(Files::isRegularFile)
          .toList();
    }
  }
}
