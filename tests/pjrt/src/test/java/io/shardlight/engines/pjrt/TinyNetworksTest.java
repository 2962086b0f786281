package io.shardlight.engines.pjrt;

import static org.assertj.core.api.Assertions.assertThat;

import io.shardlight.lowerings.Difference;
import io.shardlight.lowerings.NetworkCase;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The tiny networks, compiled and run by XLA, against what diffusers and transformers compute. */
class TinyNetworksTest {
  static List<NetworkCase> networks() throws IOException {
    return NetworkCase.all();
  }

  @ParameterizedTest
  @MethodSource("networks")
  void networksComputeWhatDiffusersDoes(NetworkCase network) throws IOException {
    List<float[]> outputs =
        new GraphOnXla(network.graph(), network.weights(), ElementType.F32).run(network.inputs());

    assertThat(outputs).hasSameSizeAs(network.golden());
    for (int i = 0; i < outputs.size(); i++) {
      assertThat(Difference.absolute(outputs.get(i), network.expected(i)))
          .as(network.golden().get(i))
          .isLessThanOrEqualTo(network.tolerance());
    }
  }
}
