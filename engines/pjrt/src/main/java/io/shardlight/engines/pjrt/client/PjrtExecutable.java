package io.shardlight.engines.pjrt.client;

import com.sun.jna.Function;
import com.sun.jna.Pointer;
import io.shardlight.engines.pjrt.client.StructLayout.Execute;
import io.shardlight.engines.pjrt.client.StructLayout.Options;
import io.shardlight.engines.pjrt.client.StructLayout.OutputDimensions;
import io.shardlight.engines.pjrt.client.StructLayout.Serialize;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A compiled program, loaded on the devices it was compiled for. May be executed from many threads
 * at once; closing it lets executions end.
 */
public final class PjrtExecutable implements AutoCloseable {
  private final PjrtClient client;
  private final PjrtApi api;

  /** What can be executed: {@code PJRT_LoadedExecutable}. */
  private final NativeHandle loaded;

  /** What can be described and serialized: {@code PJRT_Executable}. Lives as long as the other. */
  private final long program;

  private final List<PjrtDevice> devices;
  private final int outputs;

  /** Takes the native executable over, also if it fails. */
  PjrtExecutable(PjrtClient client, long address) {
    this.client = client;
    this.api = client.api();
    long description = 0;
    try {
      description = api.queryObject(PjrtFunction.LOADED_EXECUTABLE_GET_EXECUTABLE, address);
      this.program = description;
      this.outputs =
          Math.toIntExact(api.queryLong(PjrtFunction.EXECUTABLE_NUM_OUTPUTS, description));
      PjrtFunction origin = PjrtFunction.LOADED_EXECUTABLE_ADDRESSABLE_DEVICES;
      this.devices =
          Arrays.stream(api.queryLongs(origin, address))
              .mapToObj(device -> client.device(origin, device))
              .toList();
    } catch (RuntimeException e) {
      api.destroyAfter(e, PjrtFunction.EXECUTABLE_DESTROY, description);
      api.destroyAfter(e, PjrtFunction.LOADED_EXECUTABLE_DESTROY, address);
      throw e;
    }
    this.loaded = new NativeHandle("PJRT executable", address, this::destroy);
    client.add(this);
  }

  private void destroy(long address) {
    try {
      api.destroy(PjrtFunction.EXECUTABLE_DESTROY, program);
    } finally {
      try {
        api.destroy(PjrtFunction.LOADED_EXECUTABLE_DESTROY, address);
      } finally {
        client.remove(this);
      }
    }
  }

  /** Those that it runs on, in the order of argument lists and of results. */
  public List<PjrtDevice> devices() {
    return devices;
  }

  /** Types and dimensions of what it returns on each device. */
  public List<PjrtShape> outputShapes() {
    loaded.acquire();
    try (NativeArena arena = new NativeArena()) {
      int[] types = api.queryInts(PjrtFunction.EXECUTABLE_OUTPUT_ELEMENT_TYPES, program);
      NativeStruct arguments = arena.arguments(PjrtFunction.EXECUTABLE_OUTPUT_DIMENSIONS, program);
      api.call(PjrtFunction.EXECUTABLE_OUTPUT_DIMENSIONS, arguments);
      long[] ranks =
          NativeMemory.longs(
              arguments.getLong(OutputDimensions.DIM_SIZES),
              arguments.getLong(OutputDimensions.NUM_OUTPUTS));
      if (types.length != ranks.length) {
        throw new PjrtException(
            PjrtErrorCode.INTERNAL,
            PjrtFunction.EXECUTABLE_OUTPUT_DIMENSIONS.cName(),
            "answered with " + ranks.length + " outputs, but there are " + types.length + " types");
      }
      // All dimensions of the first output, then all of the second, and so on.
      long[] dimensions =
          NativeMemory.longs(arguments.getLong(OutputDimensions.DIMS), Arrays.stream(ranks).sum());
      List<PjrtShape> shapes = new ArrayList<>();
      int from = 0;
      for (int i = 0; i < types.length; i++) {
        int to = from + Math.toIntExact(ranks[i]);
        shapes.add(PjrtShape.of(types[i], Arrays.copyOfRange(dimensions, from, to)));
        from = to;
      }
      return shapes;
    } finally {
      loaded.release();
    }
  }

  /**
   * Executes the program on all of its devices and waits for them.
   *
   * @see #execute(List, ExecuteOptions)
   */
  public List<List<PjrtBuffer>> execute(List<List<PjrtBuffer>> arguments) {
    return execute(arguments, ExecuteOptions.DEFAULT);
  }

  /**
   * Executes the program on all of its devices and waits for them.
   *
   * @param arguments of each device, on that device, in the order of {@link #devices}. What is
   *     donated is deleted afterwards; closing it remains the caller's
   * @return the results of each device, in the same order; they are the caller's to close
   * @throws IllegalArgumentException if there are not as many lists as devices, or lists differ in
   *     length, or hold buffers of another client
   * @throws PjrtException what the plugin refuses or a device failed at; no results are left then
   */
  public List<List<PjrtBuffer>> execute(List<List<PjrtBuffer>> arguments, ExecuteOptions options) {
    check(arguments);
    List<NativeHandle> used = new ArrayList<>();
    try {
      long executable = loaded.acquire();
      used.add(loaded);
      long[][] lists = new long[arguments.size()][];
      for (int device = 0; device < lists.length; device++) {
        List<PjrtBuffer> list = arguments.get(device);
        lists[device] = new long[list.size()];
        for (int i = 0; i < list.size(); i++) {
          NativeHandle handle = list.get(i).handle();
          lists[device][i] = handle.acquire();
          used.add(handle);
        }
      }
      return launch(executable, lists, options);
    } finally {
      releaseAll(used);
    }
  }

  /** All of them, also if one that was closed meanwhile cannot be destroyed. */
  private static void releaseAll(List<NativeHandle> handles) {
    @Nullable PjrtException failure = null;
    for (NativeHandle handle : handles) {
      try {
        handle.release();
      } catch (PjrtException e) {
        failure = PjrtException.joined(failure, e);
      }
    }
    if (failure != null) {
      throw failure;
    }
  }

  private void check(List<List<PjrtBuffer>> arguments) {
    if (arguments.size() != devices.size()) {
      throw new IllegalArgumentException(
          "the program runs on "
              + devices.size()
              + " devices, but there are "
              + arguments.size()
              + " lists of arguments");
    }
    for (List<PjrtBuffer> list : arguments) {
      if (list.size() != arguments.get(0).size()) {
        throw new IllegalArgumentException(
            "each device must get as many arguments, but their numbers are "
                + arguments.stream().map(List::size).toList());
      }
      for (PjrtBuffer buffer : list) {
        if (buffer.client() != client) {
          throw new IllegalArgumentException("an argument belongs to another client");
        }
      }
    }
  }

  private List<List<PjrtBuffer>> launch(long executable, long[][] lists, ExecuteOptions options) {
    try (NativeArena arena = new NativeArena()) {
      // 1. Arrays of pointers to each device's arguments, and to room for its results.
      int count = lists.length;
      long[] argumentLists = new long[count];
      long[] outputLists = new long[count];
      for (int device = 0; device < count; device++) {
        argumentLists[device] = arena.copy(lists[device]);
        outputLists[device] = arena.allocate((long) outputs * Long.BYTES);
      }
      long events = arena.allocate((long) count * Long.BYTES);

      // 2. The call returns when all is enqueued.
      NativeStruct executeOptions = arena.struct("PJRT_ExecuteOptions", Options.BYTES);
      executeOptions.putInt(Options.LAUNCH_ID, options.launchId());
      long[] kept = options.nonDonatableInputs().stream().mapToLong(Integer::longValue).toArray();
      executeOptions.putArray(Options.NON_DONATABLE_INPUT_INDICES, arena.copy(kept), kept.length);
      PjrtFunction function = PjrtFunction.LOADED_EXECUTABLE_EXECUTE;
      NativeStruct arguments = arena.arguments(function, executable);
      arguments.putLong(Execute.OPTIONS, executeOptions.address());
      arguments.putLong(Execute.ARGUMENT_LISTS, arena.copy(argumentLists));
      arguments.putLong(Execute.NUM_DEVICES, count);
      arguments.putLong(Execute.NUM_ARGS, count == 0 ? 0 : lists[0].length);
      arguments.putLong(Execute.OUTPUT_LISTS, arena.copy(outputLists));
      arguments.putLong(Execute.DEVICE_COMPLETE_EVENTS, events);
      api.call(function, arguments, executeOptions);

      // 3. There are results even where a device fails later.
      List<List<PjrtBuffer>> results = new ArrayList<>();
      for (long list : outputLists) {
        results.add(
            Arrays.stream(NativeMemory.longs(list, outputs))
                .filter(result -> result != 0)
                .mapToObj(result -> new PjrtBuffer(client, result))
                .toList());
      }
      awaitAll(NativeMemory.longs(events, count), results);
      return results;
    }
  }

  /** Waits for every device, and closes all results if one fails. */
  private void awaitAll(long[] events, List<List<PjrtBuffer>> results) {
    @Nullable PjrtException failure = null;
    for (long event : events) {
      try {
        api.await(PjrtFunction.LOADED_EXECUTABLE_EXECUTE, event);
      } catch (PjrtException e) {
        failure = PjrtException.joined(failure, e);
      }
    }
    if (results.stream().anyMatch(list -> list.size() != outputs)) {
      failure =
          PjrtException.joined(failure, PjrtApi.noObject(PjrtFunction.LOADED_EXECUTABLE_EXECUTE));
    }
    if (failure == null) {
      return;
    }
    for (List<PjrtBuffer> list : results) {
      for (PjrtBuffer buffer : list) {
        try {
          buffer.close();
        } catch (PjrtException e) {
          failure = PjrtException.joined(failure, e);
        }
      }
    }
    throw failure;
  }

  /** What an execution takes of a device's memory; empty where the plugin does not tell. */
  public Optional<CompiledMemoryStats> memoryStats() {
    loaded.acquire();
    try (NativeArena arena = new NativeArena()) {
      NativeStruct stats =
          arena.arguments(PjrtFunction.EXECUTABLE_GET_COMPILED_MEMORY_STATS, program);
      api.call(PjrtFunction.EXECUTABLE_GET_COMPILED_MEMORY_STATS, stats);
      return Optional.of(CompiledMemoryStats.read(stats));
    } catch (PjrtException e) {
      return ifImplemented(e);
    } finally {
      loaded.release();
    }
  }

  /** The plugin's name for the program's content; empty where it has none. */
  public Optional<String> fingerprint() {
    loaded.acquire();
    try {
      return Optional.of(api.queryText(PjrtFunction.EXECUTABLE_FINGERPRINT, program));
    } catch (PjrtException e) {
      return ifImplemented(e);
    } finally {
      loaded.release();
    }
  }

  private static <T> Optional<T> ifImplemented(PjrtException e) {
    if (e.code() == PjrtErrorCode.UNIMPLEMENTED) {
      return Optional.empty();
    }
    throw e;
  }

  /**
   * The compiled program, for {@link PjrtClient#deserialize}: it is good for the same platform name
   * and version only.
   */
  public byte[] serialize() {
    loaded.acquire();
    try (NativeArena arena = new NativeArena()) {
      NativeStruct arguments = arena.arguments(PjrtFunction.EXECUTABLE_SERIALIZE, program);
      api.call(PjrtFunction.EXECUTABLE_SERIALIZE, arguments);
      try {
        return NativeMemory.bytes(
            arguments.getLong(Serialize.SERIALIZED_BYTES),
            arguments.getLong(Serialize.SERIALIZED_BYTES_SIZE));
      } finally {
        deleteSerialized(arguments);
      }
    } finally {
      loaded.release();
    }
  }

  /** What was serialized is freed by a function of its own: {@code void f(it)}. */
  private static void deleteSerialized(NativeStruct arguments) {
    long deleter = arguments.getLong(Serialize.SERIALIZED_EXECUTABLE_DELETER);
    if (deleter != 0) {
      Function.getFunction(new Pointer(deleter))
          .invokeVoid(new Object[] {arguments.getLong(Serialize.SERIALIZED_EXECUTABLE)});
    }
  }

  /** Frees the program, once executions have ended; the second time does nothing. */
  @Override
  public void close() {
    loaded.close();
  }
}
