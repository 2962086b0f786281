package io.shardlight.benchmarks;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * What Linux tells of this process.
 *
 * @param privateBytes anonymous memory in RAM: heap, native heap, arenas
 * @param mappedBytes file pages in RAM, which the system can take back
 * @param peakBytes the most that both came to since the start
 * @param userSeconds CPU time of all threads outside the kernel
 * @param systemSeconds CPU time of all threads in the kernel
 */
public record ProcessFigures(
    long privateBytes, long mappedBytes, long peakBytes, double userSeconds, double systemSeconds) {
  /** Clock ticks a second in {@code /proc/self/stat}, the same on every Linux platform. */
  private static final double TICKS = 100;

  /** CPU time of all threads. */
  public double cpuSeconds() {
    return userSeconds + systemSeconds;
  }

  public static ProcessFigures now() throws IOException {
    long[] bytes = new long[3];
    for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
      String[] names = {"RssAnon:", "RssFile:", "VmHWM:"};
      for (int i = 0; i < names.length; i++) {
        if (line.startsWith(names[i])) {
          bytes[i] = Long.parseLong(line.replaceAll("[^0-9]", "")) * 1024;
        }
      }
    }
    String stat = Files.readString(Path.of("/proc/self/stat"));
    String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1);
    return new ProcessFigures(
        bytes[0],
        bytes[1],
        bytes[2],
        Long.parseLong(fields[11]) / TICKS,
        Long.parseLong(fields[12]) / TICKS);
  }
}
