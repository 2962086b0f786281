package io.shardlight.data;

import static org.assertj.core.api.Assertions.assertThat;

import java.math.BigInteger;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class PlanDigestTest {
  @Test
  void isTheSumOfIdsModulo128Bits() {
    PromptSource source = new PromptSource("p.txt", 1);
    List<Example> examples =
        ExamplePlannerTest.plan(
            TestSettings.builder().imagesPerPrompt(50).build(),
            new Prompt(source, "p.txt:1", "a fox", Overrides.NONE, Map.of()));
    BigInteger wanted = BigInteger.ZERO;
    PlanDigest sum = PlanDigest.EMPTY;
    for (Example example : examples) {
      wanted = wanted.add(new BigInteger(example.id(), 16));
      sum = sum.plus(PlanDigest.of(example));
    }

    assertThat(sum.examples()).isEqualTo(50);
    assertThat(new BigInteger(sum.hex(), 16)).isEqualTo(wanted.mod(BigInteger.ONE.shiftLeft(128)));
  }
}
