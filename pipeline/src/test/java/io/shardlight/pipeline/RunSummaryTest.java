package io.shardlight.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

class RunSummaryTest {
  private static List<String> lines(long each) {
    ObjectNode report = JsonNodeFactory.instance.objectNode();
    report.put("batches", each).put("padded_slots", each).put("padding_ratio", 0.5);
    ObjectNode counts = report.putObject("counts");
    List.of("generated", "already_present", "failed", "blocked", "duplicates", "rejected")
        .forEach(name -> counts.put(name, each));
    return new RunSummary(report, "/out", false, Duration.ofSeconds(3)).lines();
  }

  @Test
  void countsOneAsOne() {
    assertThat(lines(1).get(0)).startsWith("1 image made in ");
    assertThat(lines(1).subList(1, 8))
        .containsExactly(
            "1 image was already there",
            "1 image failed; error_class in the manifest says why",
            "1 image was blocked by the safety checker",
            "1 duplicate of another image asked for was not made again",
            "1 record could not be used; see /out/rejected",
            "1 batch, 1 padded slot (50.0 %)",
            "Dataset: /out");
  }

  @Test
  void tellsWhatWasContainedAndHowBusyTheDevicesWere() {
    ObjectNode report = JsonNodeFactory.instance.objectNode();
    report.put("device_busy_ratio", 0.934).put("retries", 2).put("splits", 1);
    report.put("oom_halvings", 3);

    assertThat(new RunSummary(report, "/out", false, Duration.ofSeconds(3)).lines())
        .containsSubsequence(
            "Devices were busy 93 % of the time",
            "2 calls were tried again",
            "1 batch was halved to find what could not be drawn",
            "3 batches were too large for the devices' memory; set batchPerDevice lower to save the"
                + " time",
            "Dataset: /out");
  }

  @Test
  void countsSeveralAsSeveral() {
    assertThat(lines(2))
        .contains(
            "2 batches, 2 padded slots (50.0 %)", "2 images were blocked by the safety checker");
    assertThat(lines(0)).hasSize(3).contains("0 batches, 0 padded slots (50.0 %)");
  }
}
