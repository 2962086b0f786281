package io.shardlight.pipeline;

import io.shardlight.transforms.LocalProgress;
import java.time.Duration;
import java.util.OptionalLong;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.apache.beam.runners.direct.DirectOptions;
import org.apache.beam.sdk.Pipeline;
import org.apache.beam.sdk.PipelineResult;

/** Runs a pipeline in this process and shows how far it is. */
final class LocalRun {
  private LocalRun() {}

  /**
   * What takes processors from the devices off, unless somebody asks for it. The DirectRunner's own
   * tests of our code encode and decode every element again. And one of its threads that has
   * nothing to do asks for work without pause: with two threads and one shard, it takes a whole
   * core from the networks. With one thread it can't, and little is lost: drawing, encoding and
   * hashing have threads of their own, and devices wait for the commit of a shard only.
   */
  static void tune(DirectOptions options, CommandLine line) {
    if (!line.isGiven("targetParallelism")) {
      options.setTargetParallelism(1);
    }
    if (!line.isGiven("enforceEncodability")) {
      options.setEnforceEncodability(false);
    }
    if (!line.isGiven("enforceImmutability")) {
      options.setEnforceImmutability(false);
    }
  }

  /**
   * Runs to the end.
   *
   * @param output root of the dataset, as the transforms know it
   * @throws Pipeline.PipelineExecutionException if the job failed
   */
  static void run(Pipeline pipeline, String output, boolean verbose, Console console) {
    LocalProgress.reset(output);
    try (ProgressDisplay display =
        new ProgressDisplay(
            console.err(),
            console.columns(),
            progress(() -> LocalProgress.of(output), System::nanoTime),
            System::nanoTime)) {
      LogOutput.configure(verbose, display::println);
      // An interrupt from the keyboard leaves no half bar behind.
      Thread hook = new Thread(display::close, "shardlight-progress-end");
      Runtime.getRuntime().addShutdownHook(hook);
      try {
        display.start();
        PipelineResult result = pipeline.run();
        result.waitUntilFinish();
      } finally {
        Runtime.getRuntime().removeShutdownHook(hook);
        LogOutput.configure(verbose, console.err()::println);
      }
    }
  }

  /** What the transforms in this process have done, against a clock that starts with the plan. */
  static Supplier<Progress> progress(Supplier<LocalProgress> source, LongSupplier nanoClock) {
    return new Supplier<>() {
      private OptionalLong planned = OptionalLong.empty();
      private long plannedNanos;
      private long drawn;
      private Duration untilLast = Duration.ZERO;

      @Override
      public synchronized Progress get() {
        LocalProgress now = source.get();
        if (planned.isEmpty() && now.planned() > 0) {
          planned = OptionalLong.of(now.planned());
          plannedNanos = nanoClock.getAsLong();
        }
        Duration drawing =
            planned.isEmpty()
                ? Duration.ZERO
                : Duration.ofNanos(nanoClock.getAsLong() - plannedNanos);
        if (now.generated() != drawn) {
          drawn = now.generated();
          untilLast = drawing;
        }
        return new Progress(now.done(), drawn, planned, drawing, untilLast);
      }
    };
  }
}
