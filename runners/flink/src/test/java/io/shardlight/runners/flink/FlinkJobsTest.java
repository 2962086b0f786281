package io.shardlight.runners.flink;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import io.shardlight.pipeline.RemoteRunner;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.apache.beam.runners.flink.FlinkPipelineOptions;
import org.apache.beam.sdk.options.PipelineOptionsFactory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The answers are what Flink 1.19.0 gave, shortened. */
class FlinkJobsTest {
  private static final String OVERVIEW =
      "{\"taskmanagers\":2,\"slots-total\":4,\"slots-available\":4,\"flink-version\":\"1.19.0\"}";
  private static final String ENVIRONMENT =
      "{\"jvm\":{\"version\":\"OpenJDK 64-Bit Server VM - Debian - 17/17.0.15+6-Debian\"}}";
  private static final String TASK_MANAGERS =
      "{\"taskmanagers\":[{\"id\":\"tm1\",\"slotsNumber\":1,"
          + "\"memoryConfiguration\":{\"networkMemory\":134217728}},{\"id\":\"tm2\","
          + "\"slotsNumber\":2,\"memoryConfiguration\":{\"networkMemory\":268435456}}]}";

  private static final String METASPACE =
      "/taskmanagers/%s/metrics?get=Status.JVM.Memory.Metaspace.Used,"
          + "Status.JVM.Memory.Metaspace.Max";

  private final Map<String, String> pages = new ConcurrentHashMap<>();
  private final Queue<String> asked = new ConcurrentLinkedQueue<>();
  private final HttpServer server;
  private final FlinkJobs jobs = new FlinkJobs();

  FlinkJobsTest() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext(
        "/",
        exchange -> {
          String path = exchange.getRequestURI().toString();
          asked.add(exchange.getRequestMethod() + " " + path);
          byte[] page = pages.getOrDefault(path, "").getBytes(StandardCharsets.UTF_8);
          exchange.sendResponseHeaders(pages.containsKey(path) ? 200 : 404, page.length);
          exchange.getResponseBody().write(page);
          exchange.close();
        });
    server.start();
    pages.put("/overview", OVERVIEW);
    pages.put("/jobmanager/environment", ENVIRONMENT);
    pages.put("/taskmanagers", TASK_MANAGERS);
    pages.put(METASPACE.formatted("tm1"), metaspace(100 << 20, 256 << 20));
    pages.put(METASPACE.formatted("tm2"), metaspace(100 << 20, -1));
  }

  private static String metaspace(long used, long max) {
    return "[{\"id\":\"Status.JVM.Memory.Metaspace.Used\",\"value\":\"%d\"},{\"id\":\"Status.JVM.Memory.Metaspace.Max\",\"value\":\"%d\"}]"
        .formatted(used, max);
  }

  @AfterEach
  void stop() {
    server.stop(0);
  }

  private String master() {
    return "127.0.0.1:" + server.getAddress().getPort();
  }

  private FlinkPipelineOptions options(String... more) {
    FlinkPipelineOptions options =
        PipelineOptionsFactory.fromArgs(more).as(FlinkPipelineOptions.class);
    options.setFlinkMaster(master());
    options.setJobName("shardlight-1");
    return options;
  }

  private String problem(String... more) {
    List<String> problems = jobs.prepare(options(more));
    assertThat(problems).hasSize(1);
    return problems.get(0);
  }

  @Test
  void completesWhatAJobNeeds() {
    FlinkPipelineOptions options = options();

    assertThat(jobs.prepare(options)).isEmpty();

    assertThat(options.getParallelism()).isEqualTo(4);
    assertThat(options.getExecutionModeForBatch()).isEqualTo("BATCH");
    assertThat(options.getFilesToStage())
        .anyMatch(file -> file.contains("beam-sdks-java-core"))
        .anyMatch(file -> file.contains("onnxruntime-1."))
        .noneMatch(file -> file.contains("flink-runtime") || file.contains("slf4j"));
  }

  @Test
  void leavesWhatTheUserSaid() {
    FlinkPipelineOptions options =
        options("--parallelism=3", "--executionModeForBatch=BATCH_FORCED", "--filesToStage=a.jar");

    assertThat(jobs.prepare(options)).isEmpty();

    assertThat(options.getParallelism()).isEqualTo(3);
    assertThat(options.getExecutionModeForBatch()).isEqualTo("BATCH_FORCED");
    assertThat(options.getFilesToStage()).containsExactly("a.jar");
  }

  @Test
  void refusesAnotherFlink() {
    pages.put("/overview", OVERVIEW.replace("1.19.0", "1.18.1"));
    assertThat(problem())
        .isEqualTo(
            "--flinkMaster="
                + master()
                + ": must run Flink 1.19.x, but runs 1.18.1; use a cluster of that version");
  }

  @Test
  void refusesAnOldJava() {
    pages.put("/jobmanager/environment", ENVIRONMENT.replace("17/17.0.15", "11/11.0.24"));
    assertThat(problem()).contains(": must run on Java 17 or newer, but runs on Java 11; ");
  }

  @Test
  void refusesAClusterWithoutTaskManagersUnlessItIsToldHowManyThereWillBe() {
    pages.put("/overview", OVERVIEW.replace("\"slots-total\":4", "\"slots-total\":0"));
    pages.put("/taskmanagers", "{\"taskmanagers\":[]}");
    assertThat(problem()).contains(": must have a TaskManager with a free slot, but has none; ");
    assertThat(jobs.prepare(options("--parallelism=2"))).isEmpty();
  }

  @Test
  void refusesTaskManagersThatCouldNotExchangeResults() {
    pages.put("/taskmanagers", TASK_MANAGERS.replace("268435456", "134217728"));
    assertThat(problem())
        .contains(": must have 96 MiB of network memory for each slot, but a TaskManager has 64; ");
  }

  @Test
  void refusesTaskManagersThatEarlierJobsHaveFilled() {
    pages.put(METASPACE.formatted("tm2"), metaspace(230 << 20, 256 << 20));
    assertThat(problem())
        .contains(
            ": must have 32 MiB of metaspace for a job's classes, but a TaskManager has 26 left,");
  }

  @Test
  void refusesWhatIsNotFlink() {
    pages.put("/overview", "<html>hello</html>");
    assertThat(problem()).contains("but what answers there is not Flink's web interface; ");
    pages.put("/overview", "{}");
    assertThat(problem()).contains("but what answers there is not Flink's web interface; ");
    pages.remove("/overview");
    assertThat(problem()).contains("but it answers GET /overview by 404; ");
  }

  @Test
  void refusesAnAddressWhereNobodyListens() {
    server.stop(0);
    assertThat(problem())
        .isEqualTo(
            "--flinkMaster="
                + master()
                + ": must be the web interface of a running JobManager, but nothing listens there;"
                + " start the cluster, or give the address of the right one");
    FlinkPipelineOptions unknown = options();
    unknown.setFlinkMaster("no-such-host.invalid:8081");
    assertThat(jobs.prepare(unknown).get(0)).contains("there is no host of that name");
  }

  @Test
  void refusesOptionsThatMakeNoDataset() {
    assertThat(problem("--attachedMode=false")).startsWith("--attachedMode=false: ");
    assertThat(problem("--streaming=true")).startsWith("--streaming, --useDataStreamForBatch: ");
    assertThat(problem("--useDataStreamForBatch=true"))
        .startsWith("--streaming, --useDataStreamForBatch: ");
  }

  @Test
  void theNewestJobOfTheNameIsTheOneThatCounts() {
    pages.put("/jobs/overview", jobs(job("a", "FAILED", 1), job("b", "RUNNING", 2)));
    assertThat(jobs.fate(options())).isEqualTo(RemoteRunner.Fate.RUNNING);
    pages.put("/jobs/overview", jobs(job("b", "CANCELLING", 2), job("a", "FINISHED", 1)));
    assertThat(jobs.fate(options())).isEqualTo(RemoteRunner.Fate.RUNNING);
    pages.put("/jobs/overview", jobs(job("a", "RUNNING", 1), job("b", "CANCELED", 2)));
    assertThat(jobs.fate(options())).isEqualTo(RemoteRunner.Fate.ENDED);
    pages.put("/jobs/overview", jobs());
    assertThat(jobs.fate(options())).isEqualTo(RemoteRunner.Fate.ENDED);
    pages.remove("/jobs/overview");
    assertThat(jobs.fate(options())).isEqualTo(RemoteRunner.Fate.UNKNOWN);
  }

  @Test
  void cancelsAJobThatRunsAndNoOther() {
    pages.put("/jobs/overview", jobs(job("b", "FINISHED", 2)));
    assertThat(jobs.cancel(options())).isEqualTo(RemoteRunner.Fate.ENDED);
    assertThat(asked).noneMatch(request -> request.startsWith("PATCH"));

    pages.put("/jobs/overview", jobs(job("b", "RUNNING", 2)));
    // Refused: then nobody knows.
    assertThat(jobs.cancel(options())).isEqualTo(RemoteRunner.Fate.UNKNOWN);
    assertThat(asked).contains("PATCH /jobs/b?mode=cancel");
  }

  private static String jobs(String... jobs) {
    return "{\"jobs\":[" + String.join(",", jobs) + "]}";
  }

  private static String job(String id, String state, long start) {
    return "{\"jid\":\"%s\",\"name\":\"shardlight-1\",\"start-time\":%d,\"state\":\"%s\"}"
        .formatted(id, start, state);
  }
}
