package io.shardlight.diffusion.graph;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.ndarray.types.DataType;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class GraphBuilderTest {
  private final GraphBuilder graph = new GraphBuilder("unet");
  private final Node image = graph.input("image", DataType.FLOAT32, 2, 4, 6, 8);
  private final Node tokens = graph.input("tokens", DataType.FLOAT32, 2, 5, 4);
  private final Node ids = graph.input("ids", DataType.INT64, 2, 5);
  private int next;

  @Test
  void convolutionsInferTheirSize() {
    Node weight = parameter(7, 4, 3, 3);
    Node bias = parameter(7);

    assertShape(graph.conv2d(image, weight, bias, 1, 1), 2, 7, 6, 8);
    assertShape(graph.conv2d(image, weight, bias, 2, 1), 2, 7, 3, 4);
    assertShape(graph.conv2d(image, weight, bias, 1, 0), 2, 7, 4, 6);
    assertShape(graph.conv2d(image, weight, bias, new Op.Conv2d(2, 0, 0, 1, 1)), 2, 7, 3, 4);
    assertShape(graph.conv2d(image, weight, bias, new Op.Conv2d(1, 0, 0, 0, 1)), 2, 7, 4, 7);
  }

  @Test
  void otherOperationsInferTheirShape() {
    assertShape(graph.linear(tokens, parameter(7, 4), parameter(7)), 2, 5, 7);
    assertShape(graph.linear(tokens, parameter(7, 4)), 2, 5, 7);
    assertShape(graph.groupNorm(image, parameter(4), parameter(4), 2, 1e-5f), 2, 4, 6, 8);
    assertShape(graph.layerNorm(tokens, parameter(4), parameter(4), 1e-5f), 2, 5, 4);
    assertShape(graph.add(tokens, parameter(5, 4)), 2, 5, 4);
    assertShape(graph.addPerChannel(image, parameter(2, 4)), 2, 4, 6, 8);
    assertShape(graph.attention(tokens, other(2, 9, 4), other(2, 9, 4), 2, 1, false), 2, 5, 4);
    assertShape(graph.concat(image, other(2, 3, 6, 8), 1), 2, 7, 6, 8);
    assertShape(graph.slice(image, 2, 1, 4), 2, 4, 3, 8);
    assertShape(graph.upsampleNearest2x(image), 2, 4, 12, 16);
    assertShape(graph.flattenSpatial(image), 2, 48, 4);
    assertShape(graph.unflattenSpatial(graph.flattenSpatial(image), 6, 8), 2, 4, 6, 8);
    assertShape(graph.embedding(parameter(100, 3), ids), 2, 5, 3);
    assertShape(graph.sinusoidalEmbedding(other(2), 10, true, 0), 2, 10);
    assertThat(graph.slice(ids, 1, 0, 3).dataType()).isEqualTo(DataType.INT64);
  }

  static List<Mistake> mistakes() {
    return List.of(
        new Mistake(
            "conv2d channels",
            t -> t.graph.conv2d(t.image, t.parameter(7, 5, 3, 3), t.parameter(7), 1, 1)),
        new Mistake(
            "conv2d bias",
            t -> t.graph.conv2d(t.image, t.parameter(7, 4, 3, 3), t.parameter(4), 1, 1)),
        new Mistake(
            "conv2d rank",
            t -> t.graph.conv2d(t.tokens, t.parameter(7, 4, 3, 3), t.parameter(7), 1, 1)),
        new Mistake(
            "conv2d kernel",
            t -> t.graph.conv2d(t.image, t.parameter(7, 4, 7, 7), t.parameter(7), 1, 0)),
        new Mistake("linear", t -> t.graph.linear(t.tokens, t.parameter(4, 7), t.parameter(4))),
        new Mistake(
            "linear bias", t -> t.graph.linear(t.tokens, t.parameter(7, 4), t.parameter(4))),
        new Mistake(
            "groupNorm groups",
            t -> t.graph.groupNorm(t.image, t.parameter(4), t.parameter(4), 3, 1)),
        new Mistake(
            "groupNorm weight",
            t -> t.graph.groupNorm(t.image, t.parameter(2), t.parameter(4), 2, 1)),
        new Mistake(
            "layerNorm", t -> t.graph.layerNorm(t.tokens, t.parameter(5), t.parameter(5), 1)),
        new Mistake("add", t -> t.graph.add(t.tokens, t.parameter(4, 5))),
        new Mistake("add of more axes", t -> t.graph.add(t.tokens, t.other(1, 2, 5, 4))),
        new Mistake("addPerChannel", t -> t.graph.addPerChannel(t.image, t.parameter(4))),
        new Mistake("multiply", t -> t.graph.multiply(t.tokens, t.parameter(5, 4))),
        new Mistake("clamp", t -> t.graph.clamp(t.tokens, 1, 0)),
        new Mistake(
            "attention heads", t -> t.graph.attention(t.tokens, t.tokens, t.tokens, 3, 1, false)),
        new Mistake(
            "attention value",
            t -> t.graph.attention(t.tokens, t.tokens, t.other(2, 9, 4), 2, 1, false)),
        new Mistake(
            "causal attention",
            t -> t.graph.attention(t.tokens, t.other(2, 9, 4), t.other(2, 9, 4), 2, 1, true)),
        new Mistake("concat", t -> t.graph.concat(t.image, t.other(2, 4, 5, 8), 1)),
        new Mistake("concat ranks", t -> t.graph.concat(t.image, t.tokens, 1)),
        new Mistake("slice end", t -> t.graph.slice(t.image, 1, 2, 5)),
        new Mistake("slice nothing", t -> t.graph.slice(t.image, 1, 2, 2)),
        new Mistake("slice axis", t -> t.graph.slice(t.image, 4, 0, 1)),
        new Mistake("upsampleNearest2x", t -> t.graph.upsampleNearest2x(t.tokens)),
        new Mistake("unflattenSpatial", t -> t.graph.unflattenSpatial(t.tokens, 2, 3)),
        new Mistake("embedding ids", t -> t.graph.embedding(t.parameter(100, 3), t.other(2, 5))),
        new Mistake(
            "sinusoidalEmbedding", t -> t.graph.sinusoidalEmbedding(t.other(2), 9, true, 0)),
        new Mistake("parameter twice", t -> t.twice("w")));
  }

  @ParameterizedTest
  @MethodSource("mistakes")
  void operandsThatDoNotFitAreRefused(Mistake mistake) {
    assertThatThrownBy(() -> mistake.step().accept(this))
        .isInstanceOf(ShapeMismatchException.class)
        .hasMessageStartingWith("unet: shapes do not fit: ");
  }

  @Test
  void messagesNameTheOperandsAndTheirShapes() {
    Node weight = graph.parameter("conv_in.weight", 7, 5, 3, 3);
    Node bias = graph.parameter("conv_in.bias", 7);

    assertThatThrownBy(() -> graph.conv2d(image, weight, bias, 1, 1))
        .hasMessageContainingAll("image (2, 4, 6, 8)", "conv_in.weight (7, 5, 3, 3)");
  }

  @Test
  void aParameterIsOneNode() {
    assertThat(graph.parameter("w", 4)).isSameAs(graph.parameter("w", 4));
  }

  @Test
  void refusesANodeOfAnotherGraph() {
    Node foreign = new GraphBuilder("vae").input("image", DataType.FLOAT32, 2, 4, 6, 8);

    assertThatThrownBy(() -> graph.activate(foreign, Activation.SILU))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContainingAll("image (2, 4, 6, 8)", "another graph than unet");
  }

  @Test
  void refusesTwoNodesOfOneName() {
    graph.label("conv_in", graph.scale(image, 2));
    graph.output("out", image);

    assertThatThrownBy(() -> graph.label("conv_in", image)).hasMessageContaining("\"conv_in\"");
    assertThatThrownBy(() -> graph.output("out", image)).hasMessageContaining("\"out\"");
    assertThatThrownBy(() -> graph.input("image", DataType.FLOAT32, 1))
        .hasMessageContaining("\"image\"");
  }

  @Test
  void refusesAnInputWithoutElements() {
    assertThatThrownBy(() -> graph.input("empty", DataType.FLOAT32, 0, 4))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContainingAll("unet", "\"empty\"", "(0, 4)");
  }

  @Test
  void refusesAGraphWithoutOutput() {
    assertThatThrownBy(graph::build)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("unet has no output");
  }

  private void twice(String name) {
    graph.parameter(name, 4);
    graph.parameter(name, 5);
  }

  private Node other(long... shape) {
    return graph.input("input" + next++, DataType.FLOAT32, shape);
  }

  private Node parameter(long... shape) {
    return graph.parameter("parameter" + next++, shape);
  }

  private static void assertShape(Node node, long... shape) {
    assertThat(node.shape().getShape()).containsExactly(shape);
  }

  private record Mistake(String name, Consumer<GraphBuilderTest> step) {
    @Override
    public String toString() {
      return name;
    }
  }
}
