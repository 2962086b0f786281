package io.shardlight.pipeline;

import io.shardlight.data.Buckets;
import io.shardlight.data.DatasetPaths;
import io.shardlight.verify.DatasetVerification;
import io.shardlight.verify.Verification;
import io.shardlight.verify.VerificationProgress;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.atomic.AtomicLong;

/** Reads a dataset again and says what is missing or damaged. */
final class VerifyCommand implements Command {
  private static final OptionCatalog CATALOG =
      OptionCatalog.of(DatasetOption.class, JsonOption.class, TerminalOptions.class);

  /** While one shard waits for a bucket's answers, others are hashed. */
  private static final int AT_A_TIME_FROM_BUCKETS = 8;

  @Override
  public String name() {
    return "verify";
  }

  @Override
  public String summary() {
    return "read a dataset again and say what is missing or damaged";
  }

  @Override
  public String help() {
    return HelpText.of(
        "./shardlight verify DATASET [--json]",
        "Reads every object of a dataset and compares it with what the dataset says of itself:"
            + " markers, archives and manifests by length and hashes, images one by one with"
            + " their rows and as pictures, all counts and ids with the plan, and what lies there"
            + " that nobody made. Each problem is a line, and after them stands how to repair it."
            + " Nothing is written. The exit status is 0 if the dataset is finished and whole, and"
            + " 1 if not: a dataset without "
            + DatasetPaths.SUCCESS
            + " is not finished, and of that what is complete is compared. DATASET is a local"
            + " directory or gs://bucket/folder.",
        CATALOG,
        """
        ./shardlight verify out
        ./shardlight verify gs://my-datasets/foxes --json
        """);
  }

  @Override
  public int run(List<String> words, Console console) {
    DatasetLine dataset = DatasetLine.parse(words, CATALOG);
    CommandLine line = dataset.line();
    if (line.isSet("help")) {
      console.out().print(help());
      return DONE;
    }
    List<String> problems = new ArrayList<>(line.problems());
    Optional<String> value = line.usable(DatasetOption.NAME);
    value.flatMap(v -> FileChecks.datasetToRead(v, dataset.buckets())).ifPresent(problems::add);
    if (!problems.isEmpty() || value.isEmpty()) {
      return refuse(problems, console);
    }

    String root = FileChecks.root(value.get());
    long start = System.nanoTime();
    Watched watched = new Watched(start);
    Verification found;
    try (ProgressDisplay display =
        new ProgressDisplay(
            console.err(), console.columns(), watched::progress, System::nanoTime)) {
      display.start();
      found =
          DatasetVerification.of(
              dataset.open(root),
              Version.text(),
              Buckets.isIn(root)
                  ? AT_A_TIME_FROM_BUCKETS
                  : Runtime.getRuntime().availableProcessors(),
              watched);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + root + " to its end", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      console.err().println("Interrupted; nothing was changed.");
      return FAILED;
    }

    VerifySummary summary =
        new VerifySummary(found, root, Duration.ofNanos(System.nanoTime() - start));
    if (line.isSet("json")) {
      console.out().println(summary.json());
    } else {
      summary.lines().forEach(console.out()::println);
    }
    return found.isWhole() ? DONE : FAILED;
  }

  /** Keeps what the verification tells, for the display to ask. */
  private static final class Watched implements VerificationProgress {
    private final long startNanos;
    private final AtomicLong done = new AtomicLong();
    private volatile OptionalLong total = OptionalLong.empty();
    private volatile long lastNanos;

    Watched(long startNanos) {
      this.startNanos = startNanos;
      this.lastNanos = startNanos;
    }

    @Override
    public void plan(long rows) {
      total = OptionalLong.of(rows);
    }

    @Override
    public void advance(long rows) {
      done.addAndGet(rows);
      lastNanos = System.nanoTime();
    }

    Progress progress() {
      long now = done.get();
      return new Progress(
          now,
          now,
          total,
          Duration.ofNanos(System.nanoTime() - startNanos),
          Duration.ofNanos(lastNanos - startNanos));
    }
  }
}
