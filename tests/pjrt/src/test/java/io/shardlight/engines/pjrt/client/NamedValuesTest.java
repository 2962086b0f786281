package io.shardlight.engines.pjrt.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class NamedValuesTest {
  @Test
  void allTypesAreReadAsTheyWereWritten() {
    Map<String, Object> values = new LinkedHashMap<>();
    values.put("text", "größer");
    values.put("empty text", "");
    values.put("number", Long.MIN_VALUE);
    values.put("numbers", new long[] {3, -1, 1L << 40});
    values.put("no numbers", new long[0]);
    values.put("real", 0.9f);
    values.put("yes", true);
    values.put("no", false);

    Map<String, Object> read;
    try (NativeArena arena = new NativeArena()) {
      read = NamedValues.read(NamedValues.write(arena, values), values.size());
    }

    values.put("numbers", List.of(3L, -1L, 1L << 40));
    values.put("no numbers", List.of());
    assertThat(read).isEqualTo(values);
    assertThat(read.keySet()).containsExactlyElementsOf(values.keySet());
  }

  @Test
  void otherTypesAreRefused() {
    try (NativeArena arena = new NativeArena()) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> NamedValues.write(arena, Map.of("fraction", 0.5)))
          .withMessage(
              "option fraction must be a String, Long, long[], Float or Boolean, but was a"
                  + " java.lang.Double");
    }
  }
}
