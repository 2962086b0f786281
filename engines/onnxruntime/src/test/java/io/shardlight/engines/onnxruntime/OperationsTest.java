package io.shardlight.engines.onnxruntime;

import static org.assertj.core.api.Assertions.assertThat;

import io.shardlight.diffusion.graph.Graph;
import io.shardlight.diffusion.graph.GraphInterpreter;
import io.shardlight.lowerings.Difference;
import io.shardlight.lowerings.OperationCase;
import io.shardlight.lowerings.StoredParameters;
import java.nio.file.Path;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/** Every operation alone, lowered in all forms, against double precision. */
class OperationsTest {
  private final Path directory;

  OperationsTest(@TempDir Path directory) {
    this.directory = directory;
  }

  /** All of Winograd's forms on images of a few pixels, whole and in strips. */
  private static final Map<String, OnnxLowering> FUSED =
      Map.of(
          "fused", new OnnxLowering(),
          "F4", new OnnxLowering(new ConvolutionPlan(1, 1, 1, 1 << 24, 1 << 24)),
          "F4 in strips", new OnnxLowering(new ConvolutionPlan(1, 1, 1, 1, 1)),
          "F2", new OnnxLowering(new ConvolutionPlan(1000, 1, 1, 1 << 24, 1)),
          "F2 in strips", new OnnxLowering(new ConvolutionPlan(1000, 1, 1, 1, 1 << 24)));

  @TestFactory
  Stream<DynamicTest> convolutionsAreExactInEveryForm() {
    return OperationCase.withConvolutions().stream()
        .flatMap(
            operation ->
                Stream.concat(
                    Stream.of(test("plain", new OnnxLowering(), operation, 1)),
                    FUSED.entrySet().stream()
                        .map(
                            form ->
                                test(
                                    form.getKey(),
                                    form.getValue(),
                                    operation,
                                    form.getKey().startsWith("F4") ? 10 : 1))));
  }

  @TestFactory
  Stream<DynamicTest> operationsAreExact() {
    return OperationCase.others().stream()
        .flatMap(
            operation ->
                Stream.of("plain", "fused")
                    .map(form -> test(form, new OnnxLowering(), operation, 1)));
  }

  private DynamicTest test(
      String form, OnnxLowering lowering, OperationCase operation, double slack) {
    return DynamicTest.dynamicTest(
        operation.name() + ", " + form,
        () -> {
          Graph graph = operation.graph();
          StoredParameters parameters =
              StoredParameters.random(graph, directory.resolve("weights"), 1, true);
          Map<String, double[]> inputs = OperationCase.inputs(graph);
          double[] exact =
              new GraphInterpreter(graph, parameters).run(inputs).values().iterator().next();
          try (Lowered lowered =
              Lowered.load(
                  lowering, graph, parameters, Lowered.options(!form.equals("plain"), directory))) {
            assertThat(Difference.ofLargest(lowered.run(inputs).get(0), exact))
                .isLessThanOrEqualTo(slack * operation.tolerance());
          }
        });
  }
}
