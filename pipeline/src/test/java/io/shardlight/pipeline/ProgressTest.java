package io.shardlight.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

class ProgressTest {
  private static Progress progress(long done, long total, double seconds) {
    Duration drawing = Duration.ofMillis(Math.round(seconds * 1000));
    return new Progress(
        done, done, OptionalLong.of(total), drawing, done == 0 ? Duration.ZERO : drawing);
  }

  @Test
  void lineTellsDonePaceAndTimeLeft() {
    assertThat(progress(12, 40, 24).line())
        .isEqualTo("12 of 40 images (30 %), 0.500 images/s, 56 s left");
    assertThat(progress(40, 40, 24).line()).isEqualTo("40 of 40 images (100 %), 1.67 images/s");
    assertThat(progress(0, 40, 0).line()).isEqualTo("0 of 40 images (0 %)");
    assertThat(progress(0, 40, 75).line())
        .isEqualTo("0 of 40 images (0 %), 1 min 15 s since the start");
    assertThat(new Progress(0, 0, OptionalLong.empty(), Duration.ZERO, Duration.ZERO).line())
        .isEqualTo("counting the prompts");
  }

  @Test
  void imagesThatWereThereDoNotCountForThePace() {
    Duration twenty = Duration.ofSeconds(20);
    assertThat(new Progress(30, 10, OptionalLong.of(40), twenty, twenty).line())
        .isEqualTo("30 of 40 images (75 %), 0.500 images/s, 20 s left");
  }

  @Test
  void paceHoldsAndTimeLeftRunsDownBetweenBatches() {
    Duration ten = Duration.ofSeconds(10);
    assertThat(new Progress(5, 5, OptionalLong.of(10), ten.plusSeconds(4), ten).line())
        .isEqualTo("5 of 10 images (50 %), 0.500 images/s, 6 s left");
    assertThat(new Progress(5, 5, OptionalLong.of(10), ten.plusSeconds(40), ten).line())
        .isEqualTo("5 of 10 images (50 %), 0.500 images/s, 0 s left");
  }

  @Test
  void barFillsWithTheImagesDone() {
    assertThat(progress(0, 4, 0).bar(60)).isEqualTo("[>" + " ".repeat(39) + "] 0/4");
    assertThat(progress(2, 4, 4).bar(60))
        .isEqualTo("[==============>             ] 2/4  0.500 images/s  4 s left");
    assertThat(progress(4, 4, 4).bar(60)).isEqualTo("[" + "=".repeat(39) + "] 4/4  1.00 images/s");
  }

  @Test
  void barNeverExceedsTheTerminal() {
    for (int columns = 10; columns < 200; columns++) {
      assertThat(progress(1234, 56789, 98765).bar(columns).length()).isLessThanOrEqualTo(columns);
    }
  }

  @Test
  void nothingToDoIsDone() {
    assertThat(progress(0, 0, 0).line()).isEqualTo("0 of 0 images (100 %)");
    assertThat(progress(0, 0, 0).bar(30)).isEqualTo("[" + "=".repeat(24) + "] 0/0");
  }

  @Test
  void ratesKeepThreeDigits() {
    assertThat(Progress.rate(0.0023456)).isEqualTo("0.00235");
    assertThat(Progress.rate(1.2345)).isEqualTo("1.23");
    assertThat(Progress.rate(12.345)).isEqualTo("12.3");
    assertThat(Progress.rate(1234.5)).isEqualTo("1235");
    assertThat(Progress.rate(0)).isEqualTo("0");
  }

  @Test
  void durationsNameTheirUnits() {
    assertThat(Progress.duration(Duration.ofSeconds(59))).isEqualTo("59 s");
    assertThat(Progress.duration(Duration.ofSeconds(200))).isEqualTo("3 min 20 s");
    assertThat(Progress.duration(Duration.ofMinutes(125))).isEqualTo("2 h 5 min");
    assertThat(Progress.duration(Duration.ofHours(76))).isEqualTo("3 d 4 h");
  }

  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
  private final PrintStream err = new PrintStream(bytes, true, StandardCharsets.UTF_8);
  private final AtomicLong nanos = new AtomicLong();

  private String printed() {
    return bytes.toString(StandardCharsets.UTF_8);
  }

  @Test
  void elsewhereThanOnTerminalPrintsLinesAtGrowingIntervals() {
    ProgressDisplay display =
        new ProgressDisplay(err, OptionalInt.empty(), () -> progress(1, 2, 1), nanos::get);

    int[] lineCounts = new int[200];
    for (int second = 0; second < 200; second++) {
      nanos.set(Duration.ofSeconds(second).toNanos());
      display.tick();
      lineCounts[second] = (int) printed().lines().count();
    }

    assertThat(lineCounts[9]).isZero();
    assertThat(lineCounts[10]).isEqualTo(1);
    assertThat(lineCounts[29]).isEqualTo(1);
    assertThat(lineCounts[30]).isEqualTo(2);
    assertThat(lineCounts[70]).isEqualTo(3);
    assertThat(lineCounts[130]).isEqualTo(4);
    assertThat(lineCounts[190]).isEqualTo(5);
    assertThat(printed()).doesNotContain("\u001b");
  }

  @Test
  void asksForProgressAtEveryTickThoughItShowsFew() {
    AtomicLong asked = new AtomicLong();
    ProgressDisplay display =
        new ProgressDisplay(
            err, OptionalInt.empty(), () -> progress(asked.incrementAndGet(), 100, 1), nanos::get);

    display.tick();
    display.tick();
    nanos.set(Duration.ofSeconds(10).toNanos());
    display.tick();

    assertThat(printed()).startsWith("3 of 100 images");
  }

  @Test
  void onTerminalRedrawsOneLineAndLetsOthersPass() {
    AtomicReference<Progress> now = new AtomicReference<>(progress(0, 4, 0));
    try (ProgressDisplay display =
        new ProgressDisplay(err, OptionalInt.of(40), now::get, nanos::get)) {
      display.tick();
      display.tick();
      display.println("warning: slow disk");
      now.set(progress(2, 4, 2));
      display.tick();
    }

    String erase = "\r\u001b[K";
    assertThat(printed())
        .isEqualTo(
            erase
                + progress(0, 4, 0).bar(39)
                + erase
                + "warning: slow disk"
                + System.lineSeparator()
                + erase
                + progress(2, 4, 2).bar(39)
                + erase);
  }
}
