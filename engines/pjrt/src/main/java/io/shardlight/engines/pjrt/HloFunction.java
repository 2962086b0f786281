package io.shardlight.engines.pjrt;

import ai.djl.ndarray.types.Shape;
import io.shardlight.diffusion.graph.Op;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Writes one function as StableHLO text, operation by operation; the specification is openxla's
 * {@code stablehlo/docs/spec.md}. Shapes of results are inferred; operands that do not fit throw
 * {@link IllegalArgumentException} where they are written, rather than when the program is
 * compiled. Only operations and spellings are used that have been the same since StableHLO 1.0. Not
 * thread-safe.
 */
final class HloFunction {
  private static final String INDENT = "  ";

  private final String name;
  private final List<Value> arguments = new ArrayList<>();
  private final StringBuilder body = new StringBuilder();
  private List<Value> results = List.of();
  private int values;
  private String indent = INDENT + INDENT;

  HloFunction(String name) {
    this.name = name;
  }

  String name() {
    return name;
  }

  List<Value> arguments() {
    return List.copyOf(arguments);
  }

  List<Value> results() {
    return results;
  }

  Value argument(TensorType type) {
    Value argument = new Value("%arg" + arguments.size(), type);
    arguments.add(argument);
    return argument;
  }

  /** Ends the function. */
  void results(List<Value> values) {
    results = List.copyOf(values);
    line("return " + names(results) + " : " + types(results));
  }

  /**
   * The whole function.
   *
   * @param visibility {@code public} for the one that is called from outside, {@code private} for
   *     others
   */
  String text(String visibility) {
    return INDENT
        + "func.func "
        + visibility
        + " @"
        + name
        + "("
        + arguments.stream().map(Value::toString).collect(Collectors.joining(", "))
        + ") -> ("
        + types(results)
        + ") {\n"
        + body
        + INDENT
        + "}\n";
  }

  // --- constants ---------------------------------------------------------------------------------

  Value constant(ElementType element, double number) {
    return splat(TensorType.of(element), number);
  }

  /** A tensor of equal elements. */
  Value splat(TensorType type, double number) {
    return put("stablehlo.constant dense<" + literal(type.element(), number) + "> : " + type, type);
  }

  Value vector(ElementType element, double... numbers) {
    TensorType type = TensorType.of(element, numbers.length);
    String list =
        Arrays.stream(numbers)
            .mapToObj(number -> literal(element, number))
            .collect(Collectors.joining(", ", "[", "]"));
    return put("stablehlo.constant dense<" + list + "> : " + type, type);
  }

  private static String literal(ElementType element, double number) {
    if (!element.isFloat()) {
      return element == ElementType.PRED ? Boolean.toString(number != 0) : "" + (long) number;
    }
    float rounded = (float) number;
    if (Float.isFinite(rounded)) {
      return Float.toString(rounded);
    }
    int bits = Float.floatToRawIntBits(rounded);
    return element == ElementType.F32
        ? String.format("0x%08X", bits)
        : String.format("0x%04X", bits >>> 16);
  }

  /** The position along an axis. */
  Value iota(TensorType type, int axis) {
    return put("stablehlo.iota dim = " + axis + " : " + type, type);
  }

  // --- element by element ------------------------------------------------------------------------

  /**
   * @param operation of one operand and a result of the same type: {@code exponential}, {@code
   *     rsqrt}, {@code logistic}
   */
  Value unary(String operation, Value x) {
    return put("stablehlo." + operation + " " + x.name() + " : " + x.type(), x.type());
  }

  /** The error function, an operation of the CHLO dialect that every compiler of these knows. */
  Value erf(Value x) {
    return chlo("erf", x);
  }

  /** The inverse of the error function. */
  Value erfInv(Value x) {
    return chlo("erf_inv", x);
  }

  private Value chlo(String operation, Value x) {
    return put(
        "chlo." + operation + " " + x.name() + " : " + x.type() + " -> " + x.type(), x.type());
  }

  /**
   * @param operation of two operands and a result of one type: {@code add}, {@code maximum}, {@code
   *     xor}
   */
  Value binary(String operation, Value x, Value y) {
    require(x.type().equals(y.type()), operation, x, y);
    return put(
        "stablehlo." + operation + " " + x.name() + ", " + y.name() + " : " + x.type(), x.type());
  }

  /** With a number in place of the second operand. */
  Value binary(String operation, Value x, double number) {
    return binary(operation, x, splat(x.type(), number));
  }

  Value add(Value x, Value y) {
    return binary("add", x, y);
  }

  Value subtract(Value x, Value y) {
    return binary("subtract", x, y);
  }

  Value multiply(Value x, Value y) {
    return binary("multiply", x, y);
  }

  Value multiply(Value x, double number) {
    return binary("multiply", x, number);
  }

  Value clamp(Value x, double least, double most) {
    Value low = constant(x.type().element(), least);
    Value high = constant(x.type().element(), most);
    return put(
        "stablehlo.clamp "
            + names(List.of(low, x, high))
            + " : ("
            + types(List.of(low, x, high))
            + ") -> "
            + x.type(),
        x.type());
  }

  /** To another type of elements; floats are rounded to nearest even. */
  Value convert(Value x, ElementType element) {
    return x.type().element() == element ? x : reshaped("convert", x, x.type().with(element));
  }

  /** The same bits under another type of the same size. */
  Value bitcast(Value x, ElementType element) {
    return reshaped("bitcast_convert", x, x.type().with(element));
  }

  /**
   * @param direction {@code EQ}, {@code NE}, {@code GE}, {@code GT}, {@code LE} or {@code LT}
   */
  Value compare(String direction, Value x, Value y) {
    require(x.type().equals(y.type()), "compare", x, y);
    TensorType type = x.type().with(ElementType.PRED);
    String kind =
        x.type().element().isFloat()
            ? "FLOAT"
            : x.type().element().text().startsWith("u") || x.type().element() == ElementType.PRED
                ? "UNSIGNED"
                : "SIGNED";
    return put(
        "stablehlo.compare "
            + direction
            + ", "
            + names(List.of(x, y))
            + ", "
            + kind
            + " : ("
            + types(List.of(x, y))
            + ") -> "
            + type,
        type);
  }

  /** {@code x} where the condition holds, {@code y} elsewhere. */
  Value select(Value condition, Value x, Value y) {
    require(x.type().equals(y.type()), "select", x, y);
    return put(
        "stablehlo.select "
            + names(List.of(condition, x, y))
            + " : "
            + condition.type()
            + ", "
            + x.type(),
        x.type());
  }

  // --- shapes ------------------------------------------------------------------------------------

  Value reshape(Value x, long... shape) {
    TensorType type = TensorType.of(x.type().element(), shape);
    if (type.shape().size() != x.type().shape().size()) {
      throw new IllegalArgumentException(name + ": reshape of " + x + " to " + type);
    }
    return x.type().equals(type) ? x : reshaped("reshape", x, type);
  }

  /**
   * @param axes for each axis of the result, that of the operand
   */
  Value transpose(Value x, int... axes) {
    long[] shape = Arrays.stream(axes).mapToLong(x::dimension).toArray();
    TensorType type = TensorType.of(x.type().element(), shape);
    return put(
        "stablehlo.transpose "
            + x.name()
            + ", dims = "
            + Arrays.toString(axes)
            + " : ("
            + x.type()
            + ") -> "
            + type,
        type);
  }

  /**
   * Repeats a tensor along axes that it lacks.
   *
   * @param axes for each axis of the operand, that of the result
   */
  Value broadcast(Value x, Shape shape, int... axes) {
    TensorType type = new TensorType(x.type().element(), shape);
    for (int axis = 0; axis < axes.length; axis++) {
      require(x.dimension(axis) == type.dimension(axes[axis]), "broadcast to " + type, x);
    }
    return put(
        "stablehlo.broadcast_in_dim "
            + x.name()
            + ", dims = "
            + Arrays.toString(axes)
            + " : ("
            + x.type()
            + ") -> "
            + type,
        type);
  }

  Value concatenate(int axis, List<Value> parts) {
    long[] shape = parts.get(0).type().shape().getShape().clone();
    shape[axis] = parts.stream().mapToLong(part -> part.dimension(axis)).sum();
    TensorType type = TensorType.of(parts.get(0).type().element(), shape);
    return put(
        "stablehlo.concatenate "
            + names(parts)
            + ", dim = "
            + axis
            + " : ("
            + types(parts)
            + ") -> "
            + type,
        type);
  }

  /** The elements {@code [start, end)} along an axis. */
  Value slice(Value x, int axis, long start, long end) {
    long[] shape = x.type().shape().getShape().clone();
    String ranges =
        IntStream.range(0, shape.length)
            .mapToObj(i -> i == axis ? start + ":" + end : "0:" + shape[i])
            .collect(Collectors.joining(", ", "[", "]"));
    long[] sliced = shape.clone();
    sliced[axis] = end - start;
    TensorType type = TensorType.of(x.type().element(), sliced);
    return put(
        "stablehlo.slice " + x.name() + " " + ranges + " : (" + x.type() + ") -> " + type, type);
  }

  /**
   * The part of a tensor at an index of its first axis.
   *
   * @param index a scalar, limited to parts that there are
   */
  Value at(Value x, Value index) {
    long[] sizes = x.type().shape().getShape().clone();
    sizes[0] = 1;
    List<Value> starts = starts(index, x.rank());
    TensorType type = TensorType.of(x.type().element(), sizes);
    Value part =
        put(
            "stablehlo.dynamic_slice "
                + x.name()
                + ", "
                + names(starts)
                + ", sizes = "
                + Arrays.toString(sizes)
                + " : ("
                + x.type()
                + ", "
                + types(starts)
                + ") -> "
                + type,
            type);
    return reshape(part, Arrays.copyOfRange(sizes, 1, sizes.length));
  }

  /** The tensor with another part at an index of its first axis. */
  Value with(Value x, Value index, Value part) {
    long[] sizes = x.type().shape().getShape().clone();
    sizes[0] = 1;
    Value update = reshape(part, sizes);
    List<Value> starts = starts(index, x.rank());
    return put(
        "stablehlo.dynamic_update_slice "
            + names(List.of(x, update))
            + ", "
            + names(starts)
            + " : ("
            + types(List.of(x, update))
            + ", "
            + types(starts)
            + ") -> "
            + x.type(),
        x.type());
  }

  private List<Value> starts(Value index, int rank) {
    List<Value> starts = new ArrayList<>(List.of(index));
    for (int axis = 1; axis < rank; axis++) {
      starts.add(constant(index.type().element(), 0));
    }
    return starts;
  }

  /**
   * Rows of a table.
   *
   * @param table {@code [rows, width]}
   * @param ids {@code [batch, tokens]}, limited to rows that there are
   * @return {@code [batch, tokens, width]}
   */
  Value rows(Value table, Value ids) {
    Value index = reshape(ids, ids.dimension(0), ids.dimension(1), 1);
    TensorType type =
        TensorType.of(
            table.type().element(), ids.dimension(0), ids.dimension(1), table.dimension(1));
    return put(
        "\"stablehlo.gather\"("
            + names(List.of(table, index))
            + ") {dimension_numbers = #stablehlo.gather<offset_dims = [2], collapsed_slice_dims ="
            + " [0], start_index_map = [0], index_vector_dim = 2>, indices_are_sorted = false,"
            + " slice_sizes = array<i64: 1, "
            + table.dimension(1)
            + ">} : ("
            + types(List.of(table, index))
            + ") -> "
            + type,
        type);
  }

  // --- sums and products -------------------------------------------------------------------------

  /**
   * @param operation {@code add} or {@code maximum}
   * @param start what the operation leaves as it is
   * @param axes that vanish
   */
  Value reduce(String operation, double start, Value x, int... axes) {
    long[] shape =
        IntStream.range(0, x.rank())
            .filter(axis -> Arrays.stream(axes).noneMatch(gone -> gone == axis))
            .mapToLong(x::dimension)
            .toArray();
    TensorType type = TensorType.of(x.type().element(), shape);
    Value first = constant(x.type().element(), start);
    return put(
        "stablehlo.reduce("
            + x.name()
            + " init: "
            + first.name()
            + ") applies stablehlo."
            + operation
            + " across dimensions = "
            + Arrays.toString(axes)
            + " : ("
            + types(List.of(x, first))
            + ") -> "
            + type,
        type);
  }

  /** Which axes of two operands belong together. */
  record Axes(List<Integer> left, List<Integer> right) {
    static final Axes NONE = new Axes(List.of(), List.of());

    static Axes of(int left, int right) {
      return new Axes(List.of(left), List.of(right));
    }

    @Override
    public String toString() {
      return left + " x " + right;
    }
  }

  /**
   * Products of matrices, or of more axes.
   *
   * @param batch axes over which it is done anew
   * @param contracted axes that are summed over
   * @param element of the result; sums are of at least its precision
   * @return the batch's axes, then the rest of the left, then the rest of the right
   */
  Value dot(Value left, Value right, Axes batch, Axes contracted, ElementType element) {
    List<Long> shape = new ArrayList<>();
    for (int i = 0; i < batch.left().size(); i++) {
      int axis = batch.left().get(i);
      int other = batch.right().get(i);
      require(left.dimension(axis) == right.dimension(other), "dot", left, right);
      shape.add(left.dimension(axis));
    }
    for (int i = 0; i < contracted.left().size(); i++) {
      int axis = contracted.left().get(i);
      int other = contracted.right().get(i);
      require(left.dimension(axis) == right.dimension(other), "dot", left, right);
    }
    addFree(shape, left, batch.left(), contracted.left());
    addFree(shape, right, batch.right(), contracted.right());
    TensorType type = TensorType.of(element, shape.stream().mapToLong(Long::longValue).toArray());
    return put(
        "stablehlo.dot_general "
            + names(List.of(left, right))
            + (batch.left().isEmpty() ? "" : ", batching_dims = " + batch)
            + ", contracting_dims = "
            + contracted
            + ", precision = ["
            + precision(left)
            + ", "
            + precision(right)
            + "] : ("
            + types(List.of(left, right))
            + ") -> "
            + type,
        type);
  }

  /** Accelerators round float32 operands to fewer bits unless they are told not to. */
  private static String precision(Value operand) {
    return operand.type().element() == ElementType.F32 ? "HIGHEST" : "DEFAULT";
  }

  private static void addFree(
      List<Long> shape, Value operand, List<Integer> batch, List<Integer> contracted) {
    for (int axis = 0; axis < operand.rank(); axis++) {
      if (!batch.contains(axis) && !contracted.contains(axis)) {
        shape.add(operand.dimension(axis));
      }
    }
  }

  /**
   * @param image {@code [batch, height, width, in]}
   * @param kernel {@code [height, width, in, out]}
   * @return {@code [batch, height, width, out]}, of the operands' element type
   */
  Value convolution(Value image, Value kernel, Op.Conv2d op) {
    require(image.dimension(3) == kernel.dimension(2), "convolution", image, kernel);
    long height = op.padTop() + image.dimension(1) + op.padBottom() - kernel.dimension(0);
    long width = op.padLeft() + image.dimension(2) + op.padRight() - kernel.dimension(1);
    TensorType type =
        TensorType.of(
            image.type().element(),
            image.dimension(0),
            height / op.stride() + 1,
            width / op.stride() + 1,
            kernel.dimension(3));
    return put(
        "stablehlo.convolution("
            + names(List.of(image, kernel))
            + ") dim_numbers = [b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f], window = {stride = ["
            + op.stride()
            + ", "
            + op.stride()
            + "], pad = [["
            + op.padTop()
            + ", "
            + op.padBottom()
            + "], ["
            + op.padLeft()
            + ", "
            + op.padRight()
            + "]]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64, precision_config ="
            + " [#stablehlo<precision "
            + precision(image)
            + ">, #stablehlo<precision "
            + precision(kernel)
            + ">]} : ("
            + types(List.of(image, kernel))
            + ") -> "
            + type,
        type);
  }

  // --- control -----------------------------------------------------------------------------------

  /** Calls another function of the module. */
  List<Value> call(HloFunction function, List<Value> operands) {
    for (int i = 0; i < operands.size(); i++) {
      Value wanted = function.arguments.get(i);
      require(operands.get(i).type().equals(wanted.type()), "call of " + function.name, wanted);
    }
    return putAll(
        "func.call @"
            + function.name
            + "("
            + names(operands)
            + ") : ("
            + types(operands)
            + ") -> ("
            + types(function.results)
            + ")",
        function.results.stream().map(Value::type).toList());
  }

  /**
   * Something that only some compilers know.
   *
   * @param attributes in MLIR's text form, braces included
   */
  List<Value> customCall(
      String target, List<Value> operands, String attributes, List<TensorType> results) {
    return putAll(
        "stablehlo.custom_call @"
            + target
            + "("
            + names(operands)
            + ") "
            + attributes
            + " : ("
            + types(operands)
            + ") -> ("
            + results.stream().map(TensorType::toString).collect(Collectors.joining(", "))
            + ")",
        results);
  }

  /**
   * A loop that carries values.
   *
   * @param condition of the values, a scalar {@code i1}
   * @param step from the values to the next, of the same types
   */
  List<Value> whileLoop(
      List<Value> start,
      Function<List<Value>, Value> condition,
      Function<List<Value>, List<Value>> step) {
    int loop = values++;
    List<Value> carried = new ArrayList<>();
    for (int i = 0; i < start.size(); i++) {
      carried.add(new Value("%loop" + loop + "_" + i, start.get(i).type()));
    }
    String bound =
        IntStream.range(0, start.size())
            .mapToObj(i -> carried.get(i).name() + " = " + start.get(i).name())
            .collect(Collectors.joining(", "));
    String result = "%" + values++;
    line(result + ":" + start.size() + " = stablehlo.while(" + bound + ") : " + types(start));
    String outer = indent;
    indent = outer + INDENT;
    body.append(outer).append("cond {\n");
    Value again = condition.apply(carried);
    line("stablehlo.return " + again.name() + " : " + again.type());
    body.append(outer).append("} do {\n");
    List<Value> next = step.apply(carried);
    line("stablehlo.return " + names(next) + " : " + types(next));
    indent = outer;
    line("}");
    return IntStream.range(0, start.size())
        .mapToObj(i -> new Value(result + "#" + i, start.get(i).type()))
        .toList();
  }

  // --- writing -----------------------------------------------------------------------------------

  private Value reshaped(String operation, Value x, TensorType type) {
    return put(
        "stablehlo." + operation + " " + x.name() + " : (" + x.type() + ") -> " + type, type);
  }

  private Value put(String operation, TensorType type) {
    Value value = new Value("%" + values++, type);
    line(value.name() + " = " + operation);
    return value;
  }

  private List<Value> putAll(String operation, List<TensorType> types) {
    if (types.size() == 1) {
      return List.of(put(operation, types.get(0)));
    }
    String result = "%" + values++;
    line(result + ":" + types.size() + " = " + operation);
    return IntStream.range(0, types.size())
        .mapToObj(i -> new Value(result + "#" + i, types.get(i)))
        .toList();
  }

  private void line(String text) {
    body.append(indent).append(text).append('\n');
  }

  private static String names(List<Value> values) {
    return values.stream().map(Value::name).collect(Collectors.joining(", "));
  }

  private static String types(List<Value> values) {
    return values.stream().map(value -> value.type().toString()).collect(Collectors.joining(", "));
  }

  private void require(boolean holds, String operation, Value... operands) {
    if (!holds) {
      throw new IllegalArgumentException(
          name + ": " + operation + " of " + Arrays.toString(operands));
    }
  }
}
