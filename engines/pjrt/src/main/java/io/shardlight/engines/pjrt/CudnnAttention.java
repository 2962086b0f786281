package io.shardlight.engines.pjrt;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.stream.LongStream;

/**
 * Attention by cuDNN's fused kernel, which never writes the scores to memory: the custom call that
 * XLA's compiler for NVIDIA GPUs knows as {@code __cudnn$fmhaSoftmax}. Its configuration is XLA's
 * {@code CudnnfMHABackendConfig}, as {@code jax/_src/cudnn/fused_attention_stablehlo.py} fills it
 * for a forward pass without mask, bias and dropout.
 */
final class CudnnAttention {
  private static final String TARGET = "__cudnn$fmhaSoftmax";

  /** Of Hopper; Ada and Ampere take 128, and XLA's compiler refuses what is longer. */
  private static final long LONGEST_HEAD = 256;

  private CudnnAttention() {}

  /** Whether the kernel exists for these. */
  static boolean fits(Value query, boolean causal) {
    long head = query.dimension(3);
    return !causal
        && query.type().element() == ElementType.BF16
        && head % 8 == 0
        && head <= LONGEST_HEAD;
  }

  /**
   * @param query {@code [batch, tokens, heads, width]}, for which {@link #fits}
   * @param key {@code [batch, other tokens, heads, width]}
   * @param value as the keys
   * @param scale of the scores
   * @return {@code [batch, tokens, heads, width]}
   */
  static Value write(HloFunction hlo, Value query, Value key, Value value, float scale) {
    long batch = query.dimension(0);
    long tokens = query.dimension(1);
    long heads = query.dimension(2);
    long width = query.dimension(3);
    TensorType mixed = TensorType.of(query.type().element(), batch, heads, tokens, width);
    TensorType workspace = TensorType.of(ElementType.U8, 0);
    String config =
        configuration(scale, batch, heads, tokens, key.dimension(1)).replace("\"", "\\22");
    String rowMajor = "dense<[3, 2, 1, 0]> : tensor<4xindex>";
    // In memory the result has the order of the queries, and the transposition below moves nothing.
    String attributes =
        "{api_version = 2 : i32, backend_config = \""
            + config
            + "\", operand_layouts = ["
            + String.join(", ", rowMajor, rowMajor, rowMajor)
            + "], result_layouts = [dense<[3, 1, 2, 0]> : tensor<4xindex>, dense<0> :"
            + " tensor<1xindex>]}";
    Value result =
        hlo.customCall(TARGET, List.of(query, key, value), attributes, List.of(mixed, workspace))
            .get(0);
    return hlo.transpose(result, 0, 2, 1, 3);
  }

  private static String configuration(
      float scale, long batch, long heads, long tokens, long otherTokens) {
    ObjectNode root = JsonNodeFactory.instance.objectNode();
    // 64-bit integers are text in a protocol buffer's JSON form.
    root.put("operation_queue_id", "0");
    ObjectNode config = root.putObject("cudnn_fmha_backend_config");
    ObjectNode algorithm = config.putObject("algorithm");
    algorithm.put("algo_id", "0").put("math_type", "TENSOR_OP_MATH");
    algorithm.putObject("tuning_knobs").put("17", "1").put("24", "0");
    algorithm.put("is_cudnn_frontend", true).put("workspace_size", "0");
    config.put("fmha_scale", scale);
    scores(config.putObject("intermediate_tensor_shape"), batch, heads, tokens, otherTokens);
    config.put("is_flash_attention", true).put("mask_type", "NO_MASK");
    dot(config.putObject("bmm1_dot_dimension_numbers"), "3", "3", "0", "2");
    dot(config.putObject("bmm2_dot_dimension_numbers"), "3", "1", "0", "1");
    config.put("dropout_rate", 0.0).put("seed", 42);
    config.put("sliding_window_length", 0).put("max_seg_per_batch", 1);
    config.put("is_paged_attention", false);
    return root.toString();
  }

  /** What the kernel never writes. */
  private static void scores(
      ObjectNode shape, long batch, long heads, long tokens, long otherTokens) {
    shape.put("element_type", "BF16");
    ArrayNode dimensions = shape.putArray("dimensions");
    LongStream.of(batch, heads, tokens, otherTokens)
        .forEach(size -> dimensions.add(Long.toString(size)));
    shape.putArray("tuple_shapes");
    ObjectNode layout = shape.putObject("layout");
    layout.putArray("dim_level_types");
    layout.putArray("dim_unique");
    layout.putArray("dim_ordered");
    layout.putArray("minor_to_major").add("3").add("2").add("1").add("0");
    layout.putArray("tiles");
    layout.put("element_size_in_bits", "0").put("memory_space", "0");
    layout.put("index_primitive_type", "PRIMITIVE_TYPE_INVALID");
    layout.put("pointer_primitive_type", "PRIMITIVE_TYPE_INVALID");
    layout.put("dynamic_shape_metadata_prefix_bytes", "0");
    ArrayNode dynamic = shape.putArray("is_dynamic_dimension");
    LongStream.range(0, 4).forEach(axis -> dynamic.add(false));
  }

  /** The left operand's batch axes as given, the right one's 0 and 2. */
  private static void dot(
      ObjectNode numbers, String left, String right, String leftBatch, String leftHeads) {
    numbers.putArray("lhs_contracting_dimensions").add(left);
    numbers.putArray("rhs_contracting_dimensions").add(right);
    numbers.putArray("lhs_batch_dimensions").add(leftBatch).add(leftHeads);
    numbers.putArray("rhs_batch_dimensions").add("0").add("2");
  }
}
