package io.shardlight.runners.flink;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Asks a JobManager about its cluster and its jobs.
 *
 * @see <a href="https://nightlies.apache.org/flink/flink-docs-release-1.19/docs/ops/rest_api/">REST
 *     API of Flink 1.19</a>
 */
final class FlinkCluster {
  private static final Duration CONNECT = Duration.ofSeconds(5);
  private static final Duration ANSWER = Duration.ofSeconds(20);
  private static final String METASPACE_USED = "Status.JVM.Memory.Metaspace.Used";
  private static final String METASPACE_MAX = "Status.JVM.Memory.Metaspace.Max";

  /** Looks for metrics, a tenth of a second apart. */
  private static final int METRIC_LOOKS = 20;

  private static final ObjectMapper JSON = new ObjectMapper();

  /** Of {@code Name - Vendor - 17/17.0.15+6}. */
  private static final Pattern JAVA = Pattern.compile(" - ([0-9]+)/[^/]*$");

  /**
   * A cluster as it is now.
   *
   * @param version of Flink
   * @param java feature version of the JobManager's JVM; empty if it does not tell
   * @param networkBytesPerSlot of the TaskManager with least; empty if there is none
   * @param freeMetaspace bytes of the TaskManager with least; empty if it is not known
   */
  record Overview(
      String version,
      Optional<Integer> java,
      int slots,
      Optional<Long> networkBytesPerSlot,
      Optional<Long> freeMetaspace) {}

  /**
   * A job.
   *
   * @param state as Flink calls it
   */
  record Job(String id, String state) {
    boolean hasEnded() {
      return state.equals("FINISHED") || state.equals("FAILED") || state.equals("CANCELED");
    }
  }

  private final HttpClient client =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).connectTimeout(CONNECT).build();
  private final String address;

  /**
   * @param address {@code HOST:PORT} of the JobManager's web interface
   */
  FlinkCluster(String address) {
    this.address = address;
  }

  /**
   * Asks what there is.
   *
   * @throws IOException if nobody answers, or it is not Flink
   */
  Overview overview() throws IOException {
    JsonNode overview = get("/overview");
    if (!overview.hasNonNull("flink-version")) {
      throw new IOException("what answers there is not Flink's web interface");
    }
    JsonNode taskManagers = get("/taskmanagers").path("taskmanagers");
    return new Overview(
        overview.path("flink-version").asText(),
        java(),
        overview.path("slots-total").asInt(),
        networkBytesPerSlot(taskManagers),
        freeMetaspace(taskManagers));
  }

  private Optional<Long> freeMetaspace(JsonNode taskManagers) throws IOException {
    List<Long> all = new ArrayList<>();
    for (JsonNode taskManager : taskManagers) {
      String metrics =
          "/taskmanagers/%s/metrics?get=%s,%s"
              .formatted(
                  URLEncoder.encode(taskManager.path("id").asText(), StandardCharsets.UTF_8),
                  METASPACE_USED,
                  METASPACE_MAX);
      // A JobManager that was not asked for a while fetches them first, and meanwhile has none.
      JsonNode values = get(metrics);
      for (int look = 1; values.isEmpty() && look < METRIC_LOOKS; look++) {
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(100));
        values = get(metrics);
      }
      long used = -1;
      long max = -1;
      for (JsonNode value : values) {
        if (value.path("id").asText().equals(METASPACE_USED)) {
          used = value.path("value").asLong(-1);
        } else {
          max = value.path("value").asLong(-1);
        }
      }
      if (used >= 0 && max > 0) {
        all.add(max - used);
      }
    }
    return all.stream().min(Comparator.naturalOrder());
  }

  private static Optional<Long> networkBytesPerSlot(JsonNode taskManagers) {
    List<Long> all = new ArrayList<>();
    for (JsonNode taskManager : taskManagers) {
      JsonNode bytes = taskManager.at("/memoryConfiguration/networkMemory");
      int slots = taskManager.path("slotsNumber").asInt();
      if (bytes.isNumber() && slots > 0) {
        all.add(bytes.asLong() / slots);
      }
    }
    return all.stream().min(Comparator.naturalOrder());
  }

  private Optional<Integer> java() {
    try {
      Matcher version = JAVA.matcher(get("/jobmanager/environment").at("/jvm/version").asText());
      return version.find() ? Optional.of(Integer.valueOf(version.group(1))) : Optional.empty();
    } catch (IOException e) {
      // Older ones do not tell; their version is refused for itself.
      return Optional.empty();
    }
  }

  /** The newest job of a name, if there was ever one. */
  Optional<Job> find(String name) throws IOException {
    Optional<Job> found = Optional.empty();
    long newest = Long.MIN_VALUE;
    for (JsonNode job : get("/jobs/overview").path("jobs")) {
      if (job.path("name").asText().equals(name) && job.path("start-time").asLong() > newest) {
        newest = job.path("start-time").asLong();
        found = Optional.of(new Job(job.path("jid").asText(), job.path("state").asText()));
      }
    }
    return found;
  }

  /** Has a job cancelled, which takes it a while. */
  void cancel(Job job) throws IOException {
    send("PATCH", "/jobs/" + job.id() + "?mode=cancel");
  }

  private JsonNode get(String path) throws IOException {
    try {
      return JSON.readTree(send("GET", path));
    } catch (JsonProcessingException e) {
      throw new IOException("what answers there is not Flink's web interface", e);
    }
  }

  private String send(String method, String path) throws IOException {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create("http://" + address + path))
            .timeout(ANSWER)
            .method(method, HttpRequest.BodyPublishers.noBody())
            .build();
    try {
      HttpResponse<String> response = client.send(request, HttpResponse.BodyHandlers.ofString());
      if (response.statusCode() / 100 != 2) {
        throw new IOException("it answers " + method + " " + path + " by " + response.statusCode());
      }
      return response.body();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("interrupted while waiting for " + address);
    }
  }
}
