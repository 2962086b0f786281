package io.shardlight.data;

import java.io.Serializable;

/**
 * A run of the job, as its report and its lease name it.
 *
 * @param runId unlike those of all other runs; letters, digits, {@code .}, {@code _} and {@code -}
 * @param process the process that does the whole run, if one does, else {@link RunProcess#NONE}
 * @param leased whether the run had its lease before its workers began; then they must find it,
 *     which they do not where the output's path names another disk
 * @param request hash of what the run was asked for, for its report; empty if nobody will look for
 *     it
 */
public record RunIdentity(String runId, RunProcess process, boolean leased, String request)
    implements Serializable {
  public RunIdentity {
    if (!runId.matches("[A-Za-z0-9._-]+") || runId.startsWith(".")) {
      throw new IllegalArgumentException(
          "runId must be letters, digits, '.', '_' and '-', but was \"" + runId + "\"");
    }
  }

  /** A run of which nobody looks for what it was asked for. */
  public RunIdentity(String runId, RunProcess process, boolean leased) {
    this(runId, process, leased, "");
  }

  /** A run whose workers take the lease. */
  public RunIdentity(String runId, RunProcess process) {
    this(runId, process, false);
  }

  public RunIdentity withRequest(String value) {
    return new RunIdentity(runId, process, leased, value);
  }
}
