package io.shardlight.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class DidYouMeanTest {
  private static final List<String> NAMES = List.of("steps", "seed", "seedPolicy", "guidanceScale");

  @Test
  void forgivesOneSlip() {
    assertThat(DidYouMean.nearest("step", NAMES)).contains("steps");
    assertThat(DidYouMean.nearest("setps", NAMES)).contains("steps");
    assertThat(DidYouMean.nearest("STEPS", NAMES)).contains("steps");
    assertThat(DidYouMean.nearest("guidance_scale", NAMES)).contains("guidanceScale");
  }

  @Test
  void completesWhatOnlyOneBeginsWith() {
    assertThat(DidYouMean.nearest("guid", NAMES)).contains("guidanceScale");
    assertThat(DidYouMean.nearest("g", NAMES)).isEmpty();
  }

  @Test
  void keepsQuietAboutStrangers() {
    assertThat(DidYouMean.nearest("colour", NAMES)).isEmpty();
  }

  @Test
  void countsEdits() {
    assertThat(DidYouMean.edits("", "abc")).isEqualTo(3);
    assertThat(DidYouMean.edits("kitten", "sitting")).isEqualTo(3);
    assertThat(DidYouMean.edits("ab", "ba")).isEqualTo(1);
  }
}
