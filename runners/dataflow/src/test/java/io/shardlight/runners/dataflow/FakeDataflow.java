package io.shardlight.runners.dataflow;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.zip.GZIPInputStream;

/**
 * Dataflow's interface over HTTP, as far as one job needs it: create, look, list, messages, cancel.
 * It runs nothing; the states of the job are those it was told. Written against the client, so that
 * it says nothing of where Dataflow is stricter.
 */
public final class FakeDataflow implements AutoCloseable {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String ID = "2026-11-26_00_00_00-1";
  private static final String JOBS = "/v1b3/projects/test/locations/us-central1/jobs";

  private final HttpServer server;
  private final List<String> requests = new ArrayList<>();
  private final List<String> states = new ArrayList<>();
  private final ArrayNode messages = JSON.createArrayNode();
  private final CountDownLatch looked = new CountDownLatch(1);
  private Optional<ObjectNode> job = Optional.empty();
  private final List<String> statesOnceCancelled = new ArrayList<>();
  private Optional<String> refusal = Optional.empty();
  private boolean closedToAll;

  private FakeDataflow(HttpServer server) {
    this.server = server;
  }

  /** A service on this machine. */
  public static FakeDataflow start() {
    try {
      HttpServer server =
          HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
      FakeDataflow fake = new FakeDataflow(server);
      server.createContext("/", fake::handle);
      server.start();
      return fake;
    } catch (IOException e) {
      throw new IllegalStateException("no server on this machine", e);
    }
  }

  /** Options by which Beam asks this one; the project is {@code test}. */
  public List<String> options() {
    return List.of(
        "--apiRootUrl=http://127.0.0.1:" + server.getAddress().getPort() + "/",
        "--project=test",
        "--region=us-central1");
  }

  /** What looks at the job find, one after the other; the last of them for ever. */
  public synchronized FakeDataflow states(String... values) {
    states.clear();
    states.addAll(List.of(values));
    return this;
  }

  /** Adds an error to the messages of the job. */
  public synchronized FakeDataflow error(String text) {
    messages
        .addObject()
        .put("id", "m" + messages.size())
        .put("time", "2026-11-26T00:00:0" + messages.size() + "Z")
        .put("messageImportance", "JOB_MESSAGE_ERROR")
        .put("messageText", text);
    return this;
  }

  /** What looks find after somebody asked for the end. */
  public synchronized FakeDataflow onceCancelled(String... values) {
    statesOnceCancelled.addAll(List.of(values));
    return this;
  }

  /** Answers nobody's questions any more, as to an account without the right to ask. */
  public synchronized void shut() {
    closedToAll = true;
  }

  /** Takes no job. */
  public synchronized FakeDataflow refuse(String message) {
    refusal = Optional.of(message);
    return this;
  }

  /** The job that was submitted. */
  public synchronized JsonNode job() {
    return job.orElseThrow(() -> new IllegalStateException("no job: " + requests));
  }

  /** {@code METHOD path}, without the query. */
  public synchronized List<String> requests() {
    return List.copyOf(requests);
  }

  /** Waits until somebody has looked how the job is. */
  public boolean awaitLook() throws InterruptedException {
    return looked.await(5, TimeUnit.MINUTES);
  }

  private void handle(HttpExchange exchange) throws IOException {
    String method = exchange.getRequestMethod();
    String path = exchange.getRequestURI().getPath();
    byte[] answer;
    int status = 200;
    synchronized (this) {
      requests.add(method + " " + path);
      try (InputStream raw = exchange.getRequestBody();
          InputStream body =
              "gzip".equals(exchange.getRequestHeaders().getFirst("Content-Encoding"))
                  ? new GZIPInputStream(raw)
                  : raw) {
        Optional<JsonNode> found =
            closedToAll ? Optional.empty() : answer(method, path, body.readAllBytes());
        status = found.isPresent() ? 200 : 404;
        JsonNode json = found.orElse(error(404, "no " + path));
        if (method.equals("POST") && refusal.isPresent()) {
          status = 409;
          json = error(409, refusal.get());
        }
        answer = JSON.writeValueAsBytes(json);
      }
    }
    exchange.getResponseHeaders().add("Content-Type", "application/json");
    exchange.sendResponseHeaders(status, answer.length);
    exchange.getResponseBody().write(answer);
    exchange.close();
    if (method.equals("GET") && path.equals(JOBS + "/" + ID)) {
      looked.countDown();
    }
  }

  private static ObjectNode error(int code, String message) {
    ObjectNode json = JSON.createObjectNode();
    ObjectNode error = json.putObject("error").put("code", code).put("message", message);
    error.putArray("errors").addObject().put("message", message).put("reason", "reason");
    return json;
  }

  private Optional<JsonNode> answer(String method, String path, byte[] body) throws IOException {
    if (path.equals(JOBS) && method.equals("POST")) {
      if (refusal.isPresent()) {
        return Optional.empty();
      }
      ObjectNode created = (ObjectNode) JSON.readTree(body);
      job =
          Optional.of(
              created.put("id", ID).put("projectId", "test").put("location", "us-central1"));
      return Optional.of(shown());
    }
    if (path.equals(JOBS) && method.equals("GET")) {
      ObjectNode list = JSON.createObjectNode();
      ArrayNode jobs = list.putArray("jobs");
      jobs.addObject()
          .put("id", "other")
          .put("name", "other")
          .put("currentState", "JOB_STATE_RUNNING");
      if (job.isPresent()) {
        jobs.add(shown());
      }
      return Optional.of(list);
    }
    if (job.isEmpty() || !path.startsWith(JOBS + "/" + ID)) {
      return Optional.empty();
    }
    if (path.endsWith("/messages")) {
      ObjectNode list = JSON.createObjectNode();
      list.set("jobMessages", messages);
      return Optional.of(list);
    }
    if (method.equals("PUT")) {
      job.get().put("requestedState", JSON.readTree(body).path("requestedState").asText());
      states.clear();
      states.addAll(statesOnceCancelled);
      return Optional.of(shown());
    }
    ObjectNode shown = shown();
    if (states.size() > 1) {
      states.remove(0);
    }
    return Optional.of(shown);
  }

  private ObjectNode shown() {
    ObjectNode shown = job.orElseThrow().deepCopy();
    shown.remove("environment");
    return shown.put("currentState", states.get(0));
  }

  @Override
  public void close() {
    server.stop(0);
  }
}
