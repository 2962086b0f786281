package io.shardlight.engines.onnxruntime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.Device;
import ai.djl.MalformedModelException;
import ai.djl.ndarray.types.DataType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import io.shardlight.diffusion.graph.LoweringOptions;
import io.shardlight.diffusion.graph.Node;
import io.shardlight.lowerings.Difference;
import io.shardlight.lowerings.NetworkCase;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What would run on a GPU, as far as it goes without one: the programs compute on the CPU, where
 * ONNX Runtime widens what it has no float16 kernel for and rounds the result.
 */
class GpuProgramsTest {
  @TempDir Path cache;

  static Stream<NetworkCase> networks() throws IOException {
    return NetworkCase.all().stream();
  }

  @ParameterizedTest
  @MethodSource("networks")
  void float16IsCloseToFloat32(NetworkCase network) throws Exception {
    WeightInitializers weights = new WeightInitializers(network.weights(), cache, DataType.FLOAT16);
    byte[] program =
        new PlainEmitter(network.graph(), weights, DataType.FLOAT16).emit().toByteArray();

    float[] output = run(network, program, weights.root()).get(0);

    double[] expected = network.expected(0);
    double largest = 0;
    for (double value : expected) {
      largest = Math.max(largest, Math.abs(value));
    }
    // 11 bits a number, some tens of roundings one after the other.
    assertThat(Difference.absolute(output, expected) / largest).isBetween(1e-5, 2e-2);
  }

  private static List<float[]> run(NetworkCase network, byte[] program, Path root)
      throws OrtException {
    new OnnxLowering().engine();
    OrtEnvironment environment = OrtEnvironment.getEnvironment();
    Map<String, OnnxTensor> inputs = new HashMap<>();
    try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
      options.addConfigEntry(
          "session.model_external_initializers_file_folder_path", root.toString());
      try (OrtSession session = environment.createSession(program, options)) {
        for (Node input : network.graph().inputs()) {
          inputs.put(input.label(), tensor(environment, input, network));
        }
        try (OrtSession.Result result = session.run(inputs)) {
          FloatBuffer floats = ((OnnxTensor) result.get(0)).getFloatBuffer();
          float[] values = new float[floats.remaining()];
          floats.get(values);
          return List.of(values);
        }
      }
    } finally {
      inputs.values().forEach(OnnxTensor::close);
    }
  }

  private static OnnxTensor tensor(OrtEnvironment environment, Node input, NetworkCase network)
      throws OrtException {
    double[] values = Objects.requireNonNull(network.inputs().get(input.label()));
    long[] shape = input.shape().getShape();
    if (input.dataType() == DataType.INT64) {
      LongBuffer longs = LongBuffer.allocate(values.length);
      for (double value : values) {
        longs.put((long) value);
      }
      return OnnxTensor.createTensor(environment, longs.flip(), shape);
    }
    FloatBuffer floats = FloatBuffer.allocate(values.length);
    for (double value : values) {
      floats.put((float) value);
    }
    return OnnxTensor.createTensor(environment, floats.flip(), shape);
  }

  /**
   * This build is for the CPU; what a GPU session is asked of reaches ONNX Runtime all the same.
   */
  @ParameterizedTest
  @EnumSource(names = {"FLOAT32", "FLOAT16"})
  void aGpuIsAskedForAtOnnxRuntime(DataType dataType) throws Exception {
    NetworkCase network = NetworkCase.all().get(0);
    LoweringOptions options = new LoweringOptions(Device.gpu(1), 1, true, cache, dataType);

    assertThatThrownBy(() -> new OnnxLowering().load(network.graph(), network.weights(), options))
        .isInstanceOf(MalformedModelException.class)
        .hasMessageContaining("gpu(1)")
        .hasMessageContaining("Failed to find CUDA shared provider")
        .hasMessageContaining("profile cuda");
  }

  @Test
  void typesAreWhatBothKindsOfDeviceHave() {
    assertThat(new OnnxLowering().dataTypes()).containsExactly(DataType.FLOAT32, DataType.FLOAT16);
  }
}
