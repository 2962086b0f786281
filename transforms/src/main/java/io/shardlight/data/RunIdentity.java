package io.shardlight.data;

import java.io.Serializable;

/**
 * A run of the job, as its report and its lease name it.
 *
 * @param runId unlike those of all other runs; letters, digits, {@code .}, {@code _} and {@code -}
 * @param process the process that does the whole run, if one does, else {@link RunProcess#NONE}
 */
public record RunIdentity(String runId, RunProcess process) implements Serializable {
  public RunIdentity {
    if (!runId.matches("[A-Za-z0-9._-]+") || runId.startsWith(".")) {
      throw new IllegalArgumentException(
          "runId must be letters, digits, '.', '_' and '-', but was \"" + runId + "\"");
    }
  }
}
