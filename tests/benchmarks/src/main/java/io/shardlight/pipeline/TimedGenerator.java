package io.shardlight.pipeline;

import com.sun.management.OperatingSystemMXBean;
import io.shardlight.diffusion.GeneratedImage;
import io.shardlight.diffusion.ImageGenerator;
import io.shardlight.diffusion.ImageRequest;
import io.shardlight.transforms.GeneratorFactory;
import java.lang.management.ManagementFactory;
import java.util.List;
import java.util.Optional;

/**
 * Lends one generator, loaded before, to the jobs of this JVM, and notes when it was at work. One
 * job at a time.
 */
record TimedGenerator() implements GeneratorFactory {
  private static final OperatingSystemMXBean SYSTEM =
      ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class);

  /**
   * A moment of this process.
   *
   * @param wall nanoseconds of this JVM's clock
   * @param cpu nanoseconds that all threads have worked
   */
  record Moment(long wall, long cpu) {
    static Moment now() {
      return new Moment(System.nanoTime(), SYSTEM.getProcessCpuTime());
    }
  }

  /**
   * The calls of one job, of which there is one at least.
   *
   * @param start of the first
   * @param end of the last
   * @param busyNanos all of them together
   */
  record Calls(Moment start, Moment end, long busyNanos) {
    Calls and(Calls later) {
      return new Calls(start, later.end, busyNanos + later.busyNanos);
    }
  }

  /** What is lent, and what the job at work did with it. */
  private static final class Loan {
    private Optional<ImageGenerator> devices = Optional.empty();
    private Optional<Calls> calls = Optional.empty();

    synchronized void begin(ImageGenerator lent) {
      devices = Optional.of(lent);
      calls = Optional.empty();
    }

    synchronized ImageGenerator devices() {
      return devices.orElseThrow();
    }

    synchronized Calls calls() {
      return calls.orElseThrow();
    }

    synchronized void add(Calls call) {
      calls = Optional.of(calls.map(before -> before.and(call)).orElse(call));
    }
  }

  private static final Loan LOAN = new Loan();

  /** Forgets the last job's calls. */
  static void begin(ImageGenerator devices) {
    LOAN.begin(devices);
  }

  static Calls calls() {
    return LOAN.calls();
  }

  @Override
  public ImageGenerator create() {
    return new Lent(LOAN.devices());
  }

  private record Lent(ImageGenerator devices) implements ImageGenerator {
    @Override
    public int slots() {
      return devices.slots();
    }

    @Override
    public List<GeneratedImage> generate(List<ImageRequest> requests, int slots)
        throws InterruptedException {
      Moment start = Moment.now();
      List<GeneratedImage> images = devices.generate(requests, slots);
      Moment end = Moment.now();
      Calls call = new Calls(start, end, end.wall() - start.wall());
      LOAN.add(call);
      return images;
    }

    /** The devices are the lender's. */
    @Override
    public void close() {}
  }
}
