package io.shardlight.gallery;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class HostileTextTest {
  @ParameterizedTest
  @ValueSource(
      strings = {
        "</script><img src=x onerror=alert(1)>",
        "<!-- <script>",
        "--> ]]>",
        "&lt;script&gt;",
        "line\u2028separator\u2029",
        "nul\u0000, bell\u0007, delete\u007f, \ufeff",
        "👩\u200d🚀 \u202eRTL",
        "quotes \" ' ` and a \\"
      })
  void jsonNeitherEndsItsElementNorChangesTheText(String hostile) throws Exception {
    JsonNode tree = JsonNodeFactory.instance.objectNode().put(hostile, hostile);

    String json = InertJson.write(tree);

    assertThat(json).doesNotContain("<", ">", "&", "\u2028", "\u2029", "\u0000");
    assertThat(new ObjectMapper().readTree(json)).isEqualTo(tree);
  }

  @Test
  void htmlShowsMarkupAsText() {
    assertThat(HtmlText.escape("<a href=\"x\" id='y'>&amp;</a> \u2028 ü 🐴"))
        .isEqualTo("&lt;a href=&quot;x&quot; id=&#39;y&#39;&gt;&amp;amp;&lt;/a&gt; \u2028 ü 🐴");
  }
}
