package io.shardlight.transforms;

import ai.djl.engine.EngineException;
import io.shardlight.diffusion.GeneratedImage;
import io.shardlight.diffusion.ImageGenerator;
import io.shardlight.diffusion.ImageRequest;
import io.shardlight.diffusion.graph.DeviceFault;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Devices that fail by a plan: at calls of given numbers, counted over all loads, and whenever they
 * are asked for more than fits their memory. A slot needs its memory whether or not there is
 * something to draw in it, as in fixed programs.
 *
 * @param id under which all copies of this factory count their calls
 * @param memorySlots how many slots fit
 * @param faults what befalls which call, from 0; each once
 */
record FaultyDevices(
    FakeDevices devices, String id, FakeTime time, int memorySlots, TreeMap<Integer, Kind> faults)
    implements GeneratorFactory {
  private static final Map<String, Calls> CALLS = new ConcurrentHashMap<>();

  /** What may befall a call. */
  enum Kind {
    /** The engine fails, without a reason that has a type. */
    FAILS,
    /** The device is busy. */
    BUSY,
    /** Somebody else has the memory for a moment. Only where such an image was drawn before. */
    SHORT,
    /** The device is lost, until it is loaded again. */
    LOST,
    /** The call never ends. */
    HANGS
  }

  /** What happened so far, over all loads and copies. */
  static final class Calls {
    final AtomicInteger count = new AtomicInteger();
    final Map<Kind, AtomicInteger> befallen = new ConcurrentHashMap<>();
    final List<Integer> slots = new java.util.concurrent.CopyOnWriteArrayList<>();

    int befallen(Kind kind) {
      AtomicInteger times = befallen.get(kind);
      return times == null ? 0 : times.get();
    }
  }

  static FaultyDevices of(FakeDevices devices, FakeTime time) {
    return new FaultyDevices(
        devices, UUID.randomUUID().toString(), time, devices.slots(), new TreeMap<>());
  }

  FaultyDevices withMemoryFor(int slots) {
    return new FaultyDevices(devices, id, time, slots, faults);
  }

  FaultyDevices at(int call, Kind kind) {
    TreeMap<Integer, Kind> more = new TreeMap<>(faults);
    more.put(call, kind);
    return new FaultyDevices(devices, id, time, memorySlots, more);
  }

  FaultyDevices at(SortedMap<Integer, Kind> all) {
    return new FaultyDevices(devices, id, time, memorySlots, new TreeMap<>(all));
  }

  /** The same plan and count of calls, as a new process would meet them. */
  FaultyDevices inNewProcess() {
    return new FaultyDevices(FakeDevices.withSlots(devices.slots()), id, time, memorySlots, faults);
  }

  Calls calls() {
    return CALLS.computeIfAbsent(id, name -> new Calls());
  }

  @Override
  public ImageGenerator create() {
    ImageGenerator whole = devices.create();
    return new GeneratorAround(whole) {
      private final Set<Footprint> drawn = new HashSet<>();
      private boolean lost;

      @Override
      public List<GeneratedImage> generate(List<ImageRequest> requests, int slots)
          throws InterruptedException {
        Footprint footprint = Footprint.of(requests.get(0));
        befall(footprint);
        if (slots > memorySlots
            || requests.stream().anyMatch(request -> request.prompt().contains("giant"))) {
          throw new DeviceFault.OutOfMemory(slots + " slots", new EngineException("arena"));
        }
        List<GeneratedImage> images = whole.generate(requests, slots);
        calls().slots.add(slots);
        drawn.add(footprint);
        return images;
      }

      private void befall(Footprint footprint) {
        Kind kind = faults.get(calls().count.getAndIncrement());
        if (lost) {
          throw new DeviceFault.Lost("still lost", new EngineException("gone"));
        }
        if (kind == null || (kind == Kind.SHORT && !drawn.contains(footprint))) {
          return;
        }
        calls().befallen.computeIfAbsent(kind, k -> new AtomicInteger()).incrementAndGet();
        EngineException cause = new EngineException(FaultyDisk.PLANNED + kind);
        switch (kind) {
          case FAILS -> throw cause;
          case BUSY -> throw new DeviceFault.Transient("busy", cause);
          case SHORT -> throw new DeviceFault.OutOfMemory("short", cause);
          case LOST -> {
            lost = true;
            throw new DeviceFault.Lost("lost", cause);
          }
          case HANGS -> {
            time.hang();
            throw new DeviceFault.Lost("was let go", cause);
          }
        }
      }
    };
  }
}
