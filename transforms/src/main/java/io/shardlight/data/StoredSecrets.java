package io.shardlight.data;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.google.auth.Credentials;
import io.shardlight.diffusion.hub.AccessToken;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpTimeoutException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.zip.CRC32C;
import org.apache.beam.sdk.extensions.gcp.options.GcpOptions;
import org.apache.beam.sdk.options.PipelineOptions;

/**
 * Reads a token that Secret Manager keeps, by its REST interface and with the credentials that
 * reach buckets: a client library of its own would bring gRPC for one request. What is read goes
 * into an {@link AccessToken} and nowhere else; answers are never part of a message.
 *
 * @see <a
 *     href="https://cloud.google.com/secret-manager/docs/reference/rest/v1/projects.secrets.versions/access">
 *     projects.secrets.versions.access</a>
 */
public final class StoredSecrets {
  /** What {@code --hfTokenSecret} must be. */
  public static final String FORM =
      "projects/[A-Za-z0-9:._-]+/secrets/[A-Za-z0-9_-]{1,255}/versions/[A-Za-z0-9_-]{1,63}";

  /** By which gcloud's own commands are sent elsewhere. */
  private static final String ENDPOINT_VARIABLE = "CLOUDSDK_API_ENDPOINT_OVERRIDES_SECRETMANAGER";

  private static final String ENDPOINT = "https://secretmanager.googleapis.com/";
  private static final Duration TIMEOUT = Duration.ofSeconds(30);
  private static final int TRIES = 4;
  private static final ObjectMapper JSON = new ObjectMapper();

  private final URI endpoint;
  private final Duration delay;

  StoredSecrets(URI endpoint, Duration delay) {
    this.endpoint = endpoint;
    this.delay = delay;
  }

  /**
   * @param environment may name another endpoint
   */
  public static StoredSecrets of(Map<String, String> environment) {
    String value = environment.getOrDefault(ENDPOINT_VARIABLE, "");
    return new StoredSecrets(
        URI.create(value.isEmpty() ? ENDPOINT : value.replaceFirst("/*$", "/")),
        Duration.ofSeconds(1));
  }

  /**
   * Reads a token.
   *
   * @param name {@code projects/P/secrets/S/versions/V}
   * @param options of the job, which say who asks
   * @throws IOException if it can't be had, with what to do
   */
  public AccessToken read(String name, PipelineOptions options) throws IOException {
    if (!Pattern.matches(FORM, name)) {
      throw new IllegalArgumentException(
          "a secret must be projects/P/secrets/S/versions/V, but was something else of "
              + name.length()
              + " characters");
    }
    String wanted = "wanted the token in " + name + ", but ";
    Credentials credentials = options.as(GcpOptions.class).getGcpCredential();
    if (credentials == null || !credentials.hasRequestMetadata()) {
      throw new IOException(
          wanted
              + "nobody is logged in to Google Cloud; run `gcloud auth application-default login`,"
              + " or name a service account's key in GOOGLE_APPLICATION_CREDENTIALS");
    }
    return AccessToken.of(value(ask(name, credentials, wanted), wanted), name);
  }

  private byte[] ask(String name, Credentials credentials, String wanted) throws IOException {
    URI address = endpoint.resolve("v1/" + name + ":access");
    HttpClient client = HttpClient.newBuilder().connectTimeout(TIMEOUT).build();
    for (int attempt = 1; ; attempt++) {
      HttpRequest.Builder request = HttpRequest.newBuilder(address).timeout(TIMEOUT);
      for (Map.Entry<String, List<String>> header :
          credentials.getRequestMetadata(address).entrySet()) {
        header.getValue().forEach(value -> request.header(header.getKey(), value));
      }
      String reason;
      try {
        HttpResponse<byte[]> answer =
            client.send(request.build(), HttpResponse.BodyHandlers.ofByteArray());
        int status = answer.statusCode();
        if (status == 200) {
          return answer.body();
        }
        if (status != 429 && status / 100 != 5) {
          throw new IOException(wanted + refusal(status, name));
        }
        reason = "Secret Manager answered with status " + status;
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new InterruptedIOException(wanted + "this was interrupted");
      } catch (ConnectException | HttpTimeoutException e) {
        reason = "Secret Manager could not be reached at " + endpoint.getHost();
      }
      if (attempt == TRIES) {
        throw new IOException(
            wanted + reason + ", " + TRIES + " times; run it again when it is back");
      }
      pause(attempt, wanted);
    }
  }

  private void pause(int attempt, String wanted) throws IOException {
    try {
      Thread.sleep(delay.toMillis() << (attempt - 1));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException(wanted + "this was interrupted");
    }
  }

  private static String refusal(int status, String name) {
    return switch (status) {
      case 401 ->
          "Secret Manager asks who you are (401); log in by `gcloud auth application-default"
              + " login`";
      case 403 ->
          "your account may not read it (403); have it given roles/secretmanager.secretAccessor on "
              + name.replaceFirst("/versions/.*", "");
      case 404 -> "there is no such secret or version; `gcloud secrets list` shows those there are";
      case 400 -> "Secret Manager refused (400); is the version disabled or destroyed?";
      default -> "Secret Manager refused (" + status + "); look at it in the console";
    };
  }

  private static String value(byte[] answer, String wanted) throws IOException {
    try {
      JsonNode payload = JSON.readTree(answer).path("payload");
      byte[] data = Base64.getDecoder().decode(payload.required("data").asText());
      CRC32C crc = new CRC32C();
      crc.update(data);
      String sum = Long.toString(crc.getValue());
      if (payload.path("dataCrc32c").asText(sum).equals(sum)) {
        return new String(data, StandardCharsets.UTF_8);
      }
    } catch (IOException | IllegalArgumentException e) {
      // Whatever it says may show the secret.
      throw new IOException(
          wanted + "the answer was not one of Secret Manager's; is it its address?");
    }
    throw new IOException(wanted + "it changed on its way, as its checksum tells; run it again");
  }
}
