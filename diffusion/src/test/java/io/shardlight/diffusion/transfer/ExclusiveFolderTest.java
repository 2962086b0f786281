package io.shardlight.diffusion.transfer;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ExclusiveFolderTest {
  /** Another process: holds a lock until its input ends. */
  static final class Holder {
    private Holder() {}

    public static void main(String[] arguments) throws IOException {
      ExclusiveFolder held = ExclusiveFolder.acquire(Path.of(arguments[0]), () -> {});
      System.out.println("held");
      while (System.in.read() >= 0) {}
      // Without closing it, as a process that is killed.
      System.exit(held == null ? 1 : 0);
    }
  }

  @Test
  void waitsForAnotherProcessAndSaysSoOnce(@TempDir Path home) throws Exception {
    Path lock = home.resolve("a/b.lock");
    Process other =
        new ProcessBuilder(
                ProcessHandle.current().info().command().orElse("java"),
                "-cp",
                System.getProperty("java.class.path"),
                Holder.class.getName(),
                lock.toString())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    try (BufferedReader said =
        new BufferedReader(new InputStreamReader(other.getInputStream(), UTF_8))) {
      assertThat(said.readLine()).isEqualTo("held");
      AtomicInteger told = new AtomicInteger();

      ExclusiveFolder held =
          ExclusiveFolder.acquire(
              lock,
              () -> {
                told.incrementAndGet();
                try {
                  other.getOutputStream().close();
                } catch (IOException e) {
                  throw new UncheckedIOException(e);
                }
              });

      assertThat(told).hasValue(1);
      assertThat(other.waitFor()).isZero();
      held.close();
    } finally {
      other.destroy();
    }
    ExclusiveFolder.acquire(lock, () -> assertThat(lock).as("free again").doesNotExist()).close();
  }
}
