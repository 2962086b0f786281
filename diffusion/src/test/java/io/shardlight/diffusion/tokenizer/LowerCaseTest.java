package io.shardlight.diffusion.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The right column is what Python 3.11's {@code str.lower} gives. */
final class LowerCaseTest {
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "A High-Tech CAT | a high-tech cat",
        "İstanbul I ı | i̇stanbul i ı",
        "STRASSE ẞ ǅ | strasse ß ǆ",
        "ΟΔΟΣ ΣΟΦΟΣ | οδος σοφος",
        "Σ ΑΣ ΑΣΑ | σ ας ασα",
        "Α.Σ Α'Σ Α’Σ | α.ς α'ς α’ς",
        "ΑΣ.Α ΑΣ'Α ΑΣ. | ασ.α ασ'α ας.",
        "ΑΣ1 1Σ 1ΑΣ | ας1 1σ 1ας",
        "Α\u0301Σ\u0301 Α\u0301Σ\u0301Α | α\u0301ς\u0301 α\u0301σ\u0301α",
        "日Σ \ud835\udc00Σ | 日σ \ud835\udc00ς",
      })
  void isPythons(String text, String lower) {
    assertThat(LowerCase.of(text)).isEqualTo(lower);
  }
}
