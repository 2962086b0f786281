package io.shardlight.diffusion.hub;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpHeaders;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.ResponseInfo;
import java.nio.ByteBuffer;
import java.nio.channels.UnresolvedAddressException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Requests to the Hub and to wherever it sends us. Redirects are followed here and not by Java's
 * client, as the token may go to the Hub only: the addresses of its content network have signatures
 * of their own. Thread-safe.
 */
final class HubHttp {
  /** As many as Python's client follows at most is 20; the Hub needs two. */
  private static final int REDIRECTS = 10;

  private static final int JSON_BYTES = 64 << 20;
  private static final ObjectMapper JSON = new ObjectMapper();

  /** One page of an answer in JSON. */
  record Page(JsonNode json, Optional<URI> next) {}

  /** Looks at the heads of answers that come from the Hub itself, redirects among them. */
  interface Heads {
    void see(HttpHeaders headers) throws IOException;
  }

  private final HubSettings settings;
  private final HubPolicy policy;
  private final Retries.Sleeper sleeper;
  private final HubFaults faults;
  private final WatchedExchange exchange;

  HubHttp(HubSettings settings, HubPolicy policy, Retries.Sleeper sleeper) {
    this.settings = settings;
    this.policy = policy;
    this.sleeper = sleeper;
    this.faults = new HubFaults(settings);
    this.exchange =
        new WatchedExchange(
            HttpClient.newBuilder()
                // Each range has a connection of its own; they would share one of HTTP/2.
                .version(HttpClient.Version.HTTP_1_1)
                .followRedirects(HttpClient.Redirect.NEVER)
                .connectTimeout(policy.connectTimeout())
                .build(),
            policy.stallTimeout());
  }

  Retries retries(String wanted) {
    return new Retries(policy, sleeper, wanted);
  }

  /**
   * Asks the Hub's API.
   *
   * @param wanted as it goes on after "wanted to"
   */
  Page json(HubModel model, URI address, String wanted) throws IOException, InterruptedException {
    if (!Answers.isSameOrigin(address, settings.endpoint())) {
      throw HubException.refused(
          "wanted to "
              + wanted
              + ", but the Hub says to go on at "
              + Answers.show(address)
              + ", which is not the Hub; look at HF_ENDPOINT");
    }
    Retries retries = retries(wanted);
    while (true) {
      try {
        return json(model, wanted, address);
      } catch (IOException e) {
        retries.failed(e);
      }
    }
  }

  private Page json(HubModel model, String wanted, URI address)
      throws IOException, InterruptedException {
    ByteArrayOutputStream body = new ByteArrayOutputStream();
    List<String> next = new ArrayList<>();
    follow(
        model,
        wanted,
        address,
        "",
        headers -> {},
        info -> {
          Answers.nextPage(info.headers()).ifPresent(next::add);
          return bytes -> {
            if (body.size() + bytes.remaining() > JSON_BYTES) {
              throw HubException.refused(
                  "wanted to %s, but the answer is longer than %d MB; look at HF_ENDPOINT"
                      .formatted(wanted, JSON_BYTES >> 20));
            }
            byte[] some = new byte[bytes.remaining()];
            bytes.get(some);
            body.writeBytes(some);
            return true;
          };
        });
    try {
      JsonNode json = JSON.readTree(body.toByteArray());
      if (json == null || json.isMissingNode()) {
        throw new TransientFault("the answer was empty");
      }
      return new Page(json, next.stream().findFirst().map(address::resolve));
    } catch (JsonProcessingException e) {
      throw new TransientFault("the answer was not JSON");
    } catch (IllegalArgumentException e) {
      throw new TransientFault("the answer's next page has no proper address");
    }
  }

  /**
   * Sends one request and those it leads to.
   *
   * @param range value of the header Range; empty for all
   * @return the address that answered
   * @throws TransientFault if the same may go well the next time
   * @throws HubException if not
   */
  URI follow(
      HubModel model,
      String wanted,
      URI start,
      String range,
      Heads heads,
      WatchedExchange.Receiver receiver)
      throws IOException, InterruptedException {
    URI place = start;
    for (int hop = 0; hop <= REDIRECTS; hop++) {
      boolean hub = Answers.isSameOrigin(place, settings.endpoint());
      Reply reply = new Reply(receiver);
      try {
        exchange.send(request(place, hub, range), reply);
      } catch (ConnectException e) {
        // Java's has no words for most of its reasons.
        boolean unknown = e.getCause() instanceof UnresolvedAddressException;
        throw new ConnectException(
            place.getRawAuthority() + (unknown ? " is not known here" : " does not answer"));
      }
      ResponseInfo info = reply.info();
      int status = info.statusCode();
      if (status / 100 == 2 || Answers.isRedirect(status)) {
        if (hub) {
          heads.see(info.headers());
        }
      }
      if (status / 100 == 2) {
        return place;
      }
      if (Answers.isRedirect(status)) {
        place = target(place, info.headers(), wanted);
      } else if (Answers.mayPass(status)) {
        throw new TransientFault(
            Answers.show(place) + " answered with status " + status,
            Answers.retryAfter(info.headers(), Instant.now()));
      } else if (hub && status != 416) {
        throw faults.refusal(model, wanted, status, info.headers());
      } else {
        throw HubFaults.elsewhere(place, status);
      }
    }
    throw HubException.refused(
        "wanted to "
            + wanted
            + ", but was sent from one address to the next "
            + REDIRECTS
            + " times, at last to "
            + Answers.show(place)
            + "; look at HF_ENDPOINT");
  }

  private HttpRequest request(URI place, boolean hub, String range) {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(place)
            .header("User-Agent", "shardlight")
            // Packed, ranges and lengths would be of something else.
            .header("Accept-Encoding", "identity");
    if (!range.isEmpty()) {
      request.header("Range", range);
    }
    if (hub) {
      settings.token().ifPresent(token -> request.header("Authorization", token.authorization()));
    }
    return request.build();
  }

  private URI target(URI place, HttpHeaders headers, String wanted) throws IOException {
    String location = headers.firstValue("Location").orElse("");
    try {
      URI target = place.resolve(location);
      boolean http = "http".equals(target.getScheme()) && "http".equals(place.getScheme());
      if (!location.isEmpty()
          && target.getHost() != null
          && (http || "https".equals(target.getScheme()))) {
        return target;
      }
    } catch (IllegalArgumentException e) {
      // The same as one that leads nowhere.
    }
    throw HubException.refused(
        "wanted to "
            + wanted
            + ", but "
            + Answers.show(place)
            + " sends on to an address that is none, or is not safe; look at HF_ENDPOINT");
  }

  /** Hands the body over if it is the one that was asked for. */
  private static final class Reply implements WatchedExchange.Receiver {
    private final WatchedExchange.Receiver receiver;
    private volatile @Nullable ResponseInfo info;

    Reply(WatchedExchange.Receiver receiver) {
      this.receiver = receiver;
    }

    @Override
    public WatchedExchange.Body begin(ResponseInfo answer) throws IOException {
      info = answer;
      return answer.statusCode() / 100 == 2 ? receiver.begin(answer) : Reply::ignore;
    }

    /** Pages of errors are for browsers. */
    private static boolean ignore(ByteBuffer bytes) {
      return false;
    }

    ResponseInfo info() throws IOException {
      ResponseInfo found = info;
      if (found == null) {
        throw new TransientFault("the connection ended without an answer");
      }
      return found;
    }
  }

  /** The address of a part of the API or of a file. */
  URI address(String path) {
    return URI.create(settings.endpoint() + path);
  }
}
