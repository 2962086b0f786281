package io.shardlight.data;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpServer;
import io.shardlight.diffusion.hub.AccessToken;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collections;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32C;
import org.apache.beam.sdk.options.PipelineOptions;
import org.apache.beam.sdk.options.PipelineOptionsFactory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class StoredSecretsTest {
  private static final String NAME = "projects/p/secrets/hf-token/versions/3";
  private static final String SECRET = "hf_keptInASecret";

  private record Answer(int status, String body) {}

  private final Deque<Answer> answers = new ArrayDeque<>();
  private final List<String> requests = Collections.synchronizedList(new ArrayList<>());
  private final HttpServer server;

  StoredSecretsTest() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext(
        "/",
        exchange -> {
          try (exchange) {
            requests.add(
                exchange.getRequestMethod()
                    + " "
                    + exchange.getRequestURI()
                    + " "
                    + exchange.getRequestHeaders().getFirst("Authorization"));
            Answer answer = answers.size() > 1 ? answers.pop() : answers.getFirst();
            byte[] body = answer.body.getBytes(UTF_8);
            exchange.sendResponseHeaders(answer.status, body.length == 0 ? -1 : body.length);
            exchange.getResponseBody().write(body);
          }
        });
    server.start();
  }

  @AfterEach
  void stop() {
    server.stop(0);
  }

  private String url() {
    return "http://127.0.0.1:" + server.getAddress().getPort();
  }

  private AccessToken read() throws IOException {
    PipelineOptions options =
        PipelineOptionsFactory.fromArgs(
                "--credentialFactoryClass=" + FakeCredentials.class.getName())
            .create();
    return new StoredSecrets(URI.create(url() + "/"), Duration.ZERO).read(NAME, options);
  }

  private static String payload(String secret, long crc) {
    return "{\"name\": \"%s\", \"payload\": {\"data\": \"%s\", \"dataCrc32c\": \"%d\"}}"
        .formatted(NAME, Base64.getEncoder().encodeToString(secret.getBytes(UTF_8)), crc);
  }

  private static String payload(String secret) {
    CRC32C crc = new CRC32C();
    crc.update(secret.getBytes(UTF_8));
    return payload(secret, crc.getValue());
  }

  @Test
  void asksWithTheCredentialsOfTheJob() throws IOException {
    answers.add(new Answer(200, payload(SECRET + "\n")));

    assertThat(read()).hasToString("an access token");

    assertThat(requests)
        .containsExactly("GET /v1/" + NAME + ":access Bearer " + FakeCredentials.TOKEN);
  }

  @Test
  void theEnvironmentMayNameAnotherPlace() throws IOException {
    answers.add(new Answer(200, payload(SECRET)));
    PipelineOptions options =
        PipelineOptionsFactory.fromArgs(
                "--credentialFactoryClass=" + FakeCredentials.class.getName())
            .create();

    StoredSecrets.of(Map.of("CLOUDSDK_API_ENDPOINT_OVERRIDES_SECRETMANAGER", url()))
        .read(NAME, options);

    assertThat(requests).hasSize(1);
  }

  @Test
  void triesAgainWhatMayPass() throws IOException {
    answers.add(new Answer(503, SECRET));
    answers.add(new Answer(429, SECRET));
    answers.add(new Answer(200, payload(SECRET)));

    read();

    assertThat(requests).hasSize(3);
  }

  private void assertRefused(String part) {
    assertThatThrownBy(this::read)
        .isInstanceOf(Exception.class)
        .hasMessageContaining(part)
        .satisfies(
            e -> {
              for (Throwable cause = e; cause != null; cause = cause.getCause()) {
                assertThat(cause.toString())
                    .doesNotContain(SECRET, FakeCredentials.TOKEN)
                    .doesNotContain(Base64.getEncoder().encodeToString(SECRET.getBytes(UTF_8)));
              }
            });
  }

  @ParameterizedTest
  @CsvSource({
    "400, is the version disabled or destroyed?",
    "401, log in by `gcloud auth application-default login`",
    "403, have it given roles/secretmanager.secretAccessor on projects/p/secrets/hf-token",
    "404, there is no such secret or version",
    "500, 'Secret Manager answered with status 500, 4 times'"
  })
  void refusalsSayWhatToDo(int status, String part) {
    answers.add(new Answer(status, SECRET));

    assertRefused(part);

    assertThat(requests).hasSize(status == 500 ? 4 : 1);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {SECRET, "{\"payload\": \"" + SECRET + "\"}", "{\"payload\": {\"data\": \"###\"}}"})
  void answersOfSomebodyElseAreNotShown(String body) {
    answers.add(new Answer(200, body));

    assertRefused("the answer was not one of Secret Manager's");
  }

  @Test
  void whatChangedOnItsWayIsNotTaken() {
    answers.add(new Answer(200, payload(SECRET, 1)));

    assertRefused("it changed on its way, as its checksum tells");
  }

  @Test
  void whatIsNoTokenIsNotShown() {
    answers.add(new Answer(200, payload(SECRET + " and a comment")));

    assertRefused(NAME + " must be an access token, a word of");
  }

  @Test
  void whoIsNotLoggedInIsToldHow() {
    PipelineOptions options =
        PipelineOptionsFactory.fromArgs(
                "--credentialFactoryClass="
                    + "org.apache.beam.sdk.extensions.gcp.auth.NoopCredentialFactory")
            .create();

    assertThatThrownBy(() -> StoredSecrets.of(Map.of()).read(NAME, options))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("nobody is logged in to Google Cloud; run `gcloud auth");
  }

  @ParameterizedTest
  @ValueSource(strings = {"hf_secret", "projects/p/secrets/s", "projects/p/secrets/../versions/1"})
  void namesThatAreNoneAreNotAskedFor(String name) {
    assertThatThrownBy(() -> StoredSecrets.of(Map.of()).read(name, PipelineOptionsFactory.create()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageNotContaining(name);
  }
}
