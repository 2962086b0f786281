package io.shardlight.pipeline;

import java.time.Duration;
import java.util.Locale;
import java.util.OptionalLong;

/**
 * How far a job is, at one moment.
 *
 * @param done images that are settled: made, failed, or there before
 * @param drawn images that this run drew
 * @param total images asked for; empty while they are still being counted
 * @param drawing time since they were counted
 * @param untilLast time from then to the last image, so that the pace does not sag between batches
 */
record Progress(long done, long drawn, OptionalLong total, Duration drawing, Duration untilLast)
    implements ProgressText {
  /** Images drawn a second; 0 while there are none. */
  double imagesPerSecond() {
    return untilLast.isZero() ? 0 : drawn / (untilLast.toNanos() / 1e9);
  }

  /** A whole line: "12 of 40 images (30 %), 0.52 images/s, 54 s left". */
  @Override
  public String line() {
    StringBuilder line = new StringBuilder();
    if (total.isPresent()) {
      line.append(done).append(" of ").append(total.getAsLong()).append(" images (");
      line.append(percent()).append(" %)");
    } else {
      line.append("counting the prompts");
    }
    return line.append(pace(", ")).toString();
  }

  /** A bar that fits the width: "[=====> ] 12/40 0.52 images/s 54 s left". */
  @Override
  public String bar(int columns) {
    if (total.isEmpty()) {
      return clip("counting the prompts", columns);
    }
    String text = " " + done + "/" + total.getAsLong() + pace("  ");
    return bar(text, columns, done, total.getAsLong());
  }

  /**
   * A bar of how much of a total is done, with a text behind it; the text alone where there is no
   * room for both.
   */
  static String bar(String text, int columns, long done, long total) {
    int width = Math.min(40, columns - text.length() - 2);
    if (width < 5) {
      return clip(text.strip(), columns);
    }
    int filled = total == 0 ? width : (int) (width * done / total);
    String bar = "=".repeat(filled) + (filled < width ? ">" : "");
    return "[" + bar + " ".repeat(width - bar.length()) + "]" + text;
  }

  private long percent() {
    return total.getAsLong() == 0 ? 100 : 100 * done / total.getAsLong();
  }

  private String pace(String separator) {
    if (imagesPerSecond() == 0) {
      return drawing.isZero() ? "" : separator + duration(drawing) + " since the start";
    }
    String pace = separator + rate(imagesPerSecond()) + " images/s";
    if (total.isPresent() && done < total.getAsLong()) {
      double secondsLeft = (total.getAsLong() - done) / imagesPerSecond();
      Duration left =
          Duration.ofMillis(Math.round(1000 * secondsLeft)).minus(drawing.minus(untilLast));
      pace += separator + duration(left.isNegative() ? Duration.ZERO : left) + " left";
    }
    return pace;
  }

  static String clip(String text, int columns) {
    return text.length() <= columns ? text : text.substring(0, Math.max(0, columns));
  }

  /** Three digits that matter: 123, 12.3, 1.23, 0.0123. */
  static String rate(double perSecond) {
    if (perSecond <= 0) {
      return "0";
    }
    int digits = 2 - (int) Math.floor(Math.log10(perSecond));
    return String.format(Locale.ROOT, "%." + Math.max(0, digits) + "f", perSecond);
  }

  /** "345 kB", "1.20 GB". */
  static String bytes(long bytes) {
    String[] units = {"B", "kB", "MB", "GB", "TB", "PB"};
    double value = bytes;
    int unit = 0;
    while (value >= 1000 && unit < units.length - 1) {
      value /= 1000;
      unit++;
    }
    return rate(value) + " " + units[unit];
  }

  /** "45 s", "3 min 20 s", "2 h 5 min", "3 d 4 h". */
  static String duration(Duration duration) {
    long seconds = duration.toSeconds();
    if (seconds < 60) {
      return seconds + " s";
    }
    if (seconds < 3600) {
      return seconds / 60 + " min " + seconds % 60 + " s";
    }
    if (seconds < 86_400) {
      return seconds / 3600 + " h " + seconds % 3600 / 60 + " min";
    }
    return seconds / 86_400 + " d " + seconds % 86_400 / 3600 + " h";
  }
}
