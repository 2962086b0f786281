package io.shardlight.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class InOrderTest {
  @Test
  void resultsComeInTheOrderOfTheItemsAndFewWait() throws Exception {
    List<Integer> items = IntStream.range(0, 500).boxed().toList();
    List<String> taken = new ArrayList<>();
    AtomicInteger begun = new AtomicInteger();
    AtomicInteger most = new AtomicInteger();

    InOrder.forEach(
        items,
        item -> {
          begun.incrementAndGet();
          return "<" + item + ">";
        },
        (item, result) -> {
          most.accumulateAndGet(begun.get() - taken.size(), Math::max);
          taken.add(result);
        });

    assertThat(taken).hasSize(500).startsWith("<0>", "<1>").endsWith("<498>", "<499>");
    assertThat(most.get()).isLessThanOrEqualTo(2 * Runtime.getRuntime().availableProcessors());
  }

  @Test
  void aFaultOfTheStoreIsThrownAsItIs() {
    assertThatThrownBy(
            () ->
                InOrder.forEach(
                    List.of(1),
                    item -> {
                      throw new IOException("disk on fire");
                    },
                    (item, result) -> {}))
        .isInstanceOf(IOException.class)
        .hasMessage("disk on fire");
  }
}
