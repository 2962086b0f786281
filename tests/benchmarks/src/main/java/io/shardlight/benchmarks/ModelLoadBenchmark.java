package io.shardlight.benchmarks;

import ai.djl.ModelException;
import java.io.IOException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/** From a folder to a network that can run: config, graph, lowering, session. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SingleShotTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Fork(value = 1, jvmArgsAppend = "-Xmx1g")
@Warmup(iterations = 1)
@Measurement(iterations = 5)
public class ModelLoadBenchmark {
  @Param({"tiny"})
  public String model = "tiny";

  @Param({"plain", "fused"})
  public String lowering = "fused";

  @Param({"TEXT_ENCODER", "UNET", "VAE"})
  public String component = "UNET";

  private @Nullable Network loaded;

  @Benchmark
  public Object load() throws IOException, ModelException {
    loaded =
        Network.load(
            Checkpoints.open(model),
            Network.Component.valueOf(component),
            lowering.equals("fused"),
            2,
            Checkpoints.cache());
    return loaded;
  }

  @TearDown(Level.Iteration)
  public void close() {
    if (loaded != null) {
      loaded.close();
    }
  }
}
