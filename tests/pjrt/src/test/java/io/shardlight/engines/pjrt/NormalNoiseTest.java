package io.shardlight.engines.pjrt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.shardlight.diffusion.random.JaxRandom;
import io.shardlight.diffusion.random.PrngKey;
import io.shardlight.diffusion.random.ThreefryMode;
import io.shardlight.engines.pjrt.XlaCpu.Tensor;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The noise of a device is that of {@link JaxRandom}, which is tested against JAX. */
class NormalNoiseTest {
  private static final int COUNT = 4 * 24 * 16;

  @Test
  void everyKeyDrawsItsOwnNormals() {
    List<PrngKey> keys =
        List.of(
            PrngKey.ofSeed(0),
            PrngKey.ofSeed(0xffff_ffffL),
            new PrngKey((int) 2292653872L, (int) 4174357202L));
    HloFunction main = new HloFunction("main");
    Value argument = main.argument(TensorType.of(ElementType.U32, keys.size(), 2));
    Value drawn = new NormalNoise(main).draw(argument, COUNT);
    main.results(List.of(drawn));
    double[] words = new double[2 * keys.size()];
    for (int i = 0; i < keys.size(); i++) {
      words[2 * i] = Integer.toUnsignedLong(keys.get(i).high());
      words[2 * i + 1] = Integer.toUnsignedLong(keys.get(i).low());
    }

    float[] noise =
        XlaCpu.get()
            .run(
                new HloModule("noise").text(main),
                List.of(drawn.type()),
                List.of(Tensor.of(argument.type(), words)))
            .get(0)
            .floats();

    for (int i = 0; i < keys.size(); i++) {
      float[] expected = JaxRandom.normal(keys.get(i), COUNT, ThreefryMode.ORIGINAL);
      for (int j = 0; j < COUNT; j++) {
        // XLA's logarithm is some units in the last place away from the correctly rounded one.
        assertThat(Math.abs(noise[i * COUNT + j] - expected[j]))
            .as("number %d of key %s", j, keys.get(i))
            .isLessThanOrEqualTo(2e-6f);
      }
    }
  }

  @Test
  void keysAreFoldedAsJaxDoes() {
    List<PrngKey> keys = List.of(PrngKey.ofSeed(7), new PrngKey(0x88a71f30, (int) 0xf8cfa2d2L));
    HloFunction main = new HloFunction("main");
    Value argument = main.argument(TensorType.of(ElementType.U32, keys.size(), 2));
    Value step = main.argument(TensorType.of(ElementType.S32));
    Value folded = new NormalNoise(main).foldIn(argument, main.convert(step, ElementType.U32));
    main.results(List.of(folded));
    double[] words = new double[2 * keys.size()];
    for (int i = 0; i < keys.size(); i++) {
      words[2 * i] = Integer.toUnsignedLong(keys.get(i).high());
      words[2 * i + 1] = Integer.toUnsignedLong(keys.get(i).low());
    }

    for (int data : new int[] {0, 1, 998}) {
      Tensor result =
          XlaCpu.get()
              .run(
                  new HloModule("fold").text(main),
                  List.of(folded.type()),
                  List.of(
                      Tensor.of(argument.type(), words),
                      Tensor.of(step.type(), new double[] {data})))
              .get(0);

      for (int i = 0; i < keys.size(); i++) {
        PrngKey expected = JaxRandom.foldIn(keys.get(i), data);
        assertThat(new PrngKey((int) (long) result.get(2 * i), (int) (long) result.get(2 * i + 1)))
            .isEqualTo(expected);
      }
    }
  }

  @Test
  void anOddCountHasNoHalves() {
    HloFunction main = new HloFunction("main");
    Value keys = main.argument(TensorType.of(ElementType.U32, 1, 2));

    assertThatThrownBy(() -> new NormalNoise(main).draw(keys, 3))
        .hasMessage("the count of numbers must be even, but was 3");
  }
}
