package io.shardlight.engines.pjrt.client;

/** Small StableHLO programs. */
final class Programs {
  /** {@code [4]} and {@code [4]} to their sum. */
  static final String ADD =
      """
      module @add {
        func.func public @main(%x: tensor<4xf32>, %y: tensor<4xf32>) -> tensor<4xf32> {
          %0 = stablehlo.add %x, %y : tensor<4xf32>
          return %0 : tensor<4xf32>
        }
      }
      """;

  static final PjrtShape FOUR = PjrtShape.of(PjrtBufferType.F32, 4);

  /** {@code [2, 3]} to its transpose, and its sum with 1 as {@code bf16}. */
  static final String TWO_RESULTS =
      """
      module @two {
        func.func public @main(%x: tensor<2x3xf32>) -> (tensor<3x2xf32>, tensor<2x3xbf16>) {
          %0 = stablehlo.transpose %x, dims = [1, 0] : (tensor<2x3xf32>) -> tensor<3x2xf32>
          %one = stablehlo.constant dense<1.0> : tensor<2x3xf32>
          %1 = stablehlo.add %x, %one : tensor<2x3xf32>
          %2 = stablehlo.convert %1 : (tensor<2x3xf32>) -> tensor<2x3xbf16>
          return %0, %2 : tensor<3x2xf32>, tensor<2x3xbf16>
        }
      }
      """;

  /** Doubles {@code [4]}, into the memory of the argument. */
  static final String DONATING =
      """
      module @donating {
        func.func public @main(%x: tensor<4xf32> {tf.aliasing_output = 0 : i32}) -> tensor<4xf32> {
          %0 = stablehlo.add %x, %x : tensor<4xf32>
          return %0 : tensor<4xf32>
        }
      }
      """;

  /** The number of the replica. */
  static final String REPLICA_ID =
      """
      module @replica {
        func.func public @main() -> tensor<ui32> {
          %0 = stablehlo.replica_id : tensor<ui32>
          return %0 : tensor<ui32>
        }
      }
      """;

  /** Adds 1 to {@code [4]} in a loop, for long enough to do something meanwhile. */
  static final String SLOW =
      """
      module @slow {
        func.func public @main(%x: tensor<4xf32>) -> tensor<4xf32> {
          %zero = stablehlo.constant dense<0> : tensor<i32>
          %step = stablehlo.constant dense<1> : tensor<i32>
          %steps = stablehlo.constant dense<10000000> : tensor<i32>
          %one = stablehlo.constant dense<1.0> : tensor<4xf32>
          %0:2 = stablehlo.while(%i = %zero, %y = %x) : tensor<i32>, tensor<4xf32>
           cond {
            %1 = stablehlo.compare LT, %i, %steps : (tensor<i32>, tensor<i32>) -> tensor<i1>
            stablehlo.return %1 : tensor<i1>
          } do {
            %1 = stablehlo.add %i, %step : tensor<i32>
            %2 = stablehlo.add %y, %one : tensor<4xf32>
            stablehlo.return %1, %2 : tensor<i32>, tensor<4xf32>
          }
          return %0#1 : tensor<4xf32>
        }
      }
      """;

  static final int SLOW_STEPS = 10_000_000;

  private Programs() {}
}
