package io.shardlight.engines.pjrt.client;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.assertj.core.api.AbstractStringAssert;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Whatever a plugin does, an exception tells it, nothing leaks, and the JVM lives on. */
@EnabledIf(value = CpuPlugin.IS_WANTED, disabledReason = CpuPlugin.REASON)
class HostilePluginTest {
  private static final Set<PjrtFunction> HANDS_OUT =
      EnumSet.of(
          PjrtFunction.CLIENT_CREATE,
          PjrtFunction.CLIENT_COMPILE,
          PjrtFunction.CLIENT_BUFFER_FROM_HOST_BUFFER,
          PjrtFunction.DEVICE_GET_DESCRIPTION,
          PjrtFunction.BUFFER_COPY_TO_DEVICE,
          PjrtFunction.LOADED_EXECUTABLE_GET_EXECUTABLE,
          PjrtFunction.LOADED_EXECUTABLE_EXECUTE,
          PjrtFunction.EXECUTABLE_DESERIALIZE_AND_LOAD);

  private static final PjrtShape NUMBER = PjrtShape.of(PjrtBufferType.U64);

  @TempDir(cleanup = CleanupMode.ALWAYS)
  static Path folder;

  @Test
  void missingFiles() {
    assertRefused(folder.resolve("nowhere.so"), PjrtErrorCode.NOT_FOUND, "dlopen")
        .contains("nowhere.so is not a file", "--pjrtPlugin=PATH");
    assertRefused(folder, PjrtErrorCode.NOT_FOUND, "dlopen").contains("is not a file");
  }

  @Test
  void filesThatAreNoLibraries() throws Exception {
    Path text = Files.writeString(folder.resolve("text.so"), "not an ELF file, but long enough");
    assertRefused(text, PjrtErrorCode.FAILED_PRECONDITION, "dlopen").contains(text.toString());

    Path empty = Files.createFile(folder.resolve("empty.so"));
    assertRefused(empty, PjrtErrorCode.FAILED_PRECONDITION, "dlopen").contains("too short");
  }

  /** The dynamic linker itself would kill the process. */
  @Test
  void filesThatWereCutOff() throws Exception {
    byte[] library = Files.readAllBytes(HostilePlugin.compile(folder, "MINOR=105"));
    for (int bytes : new int[] {6, 63, 64, 200, 1000, 4097, library.length / 2}) {
      Path truncated = folder.resolve("truncated_" + bytes + ".so");
      Files.write(truncated, Arrays.copyOf(library, bytes));
      assertRefused(truncated, PjrtErrorCode.FAILED_PRECONDITION, "dlopen")
          .contains(truncated + " is cut off");
    }
  }

  @Test
  void librariesThatAreNoPlugins() throws Exception {
    assertRefused(
            HostilePlugin.compile(folder, "NO_ENTRY"),
            PjrtErrorCode.FAILED_PRECONDITION,
            "GetPjrtApi")
        .contains("has no such symbol: it is not a PJRT plugin");
    assertRefused(
            HostilePlugin.compile(folder, "NULL_TABLE"),
            PjrtErrorCode.FAILED_PRECONDITION,
            "GetPjrtApi")
        .contains("returned null");
    assertRefused(
            HostilePlugin.compile(folder, "TABLE_BYTES=24"),
            PjrtErrorCode.FAILED_PRECONDITION,
            "GetPjrtApi")
        .contains("returned a table of 24 bytes, which holds no version");
  }

  /** Before anything is read whose place depends on the version. */
  @ParameterizedTest
  @ValueSource(strings = {"MAJOR=1", "MINOR=56", "MINOR=40", "MAJOR=-1"})
  void otherVersions(String version) throws Exception {
    assertRefused(
            HostilePlugin.compile(folder, version, "TABLE_BYTES=40"),
            PjrtErrorCode.FAILED_PRECONDITION,
            "GetPjrtApi")
        .contains("but Shardlight needs 0.57 or a later 0.x");
  }

  @Test
  void oldestVersionIsLoaded() throws Exception {
    assertThat(PjrtPlugin.load(HostilePlugin.compile(folder, "MINOR=57")).apiMinorVersion())
        .isEqualTo(57);
  }

  @Test
  void functionsWithoutWhichNothingCanBeFreed() throws Exception {
    assertRefused(
            HostilePlugin.compile(folder, "NULL_SLOT=13"),
            PjrtErrorCode.FAILED_PRECONDITION,
            "GetPjrtApi")
        .contains("has not implemented PJRT_Event_Await");
    assertRefused(
            HostilePlugin.compile(folder, "TABLE_BYTES=8*45"),
            PjrtErrorCode.FAILED_PRECONDITION,
            "GetPjrtApi")
        .contains(
            "has not implemented PJRT_Executable_Destroy, PJRT_LoadedExecutable_Destroy,"
                + " PJRT_Buffer_Destroy");
  }

  @Test
  void functionsThatAreMissing() throws Exception {
    assertMissing(HostilePlugin.compile(folder, "NULL_SLOT=25"), "PJRT_Client_Compile");
    assertMissing(
        HostilePlugin.compile(folder, "TABLE_BYTES=8*95"), "PJRT_Executable_OutputElementTypes");
  }

  private static void assertMissing(Path library, String function) {
    PjrtPlugin plugin = PjrtPlugin.load(library);
    assertThatExceptionOfType(PjrtException.class)
        .isThrownBy(() -> useAll(plugin))
        .satisfies(
            e -> {
              assertThat(e.code()).isEqualTo(PjrtErrorCode.UNIMPLEMENTED);
              assertThat(e.function()).isEqualTo(function);
              assertThat(e.reason()).contains("not implemented by").contains("0.104");
            });
    assertNothingLives(library);
  }

  @Test
  void whatIsMissingButNotNeededIsEmpty() throws Exception {
    for (int slot : new int[] {36, 39, 99, 101}) {
      Path library = HostilePlugin.compile(folder, "NULL_SLOT=" + slot);
      useAll(PjrtPlugin.load(library));
      assertNothingLives(library);
    }
  }

  /** To look for them would kill the process. */
  @Test
  void attributesThatAreCountedAndNowhere() throws Exception {
    Path library = HostilePlugin.compile(folder, "ATTRIBUTES=3");
    PjrtPlugin plugin = PjrtPlugin.load(library);
    String message = "a PJRT plugin answered with 3 elements at address 0x0";

    assertThatIllegalStateException().isThrownBy(plugin::attributes).withMessage(message);
    assertThatIllegalStateException()
        .isThrownBy(() -> PjrtClient.create(plugin, Map.of()))
        .withMessage(message);
    assertNothingLives(library);
  }

  /** Compiled programs of the one are not the other's, although both give one version. */
  @Test
  void buildsOfOneVersionAreToldApart() throws Exception {
    PjrtPlugin one = PjrtPlugin.load(HostilePlugin.compile(folder, "ATTRIBUTES=1"));
    PjrtPlugin other = PjrtPlugin.load(HostilePlugin.compile(folder, "ATTRIBUTES=2"));

    assertThat(one.build()).matches("[0-9a-f]{40}").isEqualTo(one.build());
    assertThat(other.build()).matches("[0-9a-f]{40}").isNotEqualTo(one.build());
    Path copy = Files.copy(one.library(), folder.resolve("copy.so"));
    assertThat(PjrtPlugin.load(copy).build()).as("elsewhere").isEqualTo(one.build());

    // Without the linker's word it is what is in the file.
    Path silent = HostilePlugin.compile(folder, "ATTRIBUTES=4");
    byte[] bytes = Files.readAllBytes(silent);
    int note = new String(bytes, ISO_8859_1).indexOf("\3\0\0\0GNU\0");
    bytes[note] = 9;
    Path renamed = Files.write(folder.resolve("renamed.so"), bytes);
    assertThat(PjrtPlugin.load(renamed).build()).matches("[0-9a-f]{64}");
  }

  @Test
  void initializingThatFailsIsTriedAgain() throws Exception {
    Path library = HostilePlugin.compile(folder, "INITIALIZE_FAILS");
    for (int i = 0; i < 2; i++) {
      assertRefused(library, PjrtErrorCode.INTERNAL, "PJRT_Plugin_Initialize")
          .contains("was told to fail");
    }
    assertNothingLives(library);
  }

  /** The stub checks that what lies behind the known fields is zero. */
  @ParameterizedTest
  @ValueSource(ints = {8, 64})
  void newerPluginsGetLargerStructs(int bytes) throws Exception {
    Path library = HostilePlugin.compile(folder, "EXTRA_BYTES=" + bytes);
    PjrtPlugin plugin = PjrtPlugin.load(library);
    useAll(plugin);
    long errors = HostilePlugin.errors(library);
    assertThat(errors).as("each struct was too small once").isGreaterThan(30);
    useAll(plugin);
    assertThat(HostilePlugin.errors(library)).isEqualTo(errors);
    assertNothingLives(library);
  }

  @Test
  void structsAreNotEnlargedWithoutEnd() throws Exception {
    assertRefused(
            HostilePlugin.compile(folder, "EXTRA_BYTES=65"),
            PjrtErrorCode.INVALID_ARGUMENT,
            "PJRT_Plugin_Initialize")
        .contains("Unexpected PJRT_Plugin_Initialize_Args size: expected 81, got 16.");
    Path library = HostilePlugin.compile(folder, "STUBBORN");
    assertRefused(library, PjrtErrorCode.INVALID_ARGUMENT, "PJRT_Plugin_Initialize")
        .contains("Unexpected PJRT_Plugin_Initialize_Args size: expected 88, got 80.");
    assertNothingLives(library);
  }

  /** Those that {@link #useAll} calls. */
  static Stream<PjrtFunction> functions() {
    Set<PjrtFunction> others =
        EnumSet.of(
            PjrtFunction.ERROR_DESTROY,
            PjrtFunction.ERROR_MESSAGE,
            PjrtFunction.ERROR_GET_CODE,
            PjrtFunction.PLUGIN_INITIALIZE);
    return EnumSet.complementOf(EnumSet.copyOf(others)).stream();
  }

  @ParameterizedTest
  @MethodSource("functions")
  void errorsNameTheFunctionAndLeakNothing(PjrtFunction function) throws Exception {
    Path library = shared();
    PjrtPlugin plugin = PjrtPlugin.load(library);
    HostilePlugin.fail(library, function);

    assertThatExceptionOfType(PjrtException.class)
        .isThrownBy(() -> useAll(plugin))
        .satisfies(e -> assertThat(e.code()).isEqualTo(PjrtErrorCode.INTERNAL))
        .withMessageContaining(function.cName())
        .withMessageContaining(function.cName() + " was told to fail");

    HostilePlugin.fail(library);
    assertNothingLives(library);
    useAll(plugin);
    assertNothingLives(library);
  }

  /** Whoever is told of no outputs cannot free them. */
  static Stream<PjrtFunction> functionsThatMayBeSilent() {
    return functions().filter(function -> function != PjrtFunction.EXECUTABLE_NUM_OUTPUTS);
  }

  /** What becomes of it differs: some need no answer, some have one that means nothing. */
  @ParameterizedTest
  @MethodSource("functionsThatMayBeSilent")
  void successWithoutAnAnswerKillsNobody(PjrtFunction function) throws Exception {
    Path library = shared();
    PjrtPlugin plugin = PjrtPlugin.load(library);
    HostilePlugin.silence(library, function);

    Throwable thrown = catchThrowable(() -> useAll(plugin));
    if (HANDS_OUT.contains(function)) {
      assertThat(thrown)
          .isInstanceOf(PjrtException.class)
          .hasMessage(function.cName() + ": INTERNAL: succeeded, but returned null");
    }

    HostilePlugin.fail(library);
    assertNothingLives(library);
    useAll(plugin);
    assertNothingLives(library);
  }

  @Test
  void errorsWithoutACodeAreUnknown() throws Exception {
    Path library = shared();
    PjrtPlugin plugin = PjrtPlugin.load(library);
    HostilePlugin.fail(library, PjrtFunction.CLIENT_COMPILE, PjrtFunction.ERROR_GET_CODE);

    assertThatExceptionOfType(PjrtException.class)
        .isThrownBy(() -> useAll(plugin))
        .withMessage("PJRT_Client_Compile: UNKNOWN: PJRT_Client_Compile was told to fail");

    HostilePlugin.fail(library);
    assertNothingLives(library);
  }

  /** What follows an error may fail as well. */
  @Test
  void furtherErrorsAreSuppressed() throws Exception {
    Path library = shared();
    PjrtPlugin plugin = PjrtPlugin.load(library);
    HostilePlugin.fail(
        library,
        PjrtFunction.EVENT_AWAIT,
        PjrtFunction.EVENT_DESTROY,
        PjrtFunction.BUFFER_DESTROY,
        PjrtFunction.CLIENT_DESTROY);

    assertThatExceptionOfType(PjrtException.class)
        .isThrownBy(() -> useAll(plugin))
        .satisfies(
            e ->
                assertThat(Arrays.stream(e.getSuppressed()).map(Throwable::getMessage))
                    .anyMatch(message -> message.startsWith("PJRT_Event_Destroy"))
                    .anyMatch(message -> message.startsWith("PJRT_Buffer_Destroy"))
                    .anyMatch(message -> message.startsWith("PJRT_Client_Destroy")))
        .withMessageStartingWith("PJRT_Client_BufferFromHostBuffer (PJRT_Event_Await): INTERNAL");

    HostilePlugin.fail(library);
    assertNothingLives(library);
  }

  /** One library for the tests that tell it while it runs how to fail. */
  private static Path shared() throws IOException, InterruptedException {
    Path library = folder.resolve("shared.so");
    if (!Files.exists(library)) {
      Files.copy(HostilePlugin.compile(folder), library);
    }
    return library;
  }

  /** Calls every function that there is. */
  private static void useAll(PjrtPlugin plugin) {
    assertThat(plugin.attributes()).isEmpty();
    try (PjrtClient client = PjrtClient.create(plugin, Map.of("any", "thing"))) {
      PjrtDevice device = client.devices().get(0);
      assertThat(device.localHardwareId()).isEmpty();
      device.memoryStats().ifPresent(stats -> assertThat(stats.bytesInUse()).isEqualTo(5));
      try (PjrtBuffer buffer =
              client.upload(
                  HostMemory.allocate(8),
                  NUMBER,
                  device,
                  HostBufferSemantics.IMMUTABLE_ONLY_DURING_CALL);
          PjrtBuffer copy = buffer.copyToDevice(device)) {
        assertThat(buffer.shape()).isEqualTo(NUMBER);
        assertThat(buffer.device()).isSameAs(device);
        assertThat(buffer.onDeviceBytes()).isEqualTo(8);
        assertThat(copy.download().remaining()).isEqualTo(8);
        buffer.awaitReady();
        buffer.delete();
        assertThat(copy.isDeleted()).isFalse();
        useProgram(client, buffer);
      }
    }
  }

  private static void useProgram(PjrtClient client, PjrtBuffer buffer) {
    try (PjrtExecutable program = client.compile("", CompileOptions.single())) {
      assertThat(program.outputShapes()).containsExactly(NUMBER);
      program.fingerprint().ifPresent(print -> assertThat(print).isEqualTo("print"));
      program.memoryStats().ifPresent(stats -> assertThat(stats.argumentBytes()).isEqualTo(11));
      program.execute(List.of(List.of(buffer))).get(0).get(0).close();
      byte[] serialized = program.serialize();
      assertThat(serialized).hasSize(8);
      client.deserialize(serialized, CompileOptions.single()).close();
    }
  }

  private static void assertNothingLives(Path library) {
    assertThat(HostilePlugin.living(library)).containsOnly(0);
  }

  private static AbstractStringAssert<?> assertRefused(
      Path library, PjrtErrorCode code, String function) {
    PjrtException e = catchThrowableOfType(PjrtException.class, () -> PjrtPlugin.load(library));
    assertThat(e).isNotNull();
    assertThat(e.code()).isEqualTo(code);
    assertThat(e.function()).isEqualTo(function);
    return assertThat(e.reason());
  }
}
