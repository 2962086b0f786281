package io.shardlight.data;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.NoSuchFileException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.format.DateTimeParseException;
import java.util.List;
import java.util.Optional;

/**
 * The right of one run to write a dataset, so that two do not make the same images at once. In the
 * modes that only create objects it saves work, and two runs do no harm; those that replace or
 * erase rely on it.
 *
 * <p>A lease is an object {@code runs/leases/<number>.json}. Whoever creates the next number has
 * the dataset, which may be done when the one before has ended, when its run was one process of
 * this machine that is gone, or when the run has shown no sign of life for {@link #STALE_AFTER}.
 * Machines' clocks are taken to agree within minutes. Thread-safe.
 */
public final class RunLease {
  /** Longer than workers with accelerators take to come up. */
  public static final Duration STALE_AFTER = Duration.ofMinutes(30);

  /** How often a run that is at work shows a sign of life. */
  public static final Duration RENEW_EVERY = Duration.ofMinutes(1);

  private static final ObjectMapper JSON = new ObjectMapper();

  private final ObjectStore store;
  private final RunIdentity run;
  private final InstantSource clock;

  /** The lease that was this run's when it was looked for last; 0 if none was found yet. */
  private volatile int held;

  public RunLease(ObjectStore store, RunIdentity run) {
    this(store, run, InstantSource.system());
  }

  RunLease(ObjectStore store, RunIdentity run, InstantSource clock) {
    this.store = store;
    this.run = run;
    this.clock = clock;
  }

  /** Tells which other run has the lease, on one line; empty if it can be taken. */
  public Optional<String> problem() throws IOException {
    int number = lastNumber();
    if (number == 0) {
      return Optional.empty();
    }
    ObjectNode holder = read(DatasetPaths.lease(number));
    return isMine(holder) ? Optional.empty() : problem(number, holder);
  }

  /**
   * Takes the lease, or finds that this run has it.
   *
   * @throws IllegalStateException if another run has it, saying which and since when
   */
  public void take() throws IOException {
    while (true) {
      int number = lastNumber();
      if (number > 0) {
        ObjectNode holder = read(DatasetPaths.lease(number));
        // One that this run has ended, as a failed attempt does, is anybody's.
        if (isMine(holder) && !store.exists(DatasetPaths.leaseEnd(number))) {
          return;
        }
        Optional<String> problem = problem(number, holder);
        if (problem.isPresent()) {
          throw new IllegalStateException(problem.get());
        }
      }
      // Of two that get here, one creates it and the other looks again.
      if (store.create(DatasetPaths.lease(number + 1), content(run.process()))
          == ObjectStore.Creation.CREATED) {
        return;
      }
    }
  }

  /**
   * Goes on with the lease that this run has, or takes it if it never had one: for a run that had
   * nothing to claim, or one that is tried again after its end.
   *
   * @throws IllegalStateException if another run has it, or had it since this one
   */
  public void resume() throws IOException {
    int last = lastNumber();
    for (int number = last; number > 0; number--) {
      if (isMine(read(DatasetPaths.lease(number)))) {
        if (number < last) {
          throw takenOver(last);
        }
        break;
      }
    }
    take();
  }

  /**
   * Makes sure that no other run has taken over, before something is written that would be the
   * other's by then. Asks for one object once the lease is known.
   *
   * @throws IllegalStateException if another has
   */
  public void requireHeld() throws IOException {
    int known = held;
    if (known > 0 && !store.exists(DatasetPaths.lease(known + 1))) {
      return;
    }
    int last = lastNumber();
    if (last > 0 && !isMine(read(DatasetPaths.lease(last)))) {
      throw takenOver(last);
    }
    held = last;
  }

  private IllegalStateException takenOver(int number) throws IOException {
    return new IllegalStateException(
        "output "
            + store.root()
            + " must be written by one run at a time, but run "
            + read(DatasetPaths.lease(number)).path("run_id").asText()
            + " has taken over from run "
            + run.runId()
            + ", which showed no sign of life for "
            + STALE_AFTER.toMinutes()
            + " minutes or was stopped; nothing more is written by this one: look at the other's"
            + " end, and run again if something is missing");
  }

  /**
   * Finds the lease that this run took before its workers began, if it is one that did.
   *
   * @throws IllegalStateException if the lease is not there: then this store is not the one in
   *     which it was taken, although its root has the same name
   */
  public void requireSameStore() throws IOException {
    if (!run.leased()) {
      return;
    }
    for (int number = lastNumber(); number > 0; number--) {
      if (isMine(read(DatasetPaths.lease(number)))) {
        return;
      }
    }
    throw new IllegalStateException(
        "output "
            + store.root()
            + " must be the same place on all machines of the job, but machine "
            + RunProcess.hostName()
            + " does not find there what was written before the job was submitted (the lease of run"
            + " "
            + run.runId()
            + "); give a directory on a disk that all of them share, or gs://bucket/folder");
  }

  /**
   * Shows a sign of life, if this run has the lease and no other worker has just shown one. Every
   * worker comes here every minute, so nothing is listed once the lease is known: whoever takes
   * over creates the next one.
   */
  public void renew() throws IOException {
    if (held == 0 || store.exists(DatasetPaths.lease(held + 1))) {
      held = mine().orElse(0);
    }
    if (held > 0 && silence(held).compareTo(RENEW_EVERY.dividedBy(2)) >= 0) {
      store.replace(DatasetPaths.leaseRenewal(held), content(RunProcess.NONE));
    }
  }

  /** When this run took the lease; empty if it does not have it. */
  public Optional<Instant> since() throws IOException {
    Optional<Integer> number = mine();
    return number.isPresent()
        ? Optional.of(time(DatasetPaths.lease(number.get())))
        : Optional.empty();
  }

  /** Ends the lease, if this run has it. */
  public void release() throws IOException {
    Optional<Integer> number = mine();
    if (number.isPresent() && !store.exists(DatasetPaths.leaseEnd(number.get()))) {
      store.create(DatasetPaths.leaseEnd(number.get()), content(RunProcess.NONE));
    }
  }

  /** Ends the lease, unless whoever submitted the job holds it for its workers. */
  void releaseUnlessLeased() throws IOException {
    if (!run.leased()) {
      release();
    }
  }

  private Optional<Integer> mine() throws IOException {
    int number = lastNumber();
    return number > 0 && isMine(read(DatasetPaths.lease(number)))
        ? Optional.of(number)
        : Optional.empty();
  }

  private boolean isMine(ObjectNode holder) {
    return holder.path("run_id").asText().equals(run.runId());
  }

  /** 0 if no lease was ever taken. */
  private int lastNumber() throws IOException {
    List<String> names =
        store.list(DatasetPaths.LEASES).stream()
            .filter(name -> name.matches(".*/[0-9]{5,}\\.json"))
            .toList();
    return names.stream().mapToInt(DatasetPaths::leaseNumber).max().orElse(0);
  }

  private Optional<String> problem(int number, ObjectNode holder) throws IOException {
    if (store.exists(DatasetPaths.leaseEnd(number)) || RunProcess.of(holder).isGone()) {
      return Optional.empty();
    }
    Duration silent = silence(number);
    if (silent.compareTo(STALE_AFTER) >= 0) {
      return Optional.empty();
    }
    return Optional.of(
        "output "
            + store.root()
            + " is being written by run "
            + holder.path("run_id").asText()
            + RunProcess.of(holder).describe()
            + ", whose last sign of life was "
            + Math.max(0, silent.toSeconds())
            + " s ago; wait for it, stop it, or choose a new output (after "
            + STALE_AFTER.toMinutes()
            + " minutes without a sign of life another run may take over)");
  }

  /** Time since the last sign of life. */
  private Duration silence(int number) throws IOException {
    Instant sign;
    try {
      sign = time(DatasetPaths.leaseRenewal(number));
    } catch (NoSuchFileException e) {
      sign = time(DatasetPaths.lease(number)); // Not renewed yet.
    }
    return Duration.between(sign, clock.instant());
  }

  private byte[] content(RunProcess process) {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.put("run_id", run.runId());
    json.put("time", clock.instant().toString());
    process.writeTo(json);
    return (CanonicalJson.write(json) + "\n").getBytes(StandardCharsets.UTF_8);
  }

  private ObjectNode read(String name) throws IOException {
    try (InputStream in = store.read(name)) {
      JsonNode json = JSON.readTree(in);
      if (json instanceof ObjectNode object) {
        return object;
      }
      throw damaged(name, "is of type " + json.getNodeType());
    } catch (JsonProcessingException e) {
      throw damaged(name, "is no JSON (" + e.getOriginalMessage() + ")");
    }
  }

  private Instant time(String name) throws IOException {
    try {
      return Instant.parse(read(name).path("time").asText());
    } catch (DateTimeParseException e) {
      throw damaged(name, "has no time");
    }
  }

  private IOException damaged(String name, String what) {
    return new IOException(
        name
            + " in "
            + store.root()
            + " must be the lease of a run, but "
            + what
            + "; it was changed since: remove it if no run is writing there");
  }
}
