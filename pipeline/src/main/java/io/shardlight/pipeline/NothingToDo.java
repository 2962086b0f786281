package io.shardlight.pipeline;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.shardlight.data.CommittedShards;
import io.shardlight.data.DatasetMode;
import io.shardlight.data.DatasetPaths;
import io.shardlight.data.ObjectStore;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Says of a job, before it is submitted, that an earlier run was asked for the very same, and that
 * the dataset is finished. Prompts are compared by their files' hashes, so that none is read, and
 * no worker is started to find that all is there.
 *
 * @param report of the run that made the last of it
 * @param output root of the dataset
 * @param gallery whether it has one
 */
record NothingToDo(JsonNode report, String output, boolean gallery) {
  private static final Logger LOG = LoggerFactory.getLogger(NothingToDo.class);
  private static final ObjectMapper JSON = new ObjectMapper();

  /** Reports that are looked at, from the newest; a month of nights. */
  private static final int REPORTS = 31;

  /**
   * Looks for such a run. For all that submit jobs: it asks no runner and holds no lease.
   *
   * @param request as {@link CheckedJob#request} has it
   * @return empty if there is something to do, or if that takes a job to find out
   */
  static Optional<NothingToDo> find(CheckedJob job, String request) {
    try {
      return look(job, request);
    } catch (IOException e) {
      // What cannot be read is told by the job, which must read it.
      LOG.debug("Whether there is nothing to do is not known", e);
      return Optional.empty();
    }
  }

  private static Optional<NothingToDo> look(CheckedJob job, String request) throws IOException {
    DatasetMode mode = job.scope().mode();
    ObjectStore store = ObjectStore.open(job.output(), job.options());
    if ((mode != DatasetMode.INCREMENTAL && mode != DatasetMode.EXTEND) || !isWhole(store)) {
      return Optional.empty();
    }
    List<String> names =
        store.list("runs/").stream()
            .filter(name -> name.matches("runs/[^/]+/report\\.json"))
            .sorted(Comparator.reverseOrder())
            .limit(REPORTS)
            .toList();
    for (String name : names) {
      JsonNode report = read(store, name);
      if (report.path("succeeded").asBoolean()
          && report.path("request_sha256").asText().equals(request)) {
        return Optional.of(
            new NothingToDo(report, store.root(), store.exists(DatasetPaths.GALLERY)));
      }
      if (report.path("mode").asText().equals(DatasetMode.OVERWRITE.optionName())) {
        break; // What was made before is gone.
      }
    }
    return Optional.empty();
  }

  /** Whether a run has finished the dataset, and nobody has taken a shard out since. */
  private static boolean isWhole(ObjectStore store) throws IOException {
    return store.exists(DatasetPaths.SUCCESS)
        && store.exists(DatasetPaths.DATASET_JSON)
        && read(store, DatasetPaths.DATASET_JSON).path("shards").asInt(-1)
            == CommittedShards.numbers(store).size();
  }

  private static JsonNode read(ObjectStore store, String name) throws IOException {
    try (InputStream in = store.read(name)) {
      return JSON.readTree(in);
    } catch (JsonProcessingException e) {
      return JSON.missingNode(); // Says nothing; the job will look closer.
    }
  }

  private long alreadyPresent() {
    JsonNode counts = report.path("counts");
    return counts.path("ok").asLong()
        + counts.path("failed").asLong()
        + counts.path("blocked").asLong()
        + counts.path("left_alone").asLong();
  }

  /** The summary's lines. */
  List<String> lines() {
    String all =
        "Nothing to do: run %s was asked for the same prompts with the same settings"
            .formatted(report.path("run_id").asText());
    String there =
        RunSummary.count(alreadyPresent(), "image is already there", "images are already there");
    String dataset = "Dataset: " + output;
    return gallery
        ? List.of(all, there, "Gallery: " + output + "/" + DatasetPaths.GALLERY, dataset)
        : List.of(all, there, dataset);
  }

  /** What a run would have reported. */
  ObjectNode json(Duration wall) {
    ObjectNode json = JSON.createObjectNode();
    json.set("run_id", report.path("run_id"));
    json.set("mode", report.path("mode"));
    json.put("succeeded", true);
    json.put("nothing_to_do", true);
    ObjectNode counts = report.path("counts").deepCopy();
    counts.put("already_present", alreadyPresent());
    counts.put("generated", 0);
    json.set("counts", counts);
    json.put("output", output);
    json.put("wall_millis", wall.toMillis());
    return json;
  }
}
