package io.shardlight.transforms;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.shardlight.data.CanonicalJson;
import io.shardlight.data.DatasetPaths;
import io.shardlight.data.ObjectStore;
import io.shardlight.data.Rejection;
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
 * tries failed images again, which may have read another input. A job that extends a dataset puts
 * them in the place of what a shorter file gave. The output is the number written.
 */
final class WriteRejections extends PTransform<PCollection<Rejection>, PCollection<Long>> {
  /** Bounds what one worker holds in memory. */
  private static final long LINES_PER_OBJECT = 10_000;

  private final String output;
  private final String runId;
  private final RunScope scope;
  private final PCollectionView<Long> examples;

  private WriteRejections(
      String output, String runId, RunScope scope, PCollectionView<Long> examples) {
    this.output = output;
    this.runId = runId;
    this.scope = scope;
    this.examples = examples;
  }

  /**
   * @param examples how many the job has
   */
  static WriteRejections to(
      String output, String runId, RunScope scope, PCollectionView<Long> examples) {
    return new WriteRejections(output, runId, scope, examples);
  }

  @Override
  public PCollection<Long> expand(PCollection<Rejection> rejections) {
    return rejections
        .apply("Name", WithKeys.of(WriteRejections::name).withKeyType(TypeDescriptors.strings()))
        .apply("Gather", GroupByKey.create())
        .apply("Write", ParDo.of(new WriteFn(this)).withSideInputs(examples))
        .apply("Count", Sum.longsGlobally());
  }

  private static String name(Rejection rejection) {
    return DatasetPaths.rejected(
        rejection.source().fileName(), rejection.source().line() / LINES_PER_OBJECT);
  }

  private static final class WriteFn extends DoFn<KV<String, Iterable<Rejection>>, Long> {
    private final String output;
    private final String runId;
    private final RunScope scope;
    private final PCollectionView<Long> examples;

    WriteFn(WriteRejections transform) {
      this.output = transform.output;
      this.runId = transform.runId;
      this.scope = transform.scope;
      this.examples = transform.examples;
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
      String name = context.element().getKey();
      byte[] content = lines.toString().getBytes(StandardCharsets.UTF_8);
      if (scope.retriesFailed() || context.sideInput(examples) == 0) {
        store.createOrAdopt("runs/" + runId + "/" + name, content);
      } else if (scope.addsPart()) {
        store.replace(name, content);
      } else {
        store.createOrAdopt(name, content);
      }
      context.output((long) rejections.size());
    }
  }
}
