package io.shardlight.benchmarks;

import ai.djl.ModelException;
import ai.djl.translate.TranslateException;
import io.shardlight.diffusion.weights.ModelDirectory;
import java.io.IOException;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/** One run of a network: a guided UNet step, a decoded image, two encoded prompts. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SingleShotTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Fork(value = 1, jvmArgsAppend = "-Xmx1g")
@Warmup(iterations = 2)
@Measurement(iterations = 5)
public class NetworkBenchmark {
  @Param({"tiny"})
  public String model = "tiny";

  @Param({"plain", "fused"})
  public String lowering = "fused";

  @Param({"2"})
  public int threads = 2;

  @Param({"TEXT_ENCODER", "UNET", "VAE"})
  public String component = "UNET";

  private Object[] inputs = {};
  private Network network;

  /** Loads the network; not timed. */
  @Setup
  public void load() throws IOException, ModelException {
    ModelDirectory checkpoint = Checkpoints.open(model);
    Network.Component which = Network.Component.valueOf(component);
    network =
        Network.load(checkpoint, which, lowering.equals("fused"), threads, Checkpoints.cache());
    Random random = new Random(1);
    float[] noise = new float[1 << 12];
    for (int i = 0; i < noise.length; i++) {
      noise[i] = (float) random.nextGaussian();
    }
    inputs =
        switch (which) {
          case TEXT_ENCODER -> new Object[] {new long[] {1, 2, 3, 4, 5, 6, 7}};
          case UNET -> new Object[] {noise, new float[] {981}, noise};
          case VAE -> new Object[] {noise};
        };
  }

  @TearDown
  public void close() {
    network.close();
  }

  @Benchmark
  public float[] run() throws TranslateException {
    return network.run(inputs);
  }
}
