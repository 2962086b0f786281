package io.shardlight.engines.pjrt;

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

/** Every operation alone, compiled and run by XLA, against double precision. */
class OperationsTest {
  /** Half a unit in the last of bfloat16's 8 bits, for inputs, weights, sums and the result. */
  private static final double BFLOAT16 = 4.0 / 256;

  private final Path directory;

  OperationsTest(@TempDir Path directory) {
    this.directory = directory;
  }

  private static Stream<OperationCase> operations() {
    return Stream.concat(
        OperationCase.withConvolutions().stream(), OperationCase.others().stream());
  }

  @TestFactory
  Stream<DynamicTest> operationsAreExactInFloat32() {
    return operations().map(operation -> test(operation, ElementType.F32, operation.tolerance()));
  }

  @TestFactory
  Stream<DynamicTest> operationsAreCloseInBfloat16() {
    return operations().map(operation -> test(operation, ElementType.BF16, BFLOAT16));
  }

  private DynamicTest test(OperationCase operation, ElementType precision, double tolerance) {
    return DynamicTest.dynamicTest(
        operation.name() + ", " + precision,
        () -> {
          Graph graph = operation.graph();
          StoredParameters parameters =
              StoredParameters.random(graph, directory.resolve("weights"), 1, true);
          Map<String, double[]> inputs = OperationCase.inputs(graph);
          double[] exact =
              new GraphInterpreter(graph, parameters).run(inputs).values().iterator().next();

          float[] computed = new GraphOnXla(graph, parameters, precision).run(inputs).get(0);

          assertThat(Difference.ofLargest(computed, exact)).isLessThanOrEqualTo(tolerance);
        });
  }
}
