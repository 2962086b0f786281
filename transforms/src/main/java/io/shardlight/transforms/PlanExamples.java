package io.shardlight.transforms;

import io.shardlight.data.Example;
import io.shardlight.data.ExamplePlanner;
import io.shardlight.data.GenerationSettings;
import io.shardlight.data.Prompt;
import org.apache.beam.sdk.metrics.Counter;
import org.apache.beam.sdk.metrics.Metrics;
import org.apache.beam.sdk.transforms.DoFn;
import org.apache.beam.sdk.transforms.PTransform;
import org.apache.beam.sdk.transforms.ParDo;
import org.apache.beam.sdk.values.PCollection;

/**
 * Turns prompts into examples, one for each image asked for, with ids, seeds and defaults as {@link
 * ExamplePlanner} has them. The same prompt gives the same examples wherever and however often it
 * is planned. Metrics: counter {@code examples}.
 */
public final class PlanExamples extends PTransform<PCollection<Prompt>, PCollection<Example>> {
  private final GenerationSettings settings;

  private PlanExamples(GenerationSettings settings) {
    this.settings = settings;
  }

  public static PlanExamples with(GenerationSettings settings) {
    return new PlanExamples(settings);
  }

  @Override
  public PCollection<Example> expand(PCollection<Prompt> prompts) {
    return prompts.apply("Plan", ParDo.of(new PlanFn(settings)));
  }

  static final class PlanFn extends DoFn<Prompt, Example> {
    private final Counter examples = Metrics.counter(PlanExamples.class, "examples");
    private final GenerationSettings settings;
    private transient ExamplePlanner planner;

    PlanFn(GenerationSettings settings) {
      this.settings = settings;
    }

    @Setup
    public void setup() {
      planner = new ExamplePlanner(settings, WildcardFiles.expansion(settings));
    }

    @ProcessElement
    public void plan(@Element Prompt prompt, OutputReceiver<Example> output) {
      planner.plan(
          prompt,
          example -> {
            examples.inc();
            output.output(example);
          });
    }
  }
}
