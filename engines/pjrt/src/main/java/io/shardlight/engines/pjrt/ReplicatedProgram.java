package io.shardlight.engines.pjrt;

import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import io.shardlight.engines.pjrt.client.CompileOptions;
import io.shardlight.engines.pjrt.client.ExecuteOptions;
import io.shardlight.engines.pjrt.client.HostBufferSemantics;
import io.shardlight.engines.pjrt.client.PjrtBuffer;
import io.shardlight.engines.pjrt.client.PjrtClient;
import io.shardlight.engines.pjrt.client.PjrtDevice;
import io.shardlight.engines.pjrt.client.PjrtException;
import io.shardlight.engines.pjrt.client.PjrtExecutable;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * A compiled program on devices whose first arguments stay there: the weights, of which each device
 * has its own. They belong to whoever made them. Thread-safe; runs take turns on a device.
 */
final class ReplicatedProgram implements AutoCloseable {
  /** Numbers the launches of this process, as PJRT wants it. */
  private static final AtomicInteger LAUNCHES = new AtomicInteger();

  private final PjrtClient client;
  private final List<PjrtDevice> devices;
  private final List<List<PjrtBuffer>> weights;
  private final List<TensorType> results;
  private final Replication replication;

  /** One for all devices, or one for each. */
  private final List<PjrtExecutable> executables;

  private final ExecutorService threads;

  /**
   * @param weights of each device, the program's first arguments
   * @param executables as {@link #compile} gave them for the same devices, closed with this
   */
  ReplicatedProgram(
      PjrtClient client,
      List<PjrtDevice> devices,
      List<List<PjrtBuffer>> weights,
      Replication replication,
      List<PjrtExecutable> executables) {
    this.client = client;
    this.devices = devices;
    this.weights = weights;
    this.results = executables.get(0).outputShapes().stream().map(TensorType::of).toList();
    this.replication = replication;
    this.executables = executables;
    this.threads =
        Executors.newFixedThreadPool(
            devices.size(),
            task -> {
              Thread thread = new Thread(task, "shardlight-pjrt");
              thread.setDaemon(true);
              return thread;
            });
  }

  /**
   * One executable for all devices, or one for each.
   *
   * @param text a module in StableHLO
   * @param cache for what is compiled, or was before
   * @throws PjrtException if it cannot be compiled
   */
  static List<PjrtExecutable> compile(
      PjrtClient client,
      List<PjrtDevice> devices,
      String text,
      Replication replication,
      Optional<CompileCache> cache) {
    if (replication == Replication.TOGETHER) {
      return List.of(compile(client, devices, text, cache));
    }
    List<PjrtExecutable> executables = new ArrayList<>();
    try {
      for (PjrtDevice device : devices) {
        executables.add(compile(client, List.of(device), text, cache));
      }
      return executables;
    } catch (RuntimeException e) {
      try {
        close(executables);
      } catch (RuntimeException second) {
        e.addSuppressed(second);
      }
      throw e;
    }
  }

  private static PjrtExecutable compile(
      PjrtClient client, List<PjrtDevice> devices, String text, Optional<CompileCache> cache) {
    return cache.isPresent()
        ? cache.get().get(client, text, devices)
        : client.compile(text, CompileOptions.on(devices));
  }

  private static ExecuteOptions launch() {
    return ExecuteOptions.DEFAULT.withLaunchId(LAUNCHES.incrementAndGet());
  }

  /** What it returns. */
  List<TensorType> results() {
    return results;
  }

  int devices() {
    return devices.size();
  }

  /**
   * Runs on the first devices, one for each list of inputs.
   *
   * @param inputs the arguments behind the weights, for each device at work
   * @return what the program returns, for each of them
   * @throws PjrtException if that fails on one of them; none works any more by then
   */
  List<List<HostTensor>> run(List<List<HostTensor>> inputs) {
    return replication == Replication.TOGETHER ? runTogether(inputs) : runApart(inputs);
  }

  /** Runs on the first device, from arrays to arrays. */
  NDList runOnOne(List<HostTensor> inputs, NDManager manager) {
    NDList outputs = new NDList();
    for (HostTensor output : run(List.of(inputs)).get(0)) {
      outputs.add(output.toArray(manager));
    }
    return outputs;
  }

  private List<List<HostTensor>> runTogether(List<List<HostTensor>> inputs) {
    try (OpenBuffers open = new OpenBuffers()) {
      List<List<PjrtBuffer>> arguments = new ArrayList<>();
      for (int device = 0; device < devices.size(); device++) {
        arguments.add(arguments(device, inputs.get(Math.min(device, inputs.size() - 1)), open));
      }
      List<List<PjrtBuffer>> outputs = executables.get(0).execute(arguments, launch());
      outputs.forEach(open::addAll);
      return outputs.subList(0, inputs.size()).stream().map(this::download).toList();
    }
  }

  /** Waits for all, also after a failure. */
  private List<List<HostTensor>> runApart(List<List<HostTensor>> inputs) {
    List<CompletableFuture<List<HostTensor>>> runs = new ArrayList<>();
    for (int i = 0; i < inputs.size(); i++) {
      int device = i;
      runs.add(CompletableFuture.supplyAsync(() -> runAlone(device, inputs.get(device)), threads));
    }
    List<List<HostTensor>> outputs = new ArrayList<>();
    @Nullable Throwable failure = null;
    for (CompletableFuture<List<HostTensor>> run : runs) {
      try {
        outputs.add(run.join());
      } catch (CompletionException e) {
        failure = failure == null ? e.getCause() : failure;
      }
    }
    if (failure instanceof Error error) {
      throw error;
    }
    if (failure instanceof RuntimeException exception) {
      throw exception;
    }
    return outputs;
  }

  private List<HostTensor> runAlone(int device, List<HostTensor> inputs) {
    try (OpenBuffers open = new OpenBuffers()) {
      List<PjrtBuffer> arguments = arguments(device, inputs, open);
      List<PjrtBuffer> outputs =
          executables.get(device).execute(List.of(arguments), launch()).get(0);
      open.addAll(outputs);
      return download(outputs);
    }
  }

  /** Weights and inputs on a device; what is to be closed is added to {@code open}. */
  private List<PjrtBuffer> arguments(int device, List<HostTensor> inputs, OpenBuffers open) {
    List<PjrtBuffer> arguments = new ArrayList<>(weights.get(device));
    for (HostTensor input : inputs) {
      PjrtBuffer buffer =
          client.upload(
              input.bytes(),
              input.type().pjrtShape(),
              devices.get(device),
              HostBufferSemantics.IMMUTABLE_ONLY_DURING_CALL);
      arguments.add(open.add(buffer));
    }
    return arguments;
  }

  private List<HostTensor> download(List<PjrtBuffer> outputs) {
    List<HostTensor> tensors = new ArrayList<>();
    for (int i = 0; i < outputs.size(); i++) {
      HostTensor tensor = HostTensor.allocate(results.get(i));
      outputs.get(i).download(tensor.bytes());
      tensors.add(tensor);
    }
    return tensors;
  }

  @Override
  public void close() {
    threads.shutdown();
    close(executables);
  }

  /** Closes all; throws the first failure, with the others suppressed in it. */
  static void close(List<PjrtExecutable> executables) {
    @Nullable RuntimeException failure = null;
    for (PjrtExecutable executable : executables) {
      try {
        executable.close();
      } catch (RuntimeException e) {
        if (failure == null) {
          failure = e;
        } else {
          failure.addSuppressed(e);
        }
      }
    }
    if (failure != null) {
      throw failure;
    }
  }
}
