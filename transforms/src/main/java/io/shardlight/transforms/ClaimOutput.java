package io.shardlight.transforms;

import io.shardlight.data.DatasetMode;
import io.shardlight.data.DatasetPaths;
import io.shardlight.data.DatasetPlan;
import io.shardlight.data.Example;
import io.shardlight.data.GenerationSettings;
import io.shardlight.data.LeaseKeeper;
import io.shardlight.data.ObjectStore;
import io.shardlight.data.PlanDigest;
import io.shardlight.data.RunIdentity;
import io.shardlight.data.RunLease;
import io.shardlight.data.RunScope;
import io.shardlight.data.ShardKey;
import java.io.IOException;
import org.apache.beam.sdk.options.PipelineOptions;
import org.apache.beam.sdk.transforms.DoFn;
import org.apache.beam.sdk.transforms.PTransform;
import org.apache.beam.sdk.transforms.ParDo;
import org.apache.beam.sdk.transforms.Wait;
import org.apache.beam.sdk.values.KV;
import org.apache.beam.sdk.values.PCollection;

/**
 * Holds examples back until the output is known to be theirs: empty, or begun by a run with the
 * same settings and the same examples, or, by the run's {@link RunScope}, one that may be extended,
 * tried again or overwritten; and no other run is at it. If it is another dataset's, the job fails
 * before anything is generated, and the message names every setting that differs; so it does while
 * another run has the {@link RunLease}. A job without examples claims nothing.
 */
public final class ClaimOutput
    extends PTransform<PCollection<KV<ShardKey, Example>>, PCollection<KV<ShardKey, Example>>> {
  private final GenerationSettings settings;
  private final String output;
  private final RunIdentity run;
  private final RunScope scope;

  private ClaimOutput(GenerationSettings settings, String output, RunIdentity run, RunScope scope) {
    this.settings = settings;
    this.output = output;
    this.run = run;
    this.scope = scope;
  }

  /**
   * @param output root of the dataset, as {@link ObjectStore#requireRoot} takes it
   */
  public static ClaimOutput with(
      GenerationSettings settings, String output, RunIdentity run, RunScope scope) {
    ObjectStore.requireRoot(output);
    return new ClaimOutput(settings, output, run, scope);
  }

  @Override
  public PCollection<KV<ShardKey, Example>> expand(PCollection<KV<ShardKey, Example>> examples) {
    PCollection<PlanDigest> claimed =
        examples
            .apply("Digest", DigestExamples.create())
            .apply("Claim", ParDo.of(new ClaimFn(settings, output, run, scope)));
    return examples.apply("Wait", Wait.on(claimed));
  }

  private static final class ClaimFn extends DoFn<PlanDigest, PlanDigest> {
    private final GenerationSettings settings;
    private final String output;
    private final RunIdentity run;
    private final RunScope scope;

    ClaimFn(GenerationSettings settings, String output, RunIdentity run, RunScope scope) {
      this.settings = settings;
      this.output = output;
      this.run = run;
      this.scope = scope;
    }

    @ProcessElement
    public void claim(
        @Element PlanDigest digest, OutputReceiver<PlanDigest> claimed, PipelineOptions options)
        throws IOException, InterruptedException {
      if (digest.examples() > 0) {
        claim(ObjectStore.open(output, options), digest);
      }
      LocalProgress.of(output).plan(digest.examples());
      claimed.output(digest);
    }

    /** The lease first, so that nobody is at work on what may be erased. */
    private void claim(ObjectStore store, PlanDigest digest)
        throws IOException, InterruptedException {
      if (hasOverwritten(store)) {
        return;
      }
      RunLease lease = new RunLease(store, run);
      lease.requireSameStore();
      lease.take();
      // To erase a large dataset takes longer than others would wait.
      LeaseKeeper.during(
          lease,
          () -> {
            ShardRetry.finishAll(store);
            DatasetPlan.claim(store, settings, digest, scope);
          });
    }

    /**
     * Whether this very run has made the dataset anew already: a runner that starts a job again
     * does not know, and what was made must not be erased.
     */
    private boolean hasOverwritten(ObjectStore store) throws IOException {
      return scope.mode() == DatasetMode.OVERWRITE
          && store.exists(DatasetPaths.report(run.runId()))
          && store.exists(DatasetPaths.SUCCESS);
    }
  }
}
