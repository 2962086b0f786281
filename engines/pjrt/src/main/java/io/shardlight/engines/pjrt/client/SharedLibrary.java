package io.shardlight.engines.pjrt.client;

import com.sun.jna.Function;
import com.sun.jna.NativeLibrary;
import com.sun.jna.Pointer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A shared library, opened by {@code dlopen} and never closed. JNA's own loading would look in
 * other places when a file fails, and close the library with the garbage.
 */
final class SharedLibrary {
  static final String OPEN = "dlopen";

  /** {@code RTLD_NOW}; without {@code RTLD_GLOBAL}, its symbols meet nobody else's. */
  private static final int NOW_LOCAL = 2;

  private final Pointer handle;

  private SharedLibrary(Pointer handle) {
    this.handle = handle;
  }

  /** Why a library was not loaded, in the words of the dynamic linker. */
  static final class LoadException extends Exception {
    private static final long serialVersionUID = 1L;

    private final String reason;

    LoadException(String reason) {
      super(reason);
      this.reason = reason;
    }

    @Override
    public String getMessage() {
      return reason;
    }
  }

  static SharedLibrary open(Path file) throws LoadException {
    try {
      if (ElfFile.isCutOff(file)) {
        throw new LoadException(file + " is cut off: its end is missing; copy it again");
      }
    } catch (IOException e) {
      throw new LoadException(file + " cannot be read: " + e);
    }
    NativeLibrary process = NativeLibrary.getProcess();
    Function open;
    Function lastError;
    try {
      open = process.getFunction(OPEN);
      lastError = process.getFunction("dlerror");
    } catch (UnsatisfiedLinkError e) {
      throw new LoadException("PJRT plugins need Linux or macOS: " + e.getMessage());
    }
    // The text of an error lives until the thread's next look-up of a symbol, and the JVM looks up
    // its native methods when they are first called: so call them once before it matters.
    try (NativeArena arena = new NativeArena()) {
      message(new Pointer(arena.allocate(1)));
    }
    lastError.invokePointer(new Object[0]);
    Pointer handle = open.invokePointer(new Object[] {file.toString(), NOW_LOCAL});
    if (handle == null) {
      String message = message(lastError.invokePointer(new Object[0]));
      throw new LoadException(message.isEmpty() ? file + " cannot be loaded" : message);
    }
    return new SharedLibrary(handle);
  }

  private static String message(@Nullable Pointer text) {
    return text == null ? "" : text.getString(0, "UTF-8");
  }

  Optional<Pointer> symbol(String name) {
    Function find = NativeLibrary.getProcess().getFunction("dlsym");
    return Optional.ofNullable(find.invokePointer(new Object[] {handle, name}));
  }
}
