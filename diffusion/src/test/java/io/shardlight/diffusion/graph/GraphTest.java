package io.shardlight.diffusion.graph;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.ndarray.types.DataType;
import java.util.List;
import org.junit.jupiter.api.Test;

class GraphTest {
  private final GraphBuilder builder = new GraphBuilder("unet");
  private final Node x = builder.input("x", DataType.FLOAT32, 2, 4);
  private final Node y = builder.label("block.layer", builder.multiply(x, x));
  private final Node z = builder.add(y, builder.parameter("bias", 4));

  @Test
  void modulesThatShareAnOutputAreAllFound() {
    builder.label("block", y);
    builder.output("z", z);
    Graph graph = builder.build();

    assertThat(graph.labelled("block.layer")).containsSame(y);
    assertThat(graph.labelled("block")).containsSame(y);
    assertThat(y.label()).isEqualTo("block.layer");
    assertThat(y.labels()).containsExactly("block.layer", "block");
  }

  @Test
  void nodesWithoutModuleAreNamedByWhatTheyAre() {
    assertThat(x.label()).isEqualTo("x");
    assertThat(builder.parameter("bias", 4).label()).isEqualTo("bias");
    assertThat(z.label()).isEqualTo("Add#" + z.id());
  }

  @Test
  void furtherOutputsFollowTheOwnOnes() {
    builder.output("z", z);

    Graph graph = builder.build().withOutputs(List.of("block.layer"));

    assertThat(graph.outputs().keySet()).containsExactly("z", "block.layer");
    assertThat(graph.output("block.layer")).isSameAs(y);
  }

  @Test
  void asksForAnUnknownNameSayWhatThereIs() {
    builder.output("z", z);
    Graph graph = builder.build();

    assertThatThrownBy(() -> graph.withOutputs(List.of("blok")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContainingAll("unet", "\"blok\"");
    assertThatThrownBy(() -> graph.output("y")).hasMessageContainingAll("unet", "\"y\"", "[z]");
    assertThatThrownBy(() -> graph.parameterShape("weight"))
        .hasMessageContainingAll("unet", "\"weight\"");
  }

  @Test
  void usesAreCountedWithOutputs() {
    builder.output("y", y);
    builder.output("z", z);

    int[] uses = builder.build().useCounts();

    assertThat(uses[x.id()]).isEqualTo(2);
    assertThat(uses[y.id()]).isEqualTo(2);
    assertThat(uses[z.id()]).isEqualTo(1);
  }

  @Test
  void nodesAddedAfterBuildingAreNotInTheGraph() {
    builder.output("z", z);
    Graph graph = builder.build();

    builder.scale(z, 2);

    assertThat(graph.nodes()).endsWith(z);
  }
}
