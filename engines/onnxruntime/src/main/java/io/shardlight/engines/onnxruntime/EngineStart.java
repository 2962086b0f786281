package io.shardlight.engines.onnxruntime;

import ai.djl.engine.Engine;
import ai.djl.engine.EngineException;
import com.google.errorprone.annotations.concurrent.GuardedBy;
import org.jspecify.annotations.Nullable;

/**
 * Starts DJL's OnnxRuntime engine, once, on a thread with a deep stack.
 *
 * <p>ONNX Runtime 1.29.0 reads {@code /proc/self/cmdline} when its environment is made and runs a
 * {@code std::regex} over it, which recurses once a character, 250 bytes of stack each: a class
 * path of 5 kB on the command line kills a process whose threads have the usual 1 MB. The stack
 * here is enough for a command line of 2 MB, the longest that Linux starts; only what is touched
 * costs memory.
 *
 * <p>DJL must be the first to open ONNX Runtime's environment: it fails for ever if it is second.
 * Thread-safe.
 */
final class EngineStart {
  private static final long STACK_BYTES = 1L << 29;

  @GuardedBy("EngineStart.class")
  private static @Nullable Engine started;

  private EngineStart() {}

  static synchronized Engine engine(String name) {
    if (started != null) {
      return started;
    }
    Engine[] engine = new Engine[1];
    Throwable[] failure = new Throwable[1];
    Thread thread =
        new Thread(
            null,
            () -> {
              try {
                engine[0] = Engine.getEngine(name);
              } catch (Throwable e) {
                // A missing native library is an Error; the caller decides.
                failure[0] = e;
              }
            },
            "shardlight-engine-start",
            STACK_BYTES);
    thread.start();
    boolean interrupted = false;
    while (thread.isAlive()) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    if (failure[0] != null) {
      throw new EngineException("engine " + name + " cannot be started here", failure[0]);
    }
    started = engine[0];
    return started;
  }
}
