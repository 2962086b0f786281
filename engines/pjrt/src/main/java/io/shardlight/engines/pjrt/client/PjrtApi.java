package io.shardlight.engines.pjrt.client;

import com.sun.jna.Function;
import com.sun.jna.Pointer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A plugin's table of functions. Every one of them takes the address of its argument struct and
 * returns that of an error, or null; here errors become {@link PjrtException}s and are freed.
 * Thread-safe.
 */
final class PjrtApi {
  static final int MAJOR_VERSION = 0;

  /** Since then no function and no field has changed its place. */
  static final int LEAST_MINOR_VERSION = 57;

  /** Without these, what a plugin hands out could not be given back. */
  private static final Set<PjrtFunction> NEEDED =
      Collections.unmodifiableSet(
          EnumSet.of(
              PjrtFunction.ERROR_DESTROY,
              PjrtFunction.ERROR_MESSAGE,
              PjrtFunction.ERROR_GET_CODE,
              PjrtFunction.PLUGIN_INITIALIZE,
              PjrtFunction.EVENT_DESTROY,
              PjrtFunction.EVENT_AWAIT,
              PjrtFunction.CLIENT_DESTROY,
              PjrtFunction.BUFFER_DESTROY,
              PjrtFunction.EXECUTABLE_DESTROY,
              PjrtFunction.LOADED_EXECUTABLE_DESTROY));

  /** What XLA's plugins say to a struct that is smaller than their own. */
  private static final Pattern WRONG_SIZE =
      Pattern.compile("Unexpected (\\S+) size: expected (\\d+), got (\\d+)");

  private final Path library;
  private final int minorVersion;
  private final Map<PjrtFunction, Function> functions;

  /** Struct sizes that this plugin has asked for, by the struct's name in C. */
  private final Map<String, Long> sizes = new ConcurrentHashMap<>();

  private PjrtApi(Path library, int minorVersion, Map<PjrtFunction, Function> functions) {
    this.library = library;
    this.minorVersion = minorVersion;
    this.functions = functions;
  }

  /**
   * Reads the table.
   *
   * @param address of {@code PJRT_Api}
   * @throws PjrtException if its version is not known here or functions are missing without which
   *     nothing can be freed
   */
  static PjrtApi read(Path library, long address) {
    if (address == 0) {
      throw refused(library, "returned null");
    }
    Pointer table = new Pointer(address);
    long bytes = table.getLong(StructLayout.STRUCT_SIZE);
    if (bytes < StructLayout.Api.FIRST_FUNCTION) {
      throw refused(library, "returned a table of " + bytes + " bytes, which holds no version");
    }
    int major = table.getInt(StructLayout.Api.MAJOR_VERSION);
    int minor = table.getInt(StructLayout.Api.MINOR_VERSION);
    if (major != MAJOR_VERSION || minor < LEAST_MINOR_VERSION) {
      throw refused(
          library,
          String.format(
              "has version %d.%d of the PJRT C API, but Shardlight needs %d.%d or a later %d.x;"
                  + " take a plugin of another release",
              major, minor, MAJOR_VERSION, LEAST_MINOR_VERSION, MAJOR_VERSION));
    }
    Map<PjrtFunction, Function> functions = new EnumMap<>(PjrtFunction.class);
    for (PjrtFunction function : PjrtFunction.values()) {
      if (function.tableOffset() + Long.BYTES <= bytes) {
        Pointer pointer = table.getPointer(function.tableOffset());
        if (pointer != null) {
          functions.put(function, Function.getFunction(pointer));
        }
      }
    }
    List<String> missing =
        NEEDED.stream().filter(f -> !functions.containsKey(f)).map(PjrtFunction::cName).toList();
    if (!missing.isEmpty()) {
      throw refused(library, "has not implemented " + String.join(", ", missing));
    }
    return new PjrtApi(library, minor, functions);
  }

  private static PjrtException refused(Path library, String reason) {
    return new PjrtException(
        PjrtErrorCode.FAILED_PRECONDITION, PjrtPlugin.ENTRY_POINT, library + " " + reason);
  }

  int minorVersion() {
    return minorVersion;
  }

  /**
   * Calls a function. A plugin that is newer than this class may ask for a larger struct: then it
   * gets one, with zeros behind what is known here.
   *
   * @param inner structs to which the arguments point
   * @throws PjrtException with the plugin's error
   */
  void call(PjrtFunction function, NativeStruct arguments, NativeStruct... inner) {
    Function pointer = functions.get(function);
    if (pointer == null) {
      throw new PjrtException(
          PjrtErrorCode.UNIMPLEMENTED,
          function.cName(),
          "not implemented by " + library + " (PJRT C API 0." + minorVersion + ")");
    }
    List<NativeStruct> structs = new ArrayList<>(List.of(inner));
    structs.add(arguments);
    for (NativeStruct struct : structs) {
      Long asked = sizes.get(struct.name());
      if (asked != null) {
        struct.setSize(asked);
      }
    }
    PjrtException failure = invoke(function, pointer, arguments);
    while (failure != null && enlarge(failure, arguments, structs)) {
      failure = invoke(function, pointer, arguments);
    }
    if (failure != null) {
      throw failure;
    }
  }

  /**
   * Calls a function that hands out an object.
   *
   * @param answer where the arguments have the object's address afterwards
   * @throws PjrtException with the plugin's error, or if there is no object
   */
  long create(PjrtFunction function, NativeStruct arguments, int answer, NativeStruct... inner) {
    call(function, arguments, inner);
    return requireObject(function, arguments.getLong(answer));
  }

  /** A plugin that is later asked about nothing would kill the process. */
  private static long requireObject(PjrtFunction function, long address) {
    if (address == 0) {
      throw noObject(function);
    }
    return address;
  }

  static PjrtException noObject(PjrtFunction function) {
    return new PjrtException(
        PjrtErrorCode.INTERNAL, function.cName(), "succeeded, but returned null");
  }

  private @Nullable PjrtException invoke(
      PjrtFunction function, Function pointer, NativeStruct arguments) {
    long error = invoke(pointer, arguments);
    return error == 0 ? null : takeError(function, error);
  }

  private static long invoke(Function pointer, NativeStruct arguments) {
    return pointer.invokeLong(new Object[] {arguments.address()});
  }

  /** Whether the error asks for a larger struct and it was given: the call can be tried again. */
  private boolean enlarge(
      PjrtException failure, NativeStruct arguments, List<NativeStruct> structs) {
    Matcher wrong = WRONG_SIZE.matcher(failure.reason());
    if (failure.code() != PjrtErrorCode.INVALID_ARGUMENT || !wrong.find()) {
      return false;
    }
    // A few plugins' messages name another struct than the one that they looked at.
    NativeStruct struct =
        structs.stream().filter(s -> s.name().equals(wrong.group(1))).findFirst().orElse(arguments);
    try {
      long expected = Long.parseLong(wrong.group(2));
      long got = Long.parseLong(wrong.group(3));
      if (got != struct.size() || expected <= got || !struct.canHold(expected)) {
        return false;
      }
      sizes.put(struct.name(), expected);
      struct.setSize(expected);
      return true;
    } catch (NumberFormatException e) {
      // A size beyond any struct's.
      return false;
    }
  }

  /** Reads an error and frees it. */
  private PjrtException takeError(PjrtFunction function, long error) {
    try (NativeArena arena = new NativeArena()) {
      NativeStruct message = arena.arguments(PjrtFunction.ERROR_MESSAGE, error);
      NativeStruct code = arena.arguments(PjrtFunction.ERROR_GET_CODE, error);
      try {
        invoke(present(PjrtFunction.ERROR_MESSAGE), message);
        String reason =
            NativeMemory.text(
                message.getLong(StructLayout.ANSWER), message.getLong(StructLayout.ANSWER_SIZE));
        long second = invoke(present(PjrtFunction.ERROR_GET_CODE), code);
        if (second != 0) {
          destroyError(arena, second);
          return new PjrtException(PjrtErrorCode.UNKNOWN, function.cName(), reason);
        }
        return new PjrtException(
            PjrtErrorCode.of(code.getInt(StructLayout.ANSWER)), function.cName(), reason);
      } finally {
        destroyError(arena, error);
      }
    }
  }

  private void destroyError(NativeArena arena, long error) {
    invoke(present(PjrtFunction.ERROR_DESTROY), arena.arguments(PjrtFunction.ERROR_DESTROY, error));
  }

  private Function present(PjrtFunction function) {
    Function pointer = functions.get(function);
    if (pointer == null) {
      throw new IllegalStateException(function.cName() + " was there when the table was read");
    }
    return pointer;
  }

  /** Destroys an object; null is nothing. */
  void destroy(PjrtFunction function, long self) {
    if (self == 0) {
      return;
    }
    try (NativeArena arena = new NativeArena()) {
      call(function, arena.arguments(function, self));
    }
  }

  /** Destroys an object because of a failure, which gets to know of further ones. */
  void destroyAfter(Throwable failure, PjrtFunction function, long self) {
    try {
      destroy(function, self);
    } catch (PjrtException e) {
      failure.addSuppressed(e);
    }
  }

  /** An object that belongs to another, or that is handed out. */
  long queryObject(PjrtFunction function, long self) {
    return requireObject(function, queryLong(function, self));
  }

  long queryLong(PjrtFunction function, long self) {
    try (NativeArena arena = new NativeArena()) {
      NativeStruct arguments = arena.arguments(function, self);
      call(function, arguments);
      return arguments.getLong(StructLayout.ANSWER);
    }
  }

  int queryInt(PjrtFunction function, long self) {
    try (NativeArena arena = new NativeArena()) {
      NativeStruct arguments = arena.arguments(function, self);
      call(function, arguments);
      return arguments.getInt(StructLayout.ANSWER);
    }
  }

  boolean queryBoolean(PjrtFunction function, long self) {
    try (NativeArena arena = new NativeArena()) {
      NativeStruct arguments = arena.arguments(function, self);
      call(function, arguments);
      return arguments.getBoolean(StructLayout.ANSWER);
    }
  }

  String queryText(PjrtFunction function, long self) {
    try (NativeArena arena = new NativeArena()) {
      NativeStruct arguments = arena.arguments(function, self);
      call(function, arguments);
      return NativeMemory.text(
          arguments.getLong(StructLayout.ANSWER), arguments.getLong(StructLayout.ANSWER_SIZE));
    }
  }

  /** Numbers of 64 bits, or addresses. */
  long[] queryLongs(PjrtFunction function, long self) {
    try (NativeArena arena = new NativeArena()) {
      NativeStruct arguments = arena.arguments(function, self);
      call(function, arguments);
      return NativeMemory.longs(
          arguments.getLong(StructLayout.ANSWER), arguments.getLong(StructLayout.ANSWER_SIZE));
    }
  }

  int[] queryInts(PjrtFunction function, long self) {
    try (NativeArena arena = new NativeArena()) {
      NativeStruct arguments = arena.arguments(function, self);
      call(function, arguments);
      return NativeMemory.ints(
          arguments.getLong(StructLayout.ANSWER), arguments.getLong(StructLayout.ANSWER_SIZE));
    }
  }

  /**
   * Waits for an event and frees it, whatever comes of it; null has been already.
   *
   * @param origin what the event tells the end of
   * @throws PjrtException with the event's error
   */
  void await(PjrtFunction origin, long event) {
    if (event == 0) {
      return;
    }
    try {
      try (NativeArena arena = new NativeArena()) {
        call(PjrtFunction.EVENT_AWAIT, arena.arguments(PjrtFunction.EVENT_AWAIT, event));
      }
    } catch (PjrtException e) {
      PjrtException failure =
          new PjrtException(e.code(), origin.cName() + " (" + e.function() + ")", e.reason(), e);
      destroyAfter(failure, PjrtFunction.EVENT_DESTROY, event);
      throw failure;
    }
    destroy(PjrtFunction.EVENT_DESTROY, event);
  }
}
