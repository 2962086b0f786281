package io.shardlight.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.shardlight.fixtures.Golden;
import io.shardlight.fixtures.NpyArray;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NetworkTest {
  @TempDir Path cache;

  @Test
  void runsTheNetworkThatIsBenchmarked() throws Exception {
    // Both passes see the first latent; the golden batch's second pass saw another.
    float[] expected = Golden.array("tiny/unet_out_t500.npy").at(0).floats();
    float[] sample = Golden.array("tiny/unet_in_sample.npy").floats();
    NpyArray context = Golden.array("tiny/unet_in_context.npy");

    for (boolean fusions : new boolean[] {false, true}) {
      try (Network unet =
          Network.load(Checkpoints.open("tiny"), Network.Component.UNET, fusions, 2, cache)) {
        float[] actual = unet.run(sample, new float[] {500}, context.floats());
        // One prompt is repeated.
        float[] second = unet.run(sample, new float[] {500}, context.at(1).floats());

        assertThat(actual).hasSize(2 * expected.length);
        assertThat(Arrays.copyOf(actual, expected.length)).containsExactly(expected, within(2e-5f));
        assertThat(Arrays.copyOfRange(actual, expected.length, actual.length))
            .containsExactly(Arrays.copyOf(second, expected.length), within(2e-5f));
      }
    }
  }

  @Test
  void cutsInputsThatAreTooLong() throws Exception {
    try (Network text =
        Network.load(Checkpoints.open("tiny"), Network.Component.TEXT_ENCODER, true, 1, cache)) {
      long[] ids = new long[200];
      Arrays.fill(ids, 5);

      assertThat(text.run(ids)).isEqualTo(text.run(new long[] {5}));
    }
  }

  @Test
  void measuresThisProcess() throws Exception {
    ProcessFigures before = ProcessFigures.now();
    byte[] touched = new byte[64 << 20];
    Arrays.fill(touched, (byte) 1);
    ProcessFigures after = ProcessFigures.now();

    assertThat(touched[touched.length - 1]).isEqualTo((byte) 1);
    assertThat(after.peakBytes()).isGreaterThanOrEqualTo(before.privateBytes());
    assertThat(after.privateBytes()).isGreaterThan(32 << 20);
    assertThat(after.mappedBytes()).isPositive();
    assertThat(after.userSeconds()).isGreaterThanOrEqualTo(before.userSeconds());
  }
}
