package io.shardlight.engines.pjrt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.shardlight.diffusion.graph.ProgramStore;
import io.shardlight.engines.pjrt.client.CpuPlugin;
import io.shardlight.engines.pjrt.client.PjrtClient;
import io.shardlight.engines.pjrt.client.PjrtDevice;
import io.shardlight.engines.pjrt.client.PjrtException;
import io.shardlight.engines.pjrt.client.PjrtExecutable;
import io.shardlight.engines.pjrt.client.PjrtPlugin;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.io.TempDir;

@EnabledIf(value = CpuPlugin.IS_WANTED, disabledReason = CpuPlugin.REASON)
class CompileCacheTest {
  private final Path folder;
  private PjrtClient client;

  CompileCacheTest(@TempDir Path directory) {
    this.folder = directory.resolve("programs");
  }

  @BeforeEach
  void open() {
    PjrtPlugin plugin = PjrtPlugin.load(CpuPlugin.library());
    client = PjrtClient.create(plugin, Map.of("num_devices", 4L));
  }

  @AfterEach
  void close() {
    client.close();
  }

  private static String module(int size) {
    HloFunction main = new HloFunction("main");
    Value x = main.argument(TensorType.of(ElementType.F32, size));
    main.results(List.of(main.add(x, x)));
    return new HloModule("twice").text(main);
  }

  private List<Path> files() throws IOException {
    if (!Files.exists(folder)) {
      return List.of();
    }
    try (Stream<Path> files = Files.list(folder)) {
      return files.sorted().toList();
    }
  }

  private void get(String module, int devices) {
    List<PjrtDevice> used = client.devices().subList(0, devices);
    try (PjrtExecutable executable =
        new CompileCache(folder, Optional.empty()).get(client, module, used)) {
      assertThat(executable.devices()).isEqualTo(used);
    }
  }

  @Test
  void aProgramIsCompiledOnceForTheSameDevices() throws IOException {
    get(module(3), 2);
    List<Path> first = files();
    byte[] kept = Files.readAllBytes(first.get(0));
    get(module(3), 2);

    assertThat(first).hasSize(1);
    assertThat(files()).isEqualTo(first);
    assertThat(Files.readAllBytes(first.get(0))).isEqualTo(kept);
    get(module(3), 3);
    assertThat(files()).as("other devices").hasSize(2);
    get(module(4), 3);
    assertThat(files()).as("another program").hasSize(3);
  }

  /** The plugin takes whatever is in the file for a program, so this tells whether it was read. */
  @Test
  void whatIsKeptIsUsed() throws IOException {
    get(module(3), 1);
    Path file = files().get(0);
    get(module(5), 1);
    Path other = files().stream().filter(f -> !f.equals(file)).findFirst().orElseThrow();
    Files.copy(other, file, StandardCopyOption.REPLACE_EXISTING);

    try (PjrtExecutable executable =
        new CompileCache(folder, Optional.empty())
            .get(client, module(3), client.devices().subList(0, 1))) {
      assertThat(executable.outputShapes().get(0).dimensions()).containsExactly(5);
    }
  }

  @Test
  void damagedFilesAreCompiledAnewWhereverTheyWereCut() throws IOException {
    get(module(3), 1);
    Path file = files().get(0);
    byte[] whole = Files.readAllBytes(file);
    for (int length : new int[] {0, 1, 31, 32, 33, whole.length / 2, whole.length - 1}) {
      Files.write(file, Arrays.copyOf(whole, length));
      get(module(3), 1);
      assertThat(Files.readAllBytes(file)).as("cut at %d", length).isEqualTo(whole);
    }
    byte[] flipped = whole.clone();
    flipped[40] ^= 1;
    Files.write(file, flipped);
    get(module(3), 1);
    assertThat(Files.readAllBytes(file)).isEqualTo(whole);
  }

  /** Keeps what it is given; another machine's, as far as the cache can tell. */
  private static final class Shared implements ProgramStore {
    private final Map<String, byte[]> programs = new TreeMap<>();
    private boolean broken;

    @Override
    public Optional<byte[]> get(String key) throws IOException {
      if (broken) {
        throw new IOException("the bucket is gone");
      }
      return Optional.ofNullable(programs.get(key));
    }

    @Override
    public void put(String key, byte[] program) throws IOException {
      if (broken) {
        throw new IOException("the bucket is gone");
      }
      programs.put(key, program);
    }
  }

  private long elements(Path own, Shared shared, String module) {
    try (PjrtExecutable executable =
        new CompileCache(own, Optional.of(shared))
            .get(client, module, client.devices().subList(0, 1))) {
      return executable.outputShapes().get(0).dimensions()[0];
    }
  }

  @Test
  void aMachineUsesWhatAnotherCompiled() throws IOException {
    Shared shared = new Shared();
    Path second = folder.resolveSibling("second");
    elements(folder, shared, module(3));
    assertThat(shared.programs).hasSize(1);
    String key = shared.programs.keySet().iterator().next();
    elements(folder, shared, module(5));
    byte[] other =
        shared.programs.entrySet().stream()
            .filter(e -> !e.getKey().equals(key))
            .findFirst()
            .orElseThrow()
            .getValue();
    // Tells whether it was fetched, and then kept.
    shared.programs.put(key, other);

    assertThat(elements(second, shared, module(3))).isEqualTo(5);
    shared.programs.clear();
    assertThat(elements(second, shared, module(3))).isEqualTo(5);
    assertThat(shared.programs).isEmpty();
  }

  @Test
  void damagedAndBrokenStoresCostTimeOnly() throws IOException {
    Shared shared = new Shared();
    elements(folder, shared, module(3));
    shared.programs.replaceAll((key, program) -> Arrays.copyOf(program, program.length - 1));
    assertThat(elements(folder.resolveSibling("second"), shared, module(3))).isEqualTo(3);

    shared.broken = true;
    assertThat(elements(folder.resolveSibling("third"), shared, module(3))).isEqualTo(3);
  }

  @Test
  void programsUnusedForLongestGoFirst() throws IOException {
    get(module(3), 1);
    Path first = files().get(0);
    get(module(4), 1);
    Path second = files().stream().filter(f -> !f.equals(first)).findFirst().orElseThrow();
    Instant before = Instant.now().minus(Duration.ofHours(1));
    Files.setLastModifiedTime(first, FileTime.from(before));
    Files.setLastModifiedTime(second, FileTime.from(before.plusSeconds(1)));
    get(module(3), 1);

    CompileCache small =
        new CompileCache(folder, Optional.empty(), Files.size(first) + Files.size(second) + 99);
    List<PjrtDevice> device = client.devices().subList(0, 1);
    small.get(client, module(6), device).close();

    assertThat(files()).hasSize(2).contains(first).doesNotContain(second);

    new CompileCache(folder, Optional.empty(), 1).get(client, module(7), device).close();
    assertThat(files()).as("the one just written stays").hasSize(1).doesNotContain(first);
  }

  @Test
  void aFolderThatCannotBeMadeCostsTimeOnly() throws IOException {
    Files.write(folder, new byte[1]);

    get(module(3), 1);

    assertThat(folder).isRegularFile();
  }

  @Test
  void whatCannotBeCompiledIsNotKept() throws IOException {
    assertThatThrownBy(() -> get("module { func.func @main() { nonsense } }", 1))
        .isInstanceOf(PjrtException.class);
    assertThat(files()).isEmpty();
  }
}
