package io.shardlight.transforms;

import static java.util.stream.Collectors.joining;

import io.shardlight.data.Prompt;
import io.shardlight.data.Rejection;
import io.shardlight.data.TemplateSettings;
import io.shardlight.prompts.PromptFile;
import io.shardlight.prompts.PromptTemplates;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.channels.ReadableByteChannel;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.beam.sdk.io.FileIO;
import org.apache.beam.sdk.io.FileSystems;
import org.apache.beam.sdk.io.fs.EmptyMatchTreatment;
import org.apache.beam.sdk.io.fs.MatchResult;
import org.apache.beam.sdk.metrics.Counter;
import org.apache.beam.sdk.metrics.Metrics;
import org.apache.beam.sdk.options.PipelineOptions;
import org.apache.beam.sdk.transforms.Create;
import org.apache.beam.sdk.transforms.Distinct;
import org.apache.beam.sdk.transforms.DoFn;
import org.apache.beam.sdk.transforms.PTransform;
import org.apache.beam.sdk.transforms.ParDo;
import org.apache.beam.sdk.values.PBegin;
import org.apache.beam.sdk.values.PCollection;
import org.apache.beam.sdk.values.PCollectionTuple;
import org.apache.beam.sdk.values.TupleTag;
import org.apache.beam.sdk.values.TupleTagList;
import org.apache.beam.sdk.values.TypeDescriptors;
import org.jspecify.annotations.Nullable;

/**
 * Reads prompt files, of every format that {@link PromptFile} knows. A file that several patterns
 * match is read once.
 *
 * <p>Every record lands in {@link #PROMPTS}, or in {@link #REJECTIONS} with file, line and reason
 * if it can't be used. A file that can't be read to its end fails the job: what it holds beyond is
 * unknown. Files are read in parallel, each by one worker and never as a whole in memory. Metrics:
 * counters {@code prompts} and {@code rejected}.
 */
public final class ReadPrompts extends PTransform<PBegin, PCollectionTuple> {
  public static final TupleTag<Prompt> PROMPTS = new TupleTag<>("prompts") {};
  public static final TupleTag<Rejection> REJECTIONS = new TupleTag<>("rejections") {};

  private final List<String> patterns;
  private final TemplateSettings templates;

  private ReadPrompts(List<String> patterns, TemplateSettings templates) {
    this.patterns = List.copyOf(patterns);
    this.templates = templates;
  }

  /**
   * @param patterns paths or globs; each must match at least one file, and all must have a format
   *     we know, which is checked before the pipeline starts
   */
  public static ReadPrompts from(List<String> patterns) {
    if (patterns.isEmpty()) {
      throw new IllegalArgumentException("input must name at least one prompt file");
    }
    return new ReadPrompts(patterns, TemplateSettings.OFF);
  }

  /** Rejects prompts that are templates and can't be expanded; {@link PlanExamples} expands. */
  public ReadPrompts withTemplates(TemplateSettings value) {
    return new ReadPrompts(patterns, value);
  }

  /** What is wrong with the patterns, one line a problem; empty if all is well. */
  public static List<String> problems(List<String> patterns) {
    List<String> problems = new ArrayList<>();
    for (String pattern : patterns) {
      try {
        for (MatchResult.Metadata file :
            FileSystems.match(pattern, EmptyMatchTreatment.DISALLOW).metadata()) {
          PromptFile.problem(file.resourceId().toString()).ifPresent(problems::add);
        }
      } catch (FileNotFoundException e) {
        problems.add(
            "input must match a file, but found none for \"" + pattern + "\"; check the path");
      } catch (IOException e) {
        problems.add("input \"" + pattern + "\" cannot be listed: " + e.getMessage());
      }
    }
    return problems;
  }

  @Override
  public void validate(
      @Nullable PipelineOptions options,
      Map<TupleTag<?>, PCollection<?>> inputs,
      Map<TupleTag<?>, PCollection<?>> outputs) {
    List<String> problems = problems(patterns);
    if (!problems.isEmpty()) {
      throw new IllegalArgumentException(problems.stream().collect(joining("\n")));
    }
  }

  @Override
  public PCollectionTuple expand(PBegin input) {
    return input
        .apply("Patterns", Create.of(patterns))
        .apply("Match", FileIO.matchAll().withEmptyMatchTreatment(EmptyMatchTreatment.DISALLOW))
        .apply(
            "Once",
            Distinct.withRepresentativeValueFn(
                    (MatchResult.Metadata file) -> file.resourceId().toString())
                .withRepresentativeType(TypeDescriptors.strings()))
        .apply("Open", FileIO.readMatches())
        .apply(
            "Read",
            ParDo.of(new ReadFn(templates)).withOutputTags(PROMPTS, TupleTagList.of(REJECTIONS)));
  }

  static final class ReadFn extends DoFn<FileIO.ReadableFile, Prompt> {
    private final Counter prompts = Metrics.counter(ReadPrompts.class, "prompts");
    private final Counter rejected = Metrics.counter(ReadPrompts.class, "rejected");
    private final TemplateSettings settings;
    private transient Optional<PromptTemplates> templates = Optional.empty();

    ReadFn(TemplateSettings settings) {
      this.settings = settings;
    }

    @Setup
    public void setup() {
      // Nothing is drawn here, so any seed does.
      templates =
          settings.expand() ? Optional.of(WildcardFiles.templates(settings, 0)) : Optional.empty();
    }

    @ProcessElement
    public void read(@Element FileIO.ReadableFile file, MultiOutputReceiver output)
        throws IOException {
      String name = file.getMetadata().resourceId().toString();
      PromptFile.Records records =
          new PromptFile.Records() {
            @Override
            public void prompt(Prompt prompt) {
              Optional<String> problem = templates.flatMap(t -> t.problem(prompt));
              if (problem.isPresent()) {
                rejection(new Rejection(prompt.source(), problem.get()));
                return;
              }
              prompts.inc();
              output.get(PROMPTS).output(prompt);
            }

            @Override
            public void rejection(Rejection rejection) {
              rejected.inc();
              output.get(REJECTIONS).output(rejection);
            }
          };
      try (ReadableByteChannel channel = file.open()) {
        PromptFile.read(name, channel, records);
      } catch (IOException e) {
        throw new IOException(
            "wanted to read "
                + name
                + " to its end, but could not"
                + (e.getMessage() == null ? "" : ": " + e.getMessage()),
            e);
      }
    }
  }
}
