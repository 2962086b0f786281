package io.shardlight.diffusion.random;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import io.shardlight.fixtures.Golden;
import io.shardlight.fixtures.NpzArchive;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Against golden/jax_prng_vectors.json and jax_prng_latents.npz: jax 0.3.22 and newer. */
final class JaxRandomTest {
  private static final JsonNode VECTORS = Golden.json("jax_prng_vectors.json");

  /** The tolerance that golden/README.md states for normals; integers are exact. */
  private static final float NORMAL_TOLERANCE = 2e-6f;

  private static final int LATENTS = 4 * 64 * 64;

  static Stream<Arguments> keys() {
    return IntStream.range(0, VECTORS.get("keys").size())
        .mapToObj(i -> VECTORS.get("keys").get(i))
        .flatMap(k -> Stream.of(ThreefryMode.values()).map(mode -> Arguments.of(k, mode)));
  }

  private static String field(ThreefryMode mode) {
    return mode == ThreefryMode.ORIGINAL ? "partitionable_false" : "partitionable_true";
  }

  @Test
  void seedsBecomeKeysAsInJax() {
    for (JsonNode k : VECTORS.get("keys")) {
      assertThat(PrngKey.ofSeed(k.get("seed").asLong())).isEqualTo(key(k.get("key_x32")));
      assertThat(PrngKey.ofSeed64(k.get("seed").asLong())).isEqualTo(key(k.get("key_x64")));
    }
  }

  @Test
  void blocksEqualThePublishedAnswers() {
    for (JsonNode known : VECTORS.get("threefry2x32_known")) {
      int[] key = hexWords(known.get("key"));
      int[] counter = hexWords(known.get("ctr"));
      int[] out = hexWords(known.get("out"));

      long block = new Threefry2x32(new PrngKey(key[0], key[1])).block(counter[0], counter[1]);

      assertThat((int) (block >>> 32)).isEqualTo(out[0]);
      assertThat((int) block).isEqualTo(out[1]);
    }
  }

  @ParameterizedTest
  @MethodSource("keys")
  void splitsIntoJaxsKeys(JsonNode golden, ThreefryMode mode) {
    PrngKey key = key(golden.get("key_x32"));
    for (int n : new int[] {2, 3, 4, 8}) {
      JsonNode wanted = golden.get(field(mode)).get("split_" + n);

      assertThat(JaxRandom.split(key, n, mode))
          .containsExactly(
              IntStream.range(0, n).mapToObj(i -> key(wanted.get(i))).toArray(PrngKey[]::new));
    }
  }

  @ParameterizedTest
  @MethodSource("keys")
  void drawsJaxsBits(JsonNode golden, ThreefryMode mode) {
    PrngKey key = key(golden.get("key_x32"));
    JsonNode wanted = golden.get(field(mode));

    assertThat(JaxRandom.bits32(key, 7, mode)).isEqualTo(words(wanted.get("random_bits32_n7")));
    assertThat(JaxRandom.bits32(key, 8, mode)).isEqualTo(words(wanted.get("random_bits32_n8")));
    assertThat(unsigned(JaxRandom.bits8(key, 5, mode)))
        .isEqualTo(words(wanted.get("random_bits8_n5")));
    assertThat(unsigned(JaxRandom.bits16(key, 5, mode)))
        .isEqualTo(words(wanted.get("random_bits16_n5")));
    assertThat(JaxRandom.bits64(key, 3, mode))
        .containsExactly(
            IntStream.range(0, 3)
                .mapToLong(
                    i -> Long.parseUnsignedLong(wanted.get("random_bits64_n3").get(i).asText()))
                .toArray());
  }

  @ParameterizedTest
  @MethodSource("keys")
  void drawsJaxsUniformsBitForBit(JsonNode golden, ThreefryMode mode) {
    float[] uniform = JaxRandom.uniform(key(golden.get("key_x32")), 5, mode);

    assertThat(uniform).containsExactly(floats(golden.get(field(mode)).get("uniform_n5")));
  }

  @ParameterizedTest
  @MethodSource("keys")
  void drawsJaxsNormals(JsonNode golden, ThreefryMode mode) {
    PrngKey key = key(golden.get("key_x32"));
    JsonNode wanted = golden.get(field(mode));

    assertClose(JaxRandom.normal(key, 1, mode), floats(wanted.get("normal_scalar")));
    assertClose(JaxRandom.normal(key, 5, mode), floats(wanted.get("normal_n5")));

    float[] latents = JaxRandom.normal(key, LATENTS, mode);
    JsonNode stats = wanted.get("normal_1_4_64_64");
    assertClose(Arrays.copyOf(latents, 16), floats(stats.get("first16")));
    assertClose(Arrays.copyOfRange(latents, LATENTS - 4, LATENTS), floats(stats.get("last4")));
    double sum = IntStream.range(0, LATENTS).mapToDouble(i -> latents[i]).sum();
    double squares = IntStream.range(0, LATENTS).mapToDouble(i -> sq(latents[i])).sum();
    double absmax =
        IntStream.range(0, LATENTS).mapToDouble(i -> Math.abs(latents[i])).max().orElse(0);
    assertThat(sum).isCloseTo(stats.get("sum_f64").asDouble(), within(LATENTS * 2e-7));
    assertThat(squares).isCloseTo(stats.get("sumsq_f64").asDouble(), within(LATENTS * 2e-7));
    assertThat(absmax).isCloseTo(stats.get("absmax").asDouble(), within(2e-6));
  }

  @Test
  void foldsInAsJax() {
    for (JsonNode k : VECTORS.get("keys")) {
      k.get("fold_in")
          .properties()
          .forEach(
              e ->
                  assertThat(
                          JaxRandom.foldIn(
                              key(k.get("key_x32")), Integer.parseUnsignedInt(e.getKey())))
                      .isEqualTo(key(e.getValue())));
    }
  }

  @ParameterizedTest
  @EnumSource(ThreefryMode.class)
  void drawsTheLatentsOfTheEightDevices(ThreefryMode mode) {
    NpzArchive latents = Golden.archive("jax_prng_latents.npz");
    JsonNode devices = VECTORS.get("PRNGKey0_split8_devices").get(field(mode));

    PrngKey[] keys = JaxRandom.split(PrngKey.ofSeed(0), 8, mode);

    assertClose(
        JaxRandom.normal(keys[0], LATENTS, mode),
        latents.array("latents_full_dev0_" + field(mode)).floats());
    for (int device = 0; device < 8; device++) {
      assertThat(keys[device]).isEqualTo(key(devices.get(device).get("key")));
      float[] drawn = JaxRandom.normal(keys[device], LATENTS, mode);
      assertClose(
          Arrays.copyOf(drawn, 16), floats(devices.get(device).get("latents_1_4_64_64_first16")));
      assertClose(corner(drawn), latents.array("latents_" + field(mode)).at(device).floats());
    }
  }

  /** The first eight rows and columns of every channel. */
  private static float[] corner(float[] latents) {
    float[] out = new float[4 * 8 * 8];
    for (int i = 0; i < out.length; i++) {
      out[i] = latents[i / 64 * 4096 + i / 8 % 8 * 64 + i % 8];
    }
    return out;
  }

  @Test
  void invertsTheErrorFunctionAsXla() {
    JsonNode golden = VECTORS.get("erf_inv_f32");
    float[] x = floats(golden.get("x"));
    for (int i = 0; i < x.length; i++) {
      String text = golden.get("y").get(i).asText();
      if (text.endsWith("inf")) {
        assertThat(ErfInv.erfInv(x[i])).isEqualTo(x[i] * Float.POSITIVE_INFINITY);
      } else {
        float wanted = Float.parseFloat(text);
        assertThat(ErfInv.erfInv(x[i])).isCloseTo(wanted, within(Math.abs(wanted) * 3e-7f));
      }
    }
  }

  @Test
  void partitionableNumbersDoNotDependOnTheirCount() {
    PrngKey key = PrngKey.ofSeed(5);
    float[] many = JaxRandom.normal(key, 1000, ThreefryMode.PARTITIONABLE);

    for (int n : new int[] {0, 1, 2, 17, 999}) {
      assertThat(JaxRandom.normal(key, n, ThreefryMode.PARTITIONABLE))
          .containsExactly(Arrays.copyOf(many, n));
    }
  }

  @ParameterizedTest
  @EnumSource(ThreefryMode.class)
  void keysOfManySeedsAndSplitsAreDistinct(ThreefryMode mode) {
    Set<PrngKey> seen = new HashSet<>();
    for (int seed = 0; seed < 100; seed++) {
      PrngKey key = PrngKey.ofSeed(seed);
      seen.add(key);
      seen.addAll(List.of(JaxRandom.split(key, 100, mode)));
    }

    assertThat(seen).hasSize(100 * 101);
  }

  @ParameterizedTest
  @EnumSource(ThreefryMode.class)
  void normalsHaveTheMomentsOfANormalDistribution(ThreefryMode mode) {
    int n = 100_000;
    float[] normals = JaxRandom.normal(PrngKey.ofSeed(2026), n, mode);

    double mean = IntStream.range(0, n).mapToDouble(i -> normals[i]).average().orElseThrow();
    double variance =
        IntStream.range(0, n).mapToDouble(i -> sq(normals[i])).average().orElseThrow();
    double within1 =
        IntStream.range(0, n).filter(i -> Math.abs(normals[i]) < 1).count() / (double) n;
    assertThat(mean).isCloseTo(0, within(5 / Math.sqrt(n)));
    assertThat(variance).isCloseTo(1, within(5 * Math.sqrt(2.0 / n)));
    assertThat(within1).isCloseTo(0.682689, within(5 * 0.47 / Math.sqrt(n)));
  }

  @Test
  void uniformsStayInTheirHalfOpenInterval() {
    float[] drawn = JaxRandom.uniform(PrngKey.ofSeed(3), 50_000, -2f, 3f, ThreefryMode.ORIGINAL);

    for (float u : drawn) {
      assertThat(u).isGreaterThanOrEqualTo(-2f).isLessThan(3f);
    }
  }

  @Test
  void rejectsNegativeCounts() {
    assertThatThrownBy(() -> JaxRandom.normal(PrngKey.ofSeed(0), -1, ThreefryMode.ORIGINAL))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("-1");
    assertThatThrownBy(() -> JaxRandom.split(PrngKey.ofSeed(0), -1, ThreefryMode.ORIGINAL))
        .isInstanceOf(IllegalArgumentException.class);
  }

  private static double sq(double x) {
    return x * x;
  }

  private static void assertClose(float[] actual, float[] wanted) {
    assertThat(actual).hasSameSizeAs(wanted);
    for (int i = 0; i < wanted.length; i++) {
      assertThat(actual[i]).as("number %d", i).isCloseTo(wanted[i], within(NORMAL_TOLERANCE));
    }
  }

  private static PrngKey key(JsonNode words) {
    return new PrngKey((int) words.get(0).asLong(), (int) words.get(1).asLong());
  }

  private static int[] words(JsonNode array) {
    return IntStream.range(0, array.size()).map(i -> (int) array.get(i).asLong()).toArray();
  }

  private static int[] hexWords(JsonNode array) {
    return IntStream.range(0, array.size())
        .map(i -> Long.decode(array.get(i).asText()).intValue())
        .toArray();
  }

  private static float[] floats(JsonNode golden) {
    float[] out = new float[golden.get("bits").size()];
    for (int i = 0; i < out.length; i++) {
      out[i] = Float.intBitsToFloat((int) golden.get("bits").get(i).asLong());
    }
    return out;
  }

  private static int[] unsigned(byte[] bytes) {
    return IntStream.range(0, bytes.length).map(i -> bytes[i] & 0xff).toArray();
  }

  private static int[] unsigned(short[] shorts) {
    return IntStream.range(0, shorts.length).map(i -> shorts[i] & 0xffff).toArray();
  }
}
