package io.shardlight.benchmarks;

import com.fasterxml.jackson.databind.JsonNode;
import io.shardlight.diffusion.tokenizer.ClipTokenizer;
import io.shardlight.fixtures.Golden;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;
import org.openjdk.jmh.infra.Blackhole;

/** The golden prompts, cleaned, split and encoded; time of one prompt. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class TokenizerBenchmark {
  private static final int PROMPTS = 48;

  @Param({"tiny"})
  public String model = "tiny";

  private final List<String> prompts = new ArrayList<>();
  private ClipTokenizer tokenizer;

  /** Loads vocabulary and prompts; not timed. */
  @Setup
  public void load() throws IOException {
    tokenizer = ClipTokenizer.load(Checkpoints.open(model).tokenizer());
    for (JsonNode prompt : Golden.json("tiny/tokens.json").get("prompts")) {
      prompts.add(prompt.get("prompt").asText());
    }
    if (prompts.size() != PROMPTS) {
      throw new IllegalStateException("the golden file has " + prompts.size() + " prompts");
    }
  }

  @Benchmark
  @OperationsPerInvocation(PROMPTS)
  public void encode(Blackhole sink) {
    for (String prompt : prompts) {
      sink.consume(tokenizer.encode(prompt));
    }
  }
}
