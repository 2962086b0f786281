package io.shardlight.data;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.Serializable;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;

/**
 * A process of some machine, as others can recognise it.
 *
 * @param host the machine's name
 * @param boot changes when the machine starts again; empty where it is not known
 * @param pid its number there; 0 for no process
 * @param startMillis when it was started, since 1970; 0 where it is not known
 */
public record RunProcess(String host, String boot, long pid, long startMillis)
    implements Serializable {
  /** No process in particular. */
  public static final RunProcess NONE = new RunProcess("", "", 0, 0);

  private static final Path BOOT_ID = Path.of("/proc/sys/kernel/random/boot_id");

  /** This one. */
  public static RunProcess current() {
    ProcessHandle process = ProcessHandle.current();
    return new RunProcess(hostName(), bootId(), process.pid(), startMillis(process));
  }

  /** What {@link #writeTo} wrote; no process if it wrote nothing. */
  static RunProcess of(JsonNode json) {
    return new RunProcess(
        json.path("host").asText(),
        json.path("boot").asText(),
        json.path("pid").asLong(),
        json.path("process_start_millis").asLong());
  }

  /** Writes it, if it is one. */
  void writeTo(ObjectNode json) {
    if (pid == 0) {
      return;
    }
    json.put("host", host);
    json.put("boot", boot);
    json.put("pid", pid);
    json.put("process_start_millis", startMillis);
  }

  /** Whether it ran on this machine and is known to have ended. */
  boolean isGone() {
    if (pid == 0 || !host.equals(hostName())) {
      return false;
    }
    if (!boot.equals(bootId())) {
      return true;
    }
    return ProcessHandle.of(pid).map(process -> startMillis(process) != startMillis).orElse(true);
  }

  /** " (process 123 of HOST)", or nothing. */
  String describe() {
    return pid == 0 ? "" : " (process " + pid + " of " + host + ")";
  }

  private static long startMillis(ProcessHandle process) {
    return process.info().startInstant().map(Instant::toEpochMilli).orElse(0L);
  }

  /** The name of this machine. */
  static String hostName() {
    try {
      return InetAddress.getLocalHost().getHostName();
    } catch (UnknownHostException e) {
      return "localhost";
    }
  }

  private static String bootId() {
    try {
      return Files.isReadable(BOOT_ID) ? Files.readString(BOOT_ID).strip() : "";
    } catch (IOException e) {
      return "";
    }
  }
}
