package io.shardlight.engines.pjrt;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.shardlight.diffusion.graph.ParameterData;
import io.shardlight.engines.pjrt.client.HostBufferSemantics;
import io.shardlight.engines.pjrt.client.PjrtBuffer;
import io.shardlight.engines.pjrt.client.PjrtClient;
import io.shardlight.engines.pjrt.client.PjrtDevice;
import java.io.IOException;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Brings weights from a checkpoint to devices, in the checkpoint's order of elements. Several are
 * on their way at once, since reading and rounding keep a core busy for longer than the way to the
 * device takes; host memory is that of one weight for each of them, and next to none for those that
 * have the device's type in the file. What the plugin itself copies on the way is bounded.
 */
final class WeightTransfer {
  /** More were no steadier on 16 cores; tests/benchmarks/README.md. */
  private static final int MAX_THREADS = 8;

  /**
   * What is on its way at once. A GPU's plugin copies it into pinned memory, of which it gets a
   * gigabyte a second and gives none back.
   */
  private static final long BYTES_ON_THEIR_WAY = 256 << 20;

  /** In which a semaphore can count them. */
  private static final int UNIT_BYTES = 1024;

  /** What is to be brought. */
  record Weight(ParameterData data, TensorType type) {}

  private final PjrtClient client;
  private final List<PjrtDevice> devices;
  private final int units;
  private final Semaphore room;

  @GuardedBy("this")
  private final Iterator<Map.Entry<String, Weight>> waiting;

  @GuardedBy("this")
  private final Map<String, List<PjrtBuffer>> arrived = new HashMap<>();

  @GuardedBy("this")
  private @Nullable Throwable failure;

  private WeightTransfer(
      PjrtClient client,
      List<PjrtDevice> devices,
      Map<String, Weight> weights,
      long bytesOnTheirWay) {
    this.client = client;
    this.devices = devices;
    this.units = Math.toIntExact(Math.max(1, bytesOnTheirWay / UNIT_BYTES));
    this.room = new Semaphore(units, /* fair= */ true);
    // The largest first: no thread's staging memory has to grow, and none is late at the end.
    this.waiting =
        weights.entrySet().stream()
            .sorted(
                Comparator.comparingLong(
                    (Map.Entry<String, Weight> entry) -> -entry.getValue().type().bytes()))
            .iterator();
  }

  /**
   * Puts each weight on every device; returns when all are there.
   *
   * @return by the same names, a buffer for each device; the caller closes them
   * @throws IOException if one can't be read; then none is on a device any more
   * @throws io.shardlight.engines.pjrt.client.PjrtException likewise if a device has no room
   */
  static Map<String, List<PjrtBuffer>> run(
      PjrtClient client, List<PjrtDevice> devices, Map<String, Weight> weights) throws IOException {
    return run(client, devices, weights, BYTES_ON_THEIR_WAY);
  }

  /**
   * Puts each weight on every device.
   *
   * @param bytesOnTheirWay to all devices at once; a larger weight goes alone
   * @see #run(PjrtClient, List, Map)
   */
  static Map<String, List<PjrtBuffer>> run(
      PjrtClient client,
      List<PjrtDevice> devices,
      Map<String, Weight> weights,
      long bytesOnTheirWay)
      throws IOException {
    return new WeightTransfer(client, devices, weights, bytesOnTheirWay).run(weights.size());
  }

  private Map<String, List<PjrtBuffer>> run(int weights) throws IOException {
    int count =
        Math.min(weights, Math.min(MAX_THREADS, Runtime.getRuntime().availableProcessors()));
    if (count == 0) {
      return Map.of();
    }
    ExecutorService threads =
        Executors.newFixedThreadPool(
            count,
            task -> {
              Thread thread = new Thread(task, "shardlight-weights");
              thread.setDaemon(true);
              return thread;
            });
    try {
      // Also after a failure, all come to their end before anything is closed.
      CompletableFuture.allOf(
              Stream.generate(() -> CompletableFuture.runAsync(this::work, threads))
                  .limit(count)
                  .toArray(CompletableFuture[]::new))
          .join();
    } finally {
      threads.shutdown();
    }
    return finish();
  }

  private synchronized Map<String, List<PjrtBuffer>> finish() throws IOException {
    if (failure == null) {
      return arrived;
    }
    try (OpenBuffers open = new OpenBuffers()) {
      arrived.values().forEach(open::addAll);
    } catch (RuntimeException second) {
      failure.addSuppressed(second);
    }
    if (failure instanceof IOException unreadable) {
      throw unreadable;
    }
    if (failure instanceof Error error) {
      throw error;
    }
    throw (RuntimeException) failure;
  }

  private void work() {
    HostWeight.Staging staging = new HostWeight.Staging();
    try {
      Optional<Map.Entry<String, Weight>> next = next();
      while (next.isPresent()) {
        List<PjrtBuffer> copies = bring(next.get().getValue(), staging);
        synchronized (this) {
          arrived.put(next.get().getKey(), copies);
        }
        next = next();
      }
    } catch (IOException | RuntimeException | Error e) {
      fail(e);
    }
  }

  private synchronized Optional<Map.Entry<String, Weight>> next() {
    return failure == null && waiting.hasNext() ? Optional.of(waiting.next()) : Optional.empty();
  }

  /** The first failure ends the others' work. */
  private synchronized void fail(Throwable e) {
    if (failure == null) {
      failure = e;
    } else if (failure != e) {
      failure.addSuppressed(e);
    }
  }

  private List<PjrtBuffer> bring(Weight weight, HostWeight.Staging staging) throws IOException {
    HostWeight host = HostWeight.read(weight.data(), weight.type(), staging);
    long bytes = weight.type().bytes() * devices.size();
    int taken = (int) Math.min(units, bytes / UNIT_BYTES + 1);
    room.acquireUninterruptibly(taken);
    try (OpenBuffers copies = new OpenBuffers()) {
      for (PjrtDevice device : devices) {
        copies.add(
            client.upload(
                host.bytes(),
                weight.type().pjrtShape(),
                device,
                HostBufferSemantics.IMMUTABLE_UNTIL_TRANSFER_COMPLETES));
      }
      // Else the host would hold what every weight was read into for as long as the device does.
      copies.list().forEach(PjrtBuffer::awaitTransfer);
      return copies.keep();
    } finally {
      room.release(taken);
    }
  }
}
