package io.shardlight.transforms;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DatasetCardTest {
  /** Ranges as bash and Python's braceexpand read them: of one width, if an end begins with 0. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "1|images/00000.tar",
        "12|images/{00000..00011}.tar",
        "100000|images/{00000..99999}.tar",
        "100001|images/{{00000..99999},{100000..100000}}.tar",
        "123456|images/{{00000..99999},{100000..123455}}.tar"
      })
  void archivesAreNamedByNumbersOfTheirWidth(int shards, String names) {
    assertThat(DatasetCard.archives(shards)).isEqualTo(names);
  }
}
