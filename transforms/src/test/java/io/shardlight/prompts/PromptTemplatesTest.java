package io.shardlight.prompts;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.shardlight.data.Overrides;
import io.shardlight.data.OverridesBuilder;
import io.shardlight.data.Prompt;
import io.shardlight.data.PromptExpansion.Expanded;
import io.shardlight.data.PromptSource;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PromptTemplatesTest {
  /**
   * Which of eight options images 0 to 11 of p.txt:1 get under run seed 7, worked out apart with
   * Python's hashlib.
   */
  private static final List<String> PINNED =
      List.of("g", "d", "h", "c", "d", "f", "g", "d", "c", "e", "a", "a");

  private static final Map<String, List<String>> WILDCARDS =
      Map.of(
          "colour", List.of("# warm", "red", "", "  {dark|light} blue "),
          "shapes/flat", List.of("square"),
          "shapes/solid", List.of("cube"),
          "toy", List.of("__colour__ __shapes/solid__"),
          "heavy", List.of("9::a", "b"),
          "none", List.of("# nothing"),
          "left", List.of("__right__"),
          "right", List.of("x", "__left__"),
          "broken", List.of("{red"));

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      quoteCharacter = '`',
      textBlock =
          """
          a {red|blue} fox; a red fox/a blue fox
          {a|b}{c|d}; ac/ad/bc/bd
          {a|{b|c}}; a/b/c
          a {big |}dog; a big dog/a dog
          {a}; a
          a {0::red|blue}; a blue
          {2$$a|b}; a, b/b, a
          {2$$ and $$a|b}; a and b/b and a
          {1-2$$+$$a|b}; a/b/a+b/b+a
          {2-$$+$$a|b}; a+b/b+a
          {-2$$+$$a|b}; a/b/a+b/b+a
          {5$$+$$a|b}; a+b/b+a
          __colour__; red/dark blue/light blue
          __shapes/*__; square/cube
          __toy__; red cube/dark blue cube/light blue cube
          {__shapes/flat__|x}; square/x
          {2$$ $$__shapes/*__}; square cube/cube square
          __shapes/flat____shapes/flat__; squaresquare
          \\{a\\|b\\} {x|y\\}}; {a|b} x/{a|b} y}
          a | b __ c {x}; a | b __ c x
          \\__colour__ {x}; __colour__ x
          (a:1.2) [b|c] {x}; (a:1.2) [b|c] x
          """)
  void aTemplateGivesEachOfItsTextsAndNoOther(String template, String texts) {
    assertThat(drawn(template, 400)).isEqualTo(Set.of(texts.split("/")));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      quoteCharacter = '`',
      textBlock =
          """
          a {red|blue fox;       the brace that opens in column 3 never closes; write
          a red} fox;            the brace that closes in column 6 never opened; write
          {a|{b};                the brace that opens in column 1 never closes; write
          a __color__ fox;       wanted a wildcard file for __color__, but found only [broken, colour,
          __none__;              the wildcard file of __none__ has no values
          __left__;              wildcards go round for ever: left → right → left
          a __broken__;          in __broken__: the brace that opens in column 1 never closes
          {0::a|0::b};           the weights of the brace that opens in column 1 are all zero
          {3-2$$a|b};            wanted a count or a range before $$, but found 3-2$$
          ${x=red} a ${x};       variables (${…}) are not available, but column 1 has one
          """)
  void whatCannotBeExpandedIsRejectedWithTheReason(String template, String reason) {
    assertThat(templates(0).problem(prompt("p:1", template)).orElseThrow())
        .startsWith("the template can't be used: " + reason);
  }

  @Test
  void aTemplateThatMayBecomeEmptyIsRejected() {
    assertThat(templates(0).problem(prompt("p:1", "{|red}")))
        .contains("the prompt is a template that may become empty");
    assertThat(templates(0).problem(prompt("p:1", "{|red} fox"))).isEmpty();
  }

  @Test
  void aBombIsRejectedUnexploded() {
    Map<String, List<String>> files = new TreeMap<>();
    files.put("w0", List.of("x"));
    for (int i = 1; i <= 70; i++) {
      files.put("w" + i, List.of("__w" + (i - 1) + "____w" + (i - 1) + "__"));
    }

    assertThat(PromptTemplates.of(files, 0).problem(prompt("p:1", "__w70__")).orElseThrow())
        .contains("at most 65536 characters");
    assertThat(templates(0).problem(prompt("p:1", "{".repeat(5000))).orElseThrow())
        .contains("at most 100 braces");
  }

  @Test
  void aDrawDependsOnRunSeedPromptIdAndImageAlone() {
    Prompt prompt = prompt("p.txt:1", "a {red|green|blue} fox, __toy__");

    assertThat(texts(templates(7), prompt)).isEqualTo(texts(templates(7), prompt));
    assertThat(Set.copyOf(texts(templates(7), prompt))).hasSizeGreaterThan(3);
    assertThat(texts(templates(8), prompt)).isNotEqualTo(texts(templates(7), prompt));
    assertThat(texts(templates(7), prompt("p.txt:2", prompt.text())))
        .isNotEqualTo(texts(templates(7), prompt));
    // Pinned: whoever changes these changes every dataset made from templates.
    assertThat(texts(templates(7), prompt("p.txt:1", "{a|b|c|d|e|f|g|h}")))
        .containsExactlyElementsOf(PINNED);
  }

  @Test
  void weightsTellHowOften() {
    long light =
        IntStream.range(0, 2000)
            .mapToObj(i -> templates(1).of(prompt("p", "{3::a|b}"), i).text())
            .filter("b"::equals)
            .count();
    assertThat(light).isBetween(400L, 600L);
    long heavy =
        IntStream.range(0, 2000)
            .mapToObj(i -> templates(1).of(prompt("p", "__heavy__"), i).text())
            .filter("a"::equals)
            .count();
    assertThat(heavy).isBetween(1700L, 1900L);
  }

  @Test
  void whatWasATemplateIsKept() {
    Prompt prompt =
        new Prompt(
            new PromptSource("p", 1),
            "id",
            "a {red} fox",
            new OverridesBuilder().negativePrompt("{grey}").build(),
            Map.of());

    assertThat(templates(0).of(prompt, 0))
        .isEqualTo(
            new Expanded(
                "a red fox",
                Optional.of("grey"),
                Map.of("prompt_template", "a {red} fox", "negative_prompt_template", "{grey}")));
    assertThat(templates(0).of(prompt("p", "C:\\_x \\(a\\)"), 0))
        .isEqualTo(new Expanded("C:\\_x \\(a\\)", Optional.empty(), Map.of()));
  }

  @Test
  void theDigestIsOfNamesAndValues() {
    String digest = PromptTemplates.sha256(WILDCARDS);

    assertThat(with("colour", List.of("red", "{dark|light} blue", "# cold"))).isEqualTo(digest);
    assertThat(with("colour", List.of("{dark|light} blue", "red"))).isNotEqualTo(digest);
    assertThat(with("new", List.of("red"))).isNotEqualTo(digest);
  }

  @Test
  void aWildcardFileThatIsNotUtf8IsNamedByItsLine() {
    assertThatThrownBy(
            () ->
                PromptTemplates.lines(
                    new ByteArrayInputStream("rot\ngrün".getBytes(StandardCharsets.ISO_8859_1))))
        .isInstanceOf(IOException.class)
        .hasMessage("line 2: wanted UTF-8, but found other bytes");
  }

  private static String with(String name, List<String> lines) {
    Map<String, List<String>> files = new TreeMap<>(WILDCARDS);
    files.put(name, lines);
    return PromptTemplates.sha256(files);
  }

  private static Set<String> drawn(String template, int images) {
    Prompt prompt = prompt("p.txt:1", template);
    assertThat(templates(0).problem(prompt)).isEmpty();
    PromptTemplates templates = templates(0);
    return IntStream.range(0, images)
        .mapToObj(i -> templates.of(prompt, i).text())
        .collect(Collectors.toSet());
  }

  private static List<String> texts(PromptTemplates templates, Prompt prompt) {
    return IntStream.range(0, 12).mapToObj(i -> templates.of(prompt, i).text()).toList();
  }

  private static PromptTemplates templates(long runSeed) {
    return PromptTemplates.of(WILDCARDS, runSeed);
  }

  private static Prompt prompt(String id, String text) {
    return new Prompt(new PromptSource("p.txt", 1), id, text, Overrides.NONE, Map.of());
  }
}
