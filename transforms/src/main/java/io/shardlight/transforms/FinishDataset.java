package io.shardlight.transforms;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.shardlight.data.CommittedShards;
import io.shardlight.data.DatasetPart;
import io.shardlight.data.DatasetPaths;
import io.shardlight.data.Example;
import io.shardlight.data.GenerationSettings;
import io.shardlight.data.LeaseKeeper;
import io.shardlight.data.ObjectStore;
import io.shardlight.data.Rejection;
import io.shardlight.data.RunIdentity;
import io.shardlight.data.RunLease;
import io.shardlight.data.RunScope;
import io.shardlight.data.ShardFacts;
import io.shardlight.data.ShardReport;
import io.shardlight.gallery.DatasetGallery;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.apache.beam.sdk.transforms.Count;
import org.apache.beam.sdk.transforms.Create;
import org.apache.beam.sdk.transforms.DoFn;
import org.apache.beam.sdk.transforms.PTransform;
import org.apache.beam.sdk.transforms.ParDo;
import org.apache.beam.sdk.transforms.Sum;
import org.apache.beam.sdk.transforms.View;
import org.apache.beam.sdk.transforms.Wait;
import org.apache.beam.sdk.values.PCollection;
import org.apache.beam.sdk.values.PCollectionTuple;
import org.apache.beam.sdk.values.PCollectionView;
import org.apache.beam.sdk.values.TupleTag;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Checks that every image asked for is accounted for and finishes the dataset: rejected records,
 * sidecar, {@code dataset.json}, {@code README.md}, the gallery of up to {@value
 * DatasetGallery#AT_END_OF_JOB} rows, then {@code _SUCCESS}, and the run's report, which speaks of
 * success only where {@code _SUCCESS} is. It all happens inside the pipeline, because a template's
 * {@code main} is gone by then.
 *
 * <p>The job fails, without {@code _SUCCESS}, if the sums differ, if more than {@code
 * maxFailureRatio} of the images failed, or if there was not one usable prompt: an empty dataset
 * marked as done would hide a wrong path or filter. The run's report is written nevertheless. On
 * retry everything written is the same, and adopted. The output is the report's text.
 */
public final class FinishDataset extends PTransform<PCollectionTuple, PCollection<String>> {
  /** All examples planned, duplicates included. */
  public static final TupleTag<Example> EXAMPLES = new TupleTag<>("examples") {};

  /** All records rejected. */
  public static final TupleTag<Rejection> REJECTIONS = new TupleTag<>("rejections") {};

  /** A report a shard. */
  public static final TupleTag<ShardReport> REPORTS = new TupleTag<>("reports") {};

  /** Numbers of examples that are left as they are, as {@link AssignShards} counts them. */
  public static final TupleTag<Long> PRESENT = AssignShards.PRESENT;

  private static final Logger LOG = LoggerFactory.getLogger(FinishDataset.class);

  private final GenerationSettings settings;
  private final String output;
  private final RunIdentity run;
  private final RunScope scope;

  private FinishDataset(
      GenerationSettings settings, String output, RunIdentity run, RunScope scope) {
    this.settings = settings;
    this.output = output;
    this.run = run;
    this.scope = scope;
  }

  /**
   * @param output root of the dataset, as {@link ObjectStore#requireRoot} takes it
   * @param run names the folder of its report
   */
  public static FinishDataset with(
      GenerationSettings settings, String output, RunIdentity run, RunScope scope) {
    ObjectStore.requireRoot(output);
    return new FinishDataset(settings, output, run, scope);
  }

  @Override
  public PCollection<String> expand(PCollectionTuple input) {
    PCollectionView<Long> asked =
        input
            .get(EXAMPLES)
            .apply("CountExamples", CountExamples.create())
            .apply("Asked", View.asSingleton());
    PCollectionView<Long> shards =
        input
            .get(REPORTS)
            .apply("CountShards", Count.globally())
            .apply("Shards", View.asSingleton());
    PCollectionView<Long> rejected =
        input
            .get(REJECTIONS)
            // Not before the output is known to be ours, which the shards' makers waited for.
            .apply("AfterShards", Wait.on(input.get(REPORTS)))
            .apply("WriteRejections", WriteRejections.to(output, run, scope, asked, shards))
            .apply("Rejected", View.asSingleton());
    PCollectionView<Long> present =
        input
            .get(PRESENT)
            .apply("CountPresent", Sum.longsGlobally())
            .apply("Present", View.asSingleton());
    PCollectionView<List<ShardReport>> reports = input.get(REPORTS).apply("Reports", View.asList());
    return input
        .getPipeline()
        .apply("Once", Create.of(run.runId()))
        .apply(
            "Finish",
            ParDo.of(new FinishFn(this, asked, present, rejected, reports))
                .withSideInputs(asked, present, rejected, reports));
  }

  private static final class FinishFn extends DoFn<String, String> {
    private final GenerationSettings settings;
    private final String output;
    private final RunIdentity run;
    private final RunScope scope;
    private final PCollectionView<Long> asked;
    private final PCollectionView<Long> present;
    private final PCollectionView<Long> rejected;
    private final PCollectionView<List<ShardReport>> reports;

    FinishFn(
        FinishDataset transform,
        PCollectionView<Long> asked,
        PCollectionView<Long> present,
        PCollectionView<Long> rejected,
        PCollectionView<List<ShardReport>> reports) {
      this.settings = transform.settings;
      this.output = transform.output;
      this.run = transform.run;
      this.scope = transform.scope;
      this.asked = asked;
      this.present = present;
      this.rejected = rejected;
      this.reports = reports;
    }

    @ProcessElement
    public void finish(ProcessContext context) throws IOException, InterruptedException {
      ObjectStore store = ObjectStore.open(output, context.getPipelineOptions());
      RunLease lease = new RunLease(store, run);
      lease.requireSameStore();
      // One with nothing to make has claimed nothing.
      lease.resume();
      // Whoever submitted the job may be gone, and a set of many shards takes a while.
      LeaseKeeper.during(lease, () -> finish(context, store, lease));
    }

    private void finish(ProcessContext context, ObjectStore store, RunLease lease)
        throws IOException, InterruptedException {
      String runId = context.element();
      // A run with nothing to try again claims nothing, and may find a retry that was stopped.
      ShardRetry.finishAll(store);
      ShardRetry.discardUndecided(store);
      List<ShardReport> made = context.sideInput(reports);
      RunTotals totals =
          new RunTotals(
              scope,
              context.sideInput(asked),
              context.sideInput(present),
              context.sideInput(rejected),
              made,
              others(store, made));

      // 1. What failed is reported too.
      Optional<String> problem = unfinished(store, made).or(() -> totals.problem(settings));
      ObjectNode facts = totals.report(runId, settings.maxFailureRatio(), problem);
      if (!run.request().isEmpty()) {
        facts.put("request_sha256", run.request());
      }
      if (problem.isPresent()) {
        report(store, runId, facts);
        lease.release();
        throw new IllegalStateException(problem.get());
      }

      // 2. The dataset's own files, unless nothing has changed.
      lease.requireHeld();
      if (scope.isPartial() && made.isEmpty() && store.exists(DatasetPaths.SUCCESS)) {
        String report = report(store, runId, facts);
        lease.release();
        context.output(report);
        return;
      }
      long listed = scope.isPartial() ? rejections(store) : totals.rejected();
      DatasetCard card = new DatasetCard(settings, totals, listed, DatasetPart.list(store));
      switch (settings.layout()) {
        case WEBDATASET -> {} // Each image has its text beside it.
        case FILES -> Sidecar.write(store, totals.shards());
      }
      store.createOrAdopt(DatasetPaths.DATASET_JSON, bytes(card.json()));
      store.createOrAdopt(DatasetPaths.CARD, bytes(card.markdown()));

      // 3. The pictures of all pictures.
      if (totals.counts().rows() <= DatasetGallery.AT_END_OF_JOB && !drawn(store)) {
        DatasetGallery.of(store, true).draw();
      }

      // 4. Done, unless another run is at it by now, and only now reported as that.
      lease.requireHeld();
      store.createOrAdopt(DatasetPaths.SUCCESS, new byte[0]);
      String report = report(store, runId, facts);
      if (store.exists(DatasetPaths.OVERWRITE)) {
        store.delete(List.of(DatasetPaths.OVERWRITE));
      }
      // Runs before this one were killed, or have lost the lease.
      Optional<Instant> since = lease.since();
      if (since.isPresent()) {
        store.discardTemporaries(since.get());
      }
      lease.release();
      LOG.info(
          "Finished {}: {} images, {} failed, {} records rejected",
          store.root(),
          totals.counts().ok(),
          totals.counts().failed(),
          totals.rejected());
      context.output(report);
    }

    /** Writes and logs the run's report, and gives its text. A retry keeps the first. */
    private static String report(ObjectStore store, String runId, ObjectNode facts)
        throws IOException {
      String report = DatasetCard.pretty(facts);
      store.create(DatasetPaths.report(runId), bytes(report));
      // Where logs are kept, alerts are made of this line: terraform/alerts has its form.
      LOG.info("Report of run {}: {}", runId, facts);
      return report;
    }

    /** The dataset's shards that this run has not looked at. */
    private List<ShardFacts> others(ObjectStore store, List<ShardReport> made) throws IOException {
      if (!scope.isPartial()) {
        return List.of();
      }
      Set<Integer> numbers = new HashSet<>();
      made.forEach(report -> numbers.add(report.key().number()));
      return CommittedShards.list(store).stream()
          .filter(shard -> !numbers.contains(shard.shard()))
          .toList();
    }

    /** A part that was begun has examples of its own, and none of them was asked for. */
    private Optional<String> unfinished(ObjectStore store, List<ShardReport> made)
        throws IOException {
      return scope.addsPart() && made.isEmpty() && store.exists(DatasetPaths.plan(scope.part()))
          ? Optional.of(
              "output "
                  + store.root()
                  + " is being extended by other prompts, and all of these are there; run with"
                  + " those prompts and mode=extend to finish it first")
          : Optional.empty();
    }

    /** Records in all that is listed as rejected, a line each. */
    private static long rejections(ObjectStore store) throws IOException {
      long lines = 0;
      for (String name : store.list("rejected/")) {
        try (BufferedReader in =
            new BufferedReader(new InputStreamReader(store.read(name), StandardCharsets.UTF_8))) {
          lines += in.lines().count();
        }
      }
      return lines;
    }

    /** By the run that finished the dataset. One without end was drawn of fewer rows. */
    private static boolean drawn(ObjectStore store) throws IOException {
      return store.exists(DatasetPaths.SUCCESS)
          && store.exists(DatasetPaths.GALLERY)
          && store.exists(DatasetPaths.CONTACT_SHEET);
    }

    private static byte[] bytes(String text) {
      return text.getBytes(StandardCharsets.UTF_8);
    }
  }
}
