package io.shardlight.data;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.Random;
import org.junit.jupiter.api.Test;

class CanonicalJsonTest {
  @Test
  void sortsKeysDropsSpacesAndEscapesOnlyWhatItMust() throws Exception {
    String json =
        "{ \"b\" : [1, 2.50, true, null, 1e2, 0.0], \"a\": \"é \\u001f \\\" \\\\ / \\n"
            + " 🦊\", \"c\": {} }";

    assertThat(CanonicalJson.write(new ObjectMapper().readTree(json)))
        .isEqualTo(
            "{\"a\":\"é \\u001f \\\" \\\\ / \\n 🦊\",\"b\":[1,2.5,true,null,100,0],\"c\":{}}");
  }

  @Test
  void shortestDecimalGivesBackTheFloat() {
    assertThat(CanonicalJson.shortest(7.1f).toPlainString()).isEqualTo("7.1");
    assertThat(CanonicalJson.shortest(0f)).hasToString("0");
    assertThat(CanonicalJson.shortest(10f)).hasToString("10");
    Random random = new Random(1);
    for (int i = 0; i < 10_000; i++) {
      float value = random.nextFloat() * 30;
      assertThat(CanonicalJson.shortest(value).floatValue()).isEqualTo(value);
    }
  }
}
