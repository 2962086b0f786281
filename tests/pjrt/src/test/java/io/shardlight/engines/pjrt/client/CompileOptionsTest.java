package io.shardlight.engines.pjrt.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class CompileOptionsTest {
  /** These bytes were parsed by XLA's own protobuf classes. */
  @Test
  void encodesAsXlaReads() {
    assertThat(hex(CompileOptions.single()))
        .isEqualTo("1a0f08ffffffffffffffffff012001280128ffffffffffffffffff01");
    assertThat(hex(new CompileOptions(8, List.of(0, 1, 2, 3, 4, 5, 6, 7))))
        .isEqualTo(
            "1a2108ffffffffffffffffff01200828014a10080810011a0a0a0800010203040506072"
                + "8ffffffffffffffffff01");
  }

  @Test
  void flagsAreOverridesWithWholeNumbers() {
    assertThat(hex(CompileOptions.single().withFlags(Map.of("flag_b", 0L, "flag_a", 300L))))
        .isEqualTo(
            hex(CompileOptions.single())
                + ("3a0d" + "0a06" + "666c61675f61" + "1203" + "18ac02")
                + ("3a0c" + "0a06" + "666c61675f62" + "1202" + "1800"));
  }

  @Test
  void nvidiasCompilerKeepsProductsApart() {
    String flag = "xla_gpu_dot_merger_threshold_mb";
    assertThat(CompilerFlags.forPlatform("cuda", "")).containsExactly(Map.entry(flag, 0L));
    assertThat(CompilerFlags.forPlatform("cuda", "--" + flag + "=32 --xla_dump_to=/tmp"))
        .as("the environment has the last word")
        .isEmpty();
    assertThat(CompilerFlags.forPlatform("tpu", "")).isEmpty();
  }

  @Test
  void largeIdsTakeSeveralBytes() {
    assertThat(hex(new CompileOptions(1, List.of(300))))
        .contains("4a0a" + "0801" + "1001" + "1a04" + "0a02" + "ac02");
  }

  @Test
  void rejectsIdsThatAreNotOneOfTheirOwnAReplica() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new CompileOptions(2, List.of(1)))
        .withMessage("device ids must be none or 2, one a replica, but were [1]");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new CompileOptions(2, List.of(1, 1)))
        .withMessage("device ids must differ, but were [1, 1]");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new CompileOptions(0, List.of()))
        .withMessage("replicas must be at least 1, but was 0");
  }

  private static String hex(CompileOptions options) {
    return HexFormat.of().formatHex(options.toProto());
  }
}
