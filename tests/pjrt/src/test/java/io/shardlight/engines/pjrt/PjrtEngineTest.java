package io.shardlight.engines.pjrt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.Device;
import ai.djl.MalformedModelException;
import ai.djl.Model;
import ai.djl.engine.Engine;
import ai.djl.engine.EngineException;
import ai.djl.inference.Predictor;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.translate.NoopTranslator;
import ai.djl.translate.TranslateException;
import io.shardlight.diffusion.graph.Graph;
import io.shardlight.diffusion.graph.LoweringOptions;
import io.shardlight.diffusion.graph.Node;
import io.shardlight.engines.pjrt.client.CpuPlugin;
import io.shardlight.engines.pjrt.client.PjrtClient;
import io.shardlight.lowerings.Difference;
import io.shardlight.lowerings.NetworkCase;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The engine as any DJL program uses it, and as the graphs' lowering does. */
@EnabledIf(value = CpuPlugin.IS_WANTED, disabledReason = CpuPlugin.REASON)
class PjrtEngineTest {
  private static final String AFFINE =
      """
      module @affine {
        func.func public @main(%scale: tensor<3xf32>, %x: tensor<3xf32>)
            -> (tensor<3xf32>, tensor<3xi32>) {
          %product = stablehlo.multiply %scale, %x : tensor<3xf32>
          %whole = stablehlo.convert %product : (tensor<3xf32>) -> tensor<3xi32>
          return %product, %whole : tensor<3xf32>, tensor<3xi32>
        }
      }
      """;

  private final Path directory;

  PjrtEngineTest(@TempDir Path directory) {
    this.directory = directory;
  }

  /** As a program outside does by the environment. */
  @BeforeEach
  void choosePlugin() {
    PjrtEngine.start(Optional.of(CpuPlugin.library()));
  }

  @Test
  void isFoundByItsName() {
    Engine engine = Engine.getEngine("PJRT");

    assertThat(engine.getEngineName()).isEqualTo("PJRT");
    assertThat(engine.getVersion()).startsWith("0.104 (cpu ");
    assertThat(engine.getDevices()).hasSize(8).contains(Device.of("host", 7));
    assertThat(engine.getDevices(2)).containsExactly(Device.of("host", 0), Device.of("host", 1));
    assertThat(Engine.getEngine("PJRT")).isSameAs(engine);
  }

  private void writeModel() throws IOException {
    Files.writeString(directory.resolve("affine.mlir"), AFFINE);
    try (NDManager manager = Engine.getEngine("PJRT").newBaseManager();
        OutputStream out = Files.newOutputStream(directory.resolve("affine.npz"))) {
      NDArray scale = manager.create(new float[] {1, -2, 0.5f});
      new NDList(scale).encode(out, NDList.Encoding.NPZ);
    }
  }

  /** The example of the package's documentation. */
  @Test
  void runsWhoeversStableHloWithWeightsThatStay() throws Exception {
    writeModel();

    try (Model model = Model.newInstance("affine", "PJRT")) {
      model.load(directory);
      try (Predictor<NDList, NDList> predictor = model.newPredictor(new NoopTranslator());
          NDManager manager = model.getNDManager().newSubManager()) {
        NDArray x = manager.create(new float[] {10, 20, 30});
        NDList results = predictor.predict(new NDList(x));

        assertThat(results.get(0).toFloatArray()).containsExactly(10, -40, 15);
        assertThat(results.get(1).toIntArray()).containsExactly(10, -40, 15);
        assertThat(results.get(1).getDataType()).isEqualTo(DataType.INT32);
      }
    }
  }

  @Test
  void runsOnTheDeviceAskedFor() throws Exception {
    writeModel();

    try (Model model = Model.newInstance("affine", Device.of("host", 5), "PJRT")) {
      model.load(directory, "affine");

      assertThat(model.getNDManager().getDevice()).isEqualTo(Device.of("host", 5));
    }
    try (Model model = Model.newInstance("affine", Device.of("host", 8), "PJRT")) {
      assertThatThrownBy(() -> model.load(directory, "affine"))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("has no device host(8)");
    }
  }

  @Test
  void whatIsNoModelIsToldByFile() throws IOException {
    try (Model model = Model.newInstance("nothing", "PJRT")) {
      assertThatThrownBy(() -> model.load(directory))
          .isInstanceOf(FileNotFoundException.class)
          .hasMessageContaining(directory.resolve("nothing.mlir").toString());
    }
    Files.writeString(directory.resolve("bad.mlir"), "module { nonsense }");
    try (Model model = Model.newInstance("bad", "PJRT")) {
      assertThatThrownBy(() -> model.load(directory))
          .isInstanceOf(MalformedModelException.class)
          .hasMessageContaining("bad.mlir cannot be loaded: PJRT_Client_Compile: INVALID_ARGUMENT");
    }
  }

  @Test
  void argumentsThatDoNotFitAreToldByThePlugin() throws Exception {
    writeModel();
    try (Model model = Model.newInstance("affine", "PJRT")) {
      model.load(directory);
      try (Predictor<NDList, NDList> predictor = model.newPredictor(new NoopTranslator());
          NDManager manager = model.getNDManager().newSubManager()) {
        NDList two = new NDList(manager.create(new float[3]), manager.create(new float[3]));
        assertThatThrownBy(() -> predictor.predict(two))
            .isInstanceOf(TranslateException.class)
            .hasRootCauseMessage(
                "PJRT_LoadedExecutable_Execute: INVALID_ARGUMENT: Execution supplied 3 buffers but"
                    + " compiled program expected 2 buffers");
        NDArray longer = manager.create(new float[4]);
        assertThatThrownBy(() -> predictor.predict(new NDList(longer)))
            .isInstanceOf(TranslateException.class)
            .hasStackTraceContaining("expected parameter 1");
      }
    }
  }

  static List<NetworkCase> networks() throws IOException {
    return NetworkCase.all();
  }

  private static NDArray array(NDManager manager, Node input, double[] values) {
    if (input.dataType() == DataType.INT64) {
      long[] ids = new long[values.length];
      for (int i = 0; i < ids.length; i++) {
        ids[i] = (long) values[i];
      }
      return manager.create(ids, input.shape());
    }
    float[] floats = new float[values.length];
    for (int i = 0; i < floats.length; i++) {
      floats[i] = (float) values[i];
    }
    return manager.create(FloatBuffer.wrap(floats), input.shape());
  }

  @ParameterizedTest
  @MethodSource("networks")
  void networksComputeWhatDiffusersDoes(NetworkCase network) throws Exception {
    Graph graph = network.graph();
    LoweringOptions options =
        new LoweringOptions(Device.of("host", 3), 1, true, directory.resolve("programs"));
    try (Model model = new PjrtLowering().load(graph, network.weights(), options);
        Predictor<NDList, NDList> predictor = model.newPredictor(new NoopTranslator());
        NDManager manager = model.getNDManager().newSubManager()) {
      NDList inputs = new NDList();
      for (Node input : graph.inputs()) {
        inputs.add(
            array(manager, input, Objects.requireNonNull(network.inputs().get(input.label()))));
      }
      NDList outputs = predictor.predict(inputs);

      assertThat(outputs).hasSameSizeAs(network.golden());
      for (int i = 0; i < outputs.size(); i++) {
        assertThat(Difference.absolute(outputs.get(i).toFloatArray(), network.expected(i)))
            .as(network.golden().get(i))
            .isLessThanOrEqualTo(network.tolerance());
      }
    }
  }

  @Test
  void inputsOfAnotherShapeAreRefusedByName() throws Exception {
    NetworkCase network = NetworkCase.all().get(0);
    LoweringOptions options =
        new LoweringOptions(Device.of("host", 0), 1, true, directory.resolve("programs"));
    try (Model model = new PjrtLowering().load(network.graph(), network.weights(), options);
        Predictor<NDList, NDList> predictor = model.newPredictor(new NoopTranslator());
        NDManager manager = model.getNDManager().newSubManager()) {
      NDArray ids = manager.create(new long[77], new Shape(1, 77));
      assertThatThrownBy(() -> predictor.predict(new NDList(ids)))
          .isInstanceOf(TranslateException.class)
          .hasStackTraceContaining("text_encoder was built for inputs [input_ids");
    }
  }

  @Test
  void aClientWhoseDevicesAreLostIsReplaced() throws Exception {
    writeModel();
    PjrtEngine engine = PjrtEngine.start(Optional.empty());
    try (Model old = Model.newInstance("affine", "PJRT")) {
      old.load(directory);
      engine.abandon(engine.client());

      try (Predictor<NDList, NDList> predictor = old.newPredictor(new NoopTranslator());
          NDManager manager = old.getNDManager().newSubManager()) {
        NDArray x = manager.create(new float[3]);
        assertThatThrownBy(() -> predictor.predict(new NDList(x)))
            .isInstanceOf(TranslateException.class)
            .hasStackTraceContaining("closed");
      }
    }
    runsWhoeversStableHloWithWeightsThatStay();
  }

  @Test
  void aClientIsLetGoOnceNothingIsOnItsDevices() throws Exception {
    writeModel();
    PjrtEngine engine = PjrtEngine.start(Optional.empty());
    PjrtClient client = engine.client();
    try (Model model = Model.newInstance("affine", "PJRT")) {
      model.load(directory);
      new PjrtLowering().release();
      assertThat(engine.client()).isSameAs(client);
    }
    assertThat(engine.client()).isSameAs(client);

    new PjrtLowering().release();

    assertThat(engine.client()).isNotSameAs(client);
    runsWhoeversStableHloWithWeightsThatStay();
  }

  @Test
  void oneProcessHasOnePlugin() throws IOException {
    Path copy = Files.copy(CpuPlugin.library(), directory.resolve("other.so"));

    assertThatThrownBy(() -> PjrtEngine.start(Optional.of(copy)))
        .isInstanceOf(EngineException.class)
        .hasMessageContaining("use one plugin a process");
    assertThatThrownBy(() -> PjrtEngine.start(Optional.of(directory.resolve("none.so"))))
        .isInstanceOf(EngineException.class)
        .hasMessageContaining("none.so");
  }

  @Test
  void clientOptionsAreReadAsJaxReadsThem() {
    assertThat(PjrtEngine.parseOptions("a:1; b:true;c:0.5;d:x:y;"))
        .containsEntry("a", 1L)
        .containsEntry("b", true)
        .containsEntry("c", 0.5f)
        .containsEntry("d", "x:y")
        .hasSize(4);
    assertThatThrownBy(() -> PjrtEngine.parseOptions("a"))
        .isInstanceOf(EngineException.class)
        .hasMessageContaining("name:value");
  }
}
