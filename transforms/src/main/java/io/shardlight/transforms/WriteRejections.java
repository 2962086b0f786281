package io.shardlight.transforms;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.shardlight.data.CanonicalJson;
import io.shardlight.data.DatasetPaths;
import io.shardlight.data.ObjectStore;
import io.shardlight.data.Rejection;
import io.shardlight.data.RunIdentity;
import io.shardlight.data.RunLease;
import io.shardlight.data.RunScope;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.apache.beam.sdk.transforms.DoFn;
import org.apache.beam.sdk.transforms.GroupByKey;
import org.apache.beam.sdk.transforms.PTransform;
import org.apache.beam.sdk.transforms.ParDo;
import org.apache.beam.sdk.transforms.Sum;
import org.apache.beam.sdk.transforms.WithKeys;
import org.apache.beam.sdk.values.KV;
import org.apache.beam.sdk.values.PCollection;
import org.apache.beam.sdk.values.PCollectionView;
import org.apache.beam.sdk.values.TypeDescriptors;

/**
 * Writes rejected records as JSON lines with the file's name, line and reason: an object for each
 * 10,000 lines of a prompt file that have any, the same on every retry. A job without examples
 * leaves no dataset; its rejections go below {@code runs/<runId>/}, and so do those of a job that
 * adds nothing or tries failed images again, which may have read another input. A job that extends
 * a dataset puts them in the place of what a shorter file gave. The output is the number written.
 */
final class WriteRejections extends PTransform<PCollection<Rejection>, PCollection<Long>> {
  /** Bounds what one worker holds in memory. */
  private static final long LINES_PER_OBJECT = 10_000;

  private final String output;
  private final RunIdentity run;
  private final RunScope scope;
  private final PCollectionView<Long> examples;
  private final PCollectionView<Long> shards;

  private WriteRejections(
      String output,
      RunIdentity run,
      RunScope scope,
      PCollectionView<Long> examples,
      PCollectionView<Long> shards) {
    this.output = output;
    this.run = run;
    this.scope = scope;
    this.examples = examples;
    this.shards = shards;
  }

  /**
   * @param examples how many the job has
   * @param shards how many it has made
   */
  static WriteRejections to(
      String output,
      RunIdentity run,
      RunScope scope,
      PCollectionView<Long> examples,
      PCollectionView<Long> shards) {
    return new WriteRejections(output, run, scope, examples, shards);
  }

  @Override
  public PCollection<Long> expand(PCollection<Rejection> rejections) {
    return rejections
        .apply("Name", WithKeys.of(WriteRejections::name).withKeyType(TypeDescriptors.strings()))
        .apply("Gather", GroupByKey.create())
        .apply("Write", ParDo.of(new WriteFn(this)).withSideInputs(examples, shards))
        .apply("Count", Sum.longsGlobally());
  }

  private static String name(Rejection rejection) {
    return DatasetPaths.rejected(
        rejection.source().fileName(), rejection.source().line() / LINES_PER_OBJECT);
  }

  private static final class WriteFn extends DoFn<KV<String, Iterable<Rejection>>, Long> {
    private final String output;
    private final RunIdentity run;
    private final RunScope scope;
    private final PCollectionView<Long> examples;
    private final PCollectionView<Long> shards;

    WriteFn(WriteRejections transform) {
      this.output = transform.output;
      this.run = transform.run;
      this.scope = transform.scope;
      this.examples = transform.examples;
      this.shards = transform.shards;
    }

    @ProcessElement
    public void write(ProcessContext context) throws IOException {
      List<Rejection> rejections = new ArrayList<>();
      context.element().getValue().forEach(rejections::add);
      // As the bytes must be the same wherever the files lie, the order is by what is written.
      rejections.sort(
          Comparator.comparing((Rejection rejection) -> rejection.source().fileName())
              .thenComparingLong(rejection -> rejection.source().line())
              .thenComparing(Rejection::reason));
      StringBuilder lines = new StringBuilder();
      for (Rejection rejection : rejections) {
        lines
            .append(
                CanonicalJson.write(
                    JsonNodeFactory.instance
                        .objectNode()
                        .put("file", rejection.source().fileName())
                        .put("line", rejection.source().line())
                        .put("reason", rejection.reason())))
            .append('\n');
      }
      ObjectStore store = ObjectStore.open(output, context.getPipelineOptions());
      new RunLease(store, run).requireSameStore();
      String name = context.element().getKey();
      byte[] content = lines.toString().getBytes(StandardCharsets.UTF_8);
      boolean changesNothing = scope.isPartial() && context.sideInput(shards) == 0;
      if (scope.retriesFailed() || changesNothing || context.sideInput(examples) == 0) {
        store.createOrAdopt("runs/" + run.runId() + "/" + name, content);
      } else if (scope.addsPart()) {
        store.replace(name, content);
      } else {
        store.createOrAdopt(name, content);
      }
      context.output((long) rejections.size());
    }
  }
}
