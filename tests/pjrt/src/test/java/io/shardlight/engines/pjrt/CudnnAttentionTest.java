package io.shardlight.engines.pjrt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** As far as it goes without a GPU: XLA parses the call, and then has nobody to make it to. */
class CudnnAttentionTest {
  private static final int HEADS = 2;

  private final HloFunction main = new HloFunction("main");

  private Value tensor(ElementType element, long tokens, long width) {
    return main.argument(TensorType.of(element, 1, tokens, HEADS, width));
  }

  @Test
  void isACallThatXlaKnowsForGpusOnly() {
    Value query = tensor(ElementType.BF16, 4, 8);
    Value key = tensor(ElementType.BF16, 6, 8);
    Value value = tensor(ElementType.BF16, 6, 8);
    Value mixed = CudnnAttention.write(main, query, key, value, 0.25f);
    assertThat(mixed.type()).isEqualTo(query.type());
    main.results(List.of(mixed));
    String text = new HloModule("attention").text(main);
    List<XlaCpu.Tensor> arguments =
        main.arguments().stream().map(a -> XlaCpu.Tensor.allocate(a.type())).toList();

    assertThatThrownBy(() -> XlaCpu.get().run(text, List.of(mixed.type()), arguments))
        .hasMessageContaining(
            "No registered implementation for untyped custom call to __cudnn$fmhaSoftmax for Host");
  }

  @ParameterizedTest
  @CsvSource({
    "BF16, 40, false, true",
    "BF16, 160, false, true",
    "BF16, 264, false, true",
    "BF16, 12, false, false",
    "BF16, 40, true, false",
    "F32, 40, false, false"
  })
  void fitsWhatTheKernelIsMadeFor(
      ElementType element, long width, boolean causal, boolean expected) {
    assertThat(CudnnAttention.fits(tensor(element, 4, width), causal)).isEqualTo(expected);
  }

  @ParameterizedTest
  @CsvSource({
    "9.0, 256, true",
    "10.0, 256, true",
    "9.0, 264, false",
    "8.9, 128, true",
    "8.0, 136, false",
    "7.5, 40, false",
    "unknown, 40, false"
  })
  void itDependsOnTheGpuHowWideHeadsMayBe(String capability, long width, boolean expected) {
    AttentionForm form = AttentionForm.ofCapability(capability);
    assertThat(form.isFused(tensor(ElementType.BF16, 4, width), false)).isEqualTo(expected);
  }
}
