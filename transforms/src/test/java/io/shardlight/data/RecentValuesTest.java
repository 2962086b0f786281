package io.shardlight.data;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class RecentValuesTest {
  @Test
  void anEqualValueMetLatelyIsTheSameObject() {
    RecentValues<String> values = new RecentValues<>();
    String first = copy("prompts.txt");

    assertThat(values.share(first)).isSameAs(first);
    assertThat(values.share(copy("prompts.txt"))).isSameAs(first);
    assertThat(values.share(copy("other.txt"))).isEqualTo("other.txt");
  }

  @Test
  void moreValuesThanItHoldsComeBackEqual() {
    RecentValues<String> values = new RecentValues<>();

    for (int round = 0; round < 2; round++) {
      for (int i = 0; i < 10_000; i++) {
        assertThat(values.share(copy("value " + i))).isEqualTo("value " + i);
      }
    }
  }

  @Test
  void valuesOfOneHashAreKeptApart() {
    RecentValues<String> values = new RecentValues<>();

    assertThat("Aa").hasSameHashCodeAs("BB");
    assertThat(values.share(copy("Aa"))).isEqualTo("Aa");
    assertThat(values.share(copy("BB"))).isEqualTo("BB");
    assertThat(values.share(copy("Aa"))).isEqualTo("Aa");
  }

  private static String copy(String text) {
    return new String(text.toCharArray());
  }
}
