package io.shardlight.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.shardlight.diffusion.random.PrngKey;
import io.shardlight.diffusion.scheduler.SchedulerKind;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.apache.beam.sdk.coders.CannotProvideCoderException;
import org.apache.beam.sdk.coders.Coder;
import org.apache.beam.sdk.coders.CoderException;
import org.apache.beam.sdk.coders.CoderRegistry;
import org.apache.beam.sdk.coders.ListCoder;
import org.apache.beam.sdk.util.CoderUtils;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class CodersTest {
  private static final PromptSource SOURCE = new PromptSource("/in/prompts.jsonl", 1L << 33);
  private static final Sampling SAMPLING = new Sampling(SchedulerKind.DDIM, 50, 7.1f, 512, 768);
  private static final BatchShape SHAPE = BatchShape.of(SAMPLING);
  private static final StoredObject MANIFEST =
      new StoredObject("manifest/00003.avro", 1234, "00ff00ff", "cd".repeat(32));

  static Stream<Object> values() {
    return Stream.of(
        new Prompt(SOURCE, "id-1", "a fox 🦊", Overrides.NONE, Map.of()),
        new Prompt(
            SOURCE,
            "id-2",
            "ein \"Fuchs\"\nim Schnee",
            new Overrides(
                Optional.of("blurry"),
                Optional.of(Seeds.MAX),
                Optional.of(3),
                Optional.of(SchedulerKind.LMS),
                Optional.of(7),
                Optional.of(1.5f),
                Optional.of(64),
                Optional.of(128)),
            Map.of("topic", "animals", "empty", "")),
        new Rejection(SOURCE, "the prompt is empty"),
        new Example(
            "0123456789abcdef0123456789abcdef",
            "x".repeat(70_000),
            "",
            "id-3",
            SOURCE,
            4,
            Seeds.MAX,
            new PrngKey(-1, 7),
            SAMPLING,
            Map.of("topic", "long")),
        SHAPE,
        new ShardKey(3, SHAPE),
        new ShardReport(
            new ShardKey(3, SHAPE),
            new ShardFacts(
                3,
                "ef".repeat(32),
                "01".repeat(32),
                5,
                1,
                0,
                2,
                9999,
                java.util.Optional.of(MANIFEST),
                java.util.List.of(MANIFEST, MANIFEST)),
            false,
            new ShardReport.Made(8, 6, 3, 2, 4),
            new ShardReport.Work(
                2,
                10,
                new ShardReport.Containment(3, 4, 5),
                1500,
                1600,
                1_700_000_000_000L,
                2000,
                new ShardReport.Stages(
                    durations(1_000_000, 3_000_000_000L),
                    durations(7_000),
                    Durations.NONE,
                    durations(20_000_000)))),
        new PlanDigest(3, -1, 5));
  }

  private static Durations durations(long... nanos) {
    Durations.Recorder recorder = new Durations.Recorder();
    for (long value : nanos) {
      recorder.record(value);
    }
    return recorder.toDurations();
  }

  @ParameterizedTest
  @MethodSource("values")
  @SuppressWarnings("unchecked")
  void everyRecordFindsItsCoderAndComesBackEqual(Object value) throws Exception {
    Coder<Object> coder = coder(value);

    // A list, so that a coder that reads too much or too little is found out.
    ListCoder<Object> listCoder = ListCoder.of(coder);
    byte[] bytes = CoderUtils.encodeToByteArray(listCoder, java.util.List.of(value, value));

    assertThat(CoderUtils.decodeFromByteArray(listCoder, bytes)).containsExactly(value, value);
    coder.verifyDeterministic();
  }

  @Test
  void orderOfCarriedColumnsDoesNotChangeTheBytes() throws Exception {
    Map<String, String> forward = new LinkedHashMap<>();
    forward.put("a", "1");
    forward.put("b", "2");
    Map<String, String> backward = new LinkedHashMap<>();
    backward.put("b", "2");
    backward.put("a", "1");

    assertThat(encode(new Prompt(SOURCE, "i", "p", Overrides.NONE, forward)))
        .isEqualTo(encode(new Prompt(SOURCE, "i", "p", Overrides.NONE, backward)));
  }

  @Test
  void rejectsAnotherVersion() throws Exception {
    byte[] bytes = encode(new Rejection(SOURCE, "r"));
    bytes[0] = 9;

    assertThatThrownBy(() -> CoderUtils.decodeFromByteArray(RejectionCoder.of(), bytes))
        .isInstanceOf(CoderException.class)
        .hasMessageContaining("reads version 1, but found 9");
  }

  private static byte[] encode(Object value) throws Exception {
    return CoderUtils.encodeToByteArray(coder(value), value);
  }

  @SuppressWarnings("unchecked")
  private static Coder<Object> coder(Object value) throws CannotProvideCoderException {
    return (Coder<Object>) CoderRegistry.createDefault().getCoder(value.getClass());
  }
}
