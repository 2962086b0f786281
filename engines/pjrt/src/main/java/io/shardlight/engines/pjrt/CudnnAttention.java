package io.shardlight.engines.pjrt;

import java.util.List;

/**
 * Attention by cuDNN's fused kernel, which never writes the scores to memory: the custom call that
 * XLA's compiler for NVIDIA GPUs knows as {@code __cudnn$fmhaSoftmax}. Its configuration is XLA's
 * {@code CudnnfMHABackendConfig}, as {@code jax/_src/cudnn/fused_attention_stablehlo.py} fills it
 * for a forward pass without mask, bias and dropout.
 */
final class CudnnAttention {
  private static final String TARGET = "__cudnn$fmhaSoftmax";

  /**
   * In JSON, where a protocol buffer's 64-bit integers are text. To be filled in are the scale and
   * the sizes of the scores, which the kernel never writes.
   */
  private static final String CONFIGURATION =
      """
      {
        "operation_queue_id": "0",
        "cudnn_fmha_backend_config": {
          "algorithm": {
            "algo_id": "0",
            "math_type": "TENSOR_OP_MATH",
            "tuning_knobs": {"17": "1", "24": "0"},
            "is_cudnn_frontend": true,
            "workspace_size": "0"
          },
          "fmha_scale": %s,
          "intermediate_tensor_shape": {
            "element_type": "BF16",
            "dimensions": ["%d", "%d", "%d", "%d"],
            "tuple_shapes": [],
            "layout": {
              "dim_level_types": [],
              "dim_unique": [],
              "dim_ordered": [],
              "minor_to_major": ["3", "2", "1", "0"],
              "tiles": [],
              "element_size_in_bits": "0",
              "memory_space": "0",
              "index_primitive_type": "PRIMITIVE_TYPE_INVALID",
              "pointer_primitive_type": "PRIMITIVE_TYPE_INVALID",
              "dynamic_shape_metadata_prefix_bytes": "0"
            },
            "is_dynamic_dimension": [false, false, false, false]
          },
          "is_flash_attention": true,
          "mask_type": "NO_MASK",
          "bmm1_dot_dimension_numbers": {
            "lhs_contracting_dimensions": ["3"],
            "rhs_contracting_dimensions": ["3"],
            "lhs_batch_dimensions": ["0", "2"],
            "rhs_batch_dimensions": ["0", "2"]
          },
          "bmm2_dot_dimension_numbers": {
            "lhs_contracting_dimensions": ["3"],
            "rhs_contracting_dimensions": ["1"],
            "lhs_batch_dimensions": ["0", "1"],
            "rhs_batch_dimensions": ["0", "2"]
          },
          "dropout_rate": 0.0,
          "seed": 42,
          "sliding_window_length": 0,
          "max_seg_per_batch": 1,
          "is_paged_attention": false
        }
      }
      """;

  private CudnnAttention() {}

  /** Whether there is a kernel for these, on a GPU that takes heads of that width. */
  static boolean fits(Value query, boolean causal) {
    long head = query.dimension(3);
    return !causal && query.type().element() == ElementType.BF16 && head % 8 == 0;
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
    return CONFIGURATION
        .formatted(Float.toString(scale), batch, heads, tokens, otherTokens)
        .replaceAll("\\s+", "");
  }
}
