package io.shardlight.transforms;

import io.shardlight.data.RunScope;
import java.util.List;
import java.util.Optional;

/** Reports of runs that are awkward to have. */
public final class ReportText {
  private ReportText() {}

  /** Of a run that drew nothing and failed. */
  public static String ofNothing(String problem) {
    return new RunTotals(RunScope.INCREMENTAL, 3, 0, 17, List.of(), List.of())
        .report("some-run", 0.01, Optional.of(problem))
        .toString();
  }
}
