package io.shardlight.diffusion.graph;

import ai.djl.engine.EngineException;
import java.util.Optional;

/**
 * What a device may do to a program that is right. An engine knows its native library's words for
 * these and throws them; whoever drives it goes by the type alone. Any other exception of an engine
 * says nothing of the device.
 */
public abstract sealed class DeviceFault extends EngineException {
  private static final long serialVersionUID = 1;

  private static final int MAX_CAUSES = 20;

  private DeviceFault(String message, Throwable cause) {
    super(message, cause);
  }

  /**
   * The device has not enough memory for this program; a smaller one may fit, and the device works
   * on.
   */
  public static final class OutOfMemory extends DeviceFault {
    private static final long serialVersionUID = 1;

    public OutOfMemory(String message, Throwable cause) {
      super(message, cause);
    }

    @Override
    public OutOfMemory at(String where) {
      return new OutOfMemory(where + ": " + getMessage(), this);
    }
  }

  /** The same call may succeed a little later: the device was busy, or out of reach. */
  public static final class Transient extends DeviceFault {
    private static final long serialVersionUID = 1;

    public Transient(String message, Throwable cause) {
      super(message, cause);
    }

    @Override
    public Transient at(String where) {
      return new Transient(where + ": " + getMessage(), this);
    }
  }

  /** No call will succeed any more on what has been loaded in this process. */
  public static final class Lost extends DeviceFault {
    private static final long serialVersionUID = 1;

    public Lost(String message, Throwable cause) {
      super(message, cause);
    }

    @Override
    public Lost at(String where) {
      return new Lost(where + ": " + getMessage(), this);
    }
  }

  /** The same fault, which tells where it happened too. */
  public abstract DeviceFault at(String where);

  /**
   * What to throw in the place of an engine's exception.
   *
   * @param where what failed
   * @return the fault among the exception and its causes, if there is one, else an exception for it
   */
  public static EngineException explain(String where, Exception exception) {
    Optional<DeviceFault> fault = in(exception);
    return fault.isPresent() ? fault.get().at(where) : new EngineException(where, exception);
  }

  /** The fault among an exception and its causes, if there is one. */
  public static Optional<DeviceFault> in(Throwable exception) {
    Throwable cause = exception;
    for (int depth = 0; cause != null && depth < MAX_CAUSES; depth++) {
      if (cause instanceof DeviceFault fault) {
        return Optional.of(fault);
      }
      cause = cause.getCause();
    }
    return Optional.empty();
  }
}
