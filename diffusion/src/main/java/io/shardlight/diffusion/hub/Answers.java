package io.shardlight.diffusion.hub;

import java.net.URI;
import java.net.http.HttpHeaders;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Reads the heads of answers. */
final class Answers {
  private static final Set<Integer> MAY_PASS = Set.of(408, 425, 429, 500, 502, 503, 504);
  private static final Pattern CONTENT_RANGE =
      Pattern.compile("bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18}|\\*)");
  private static final Pattern NEXT = Pattern.compile("<([^<>]+)>\\s*;[^,]*\\brel=\"?next\"?");

  /** The Hub's own way to say when its limit ends. */
  private static final Pattern RATE_LIMIT = Pattern.compile(";\\s*r=0\\s*;\\s*t=([0-9]{1,9})");

  private Answers() {}

  /** What of a file an answer has; {@code total} is -1 if it doesn't say. */
  record ContentRange(long from, long to, long total) {}

  static boolean mayPass(int status) {
    return MAY_PASS.contains(status);
  }

  static boolean isRedirect(int status) {
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
  }

  static Optional<ContentRange> contentRange(HttpHeaders headers) {
    Matcher form = CONTENT_RANGE.matcher(headers.firstValue("Content-Range").orElse(""));
    return form.matches()
        ? Optional.of(
            new ContentRange(
                Long.parseLong(form.group(1)),
                Long.parseLong(form.group(2)) + 1,
                form.group(3).equals("*") ? -1 : Long.parseLong(form.group(3))))
        : Optional.empty();
  }

  /** The address of the next page of a list. */
  static Optional<String> nextPage(HttpHeaders headers) {
    for (String link : headers.allValues("Link")) {
      Matcher next = NEXT.matcher(link);
      if (next.find()) {
        return Optional.of(next.group(1));
      }
    }
    return Optional.empty();
  }

  /** How long the server asks to be left alone, in seconds or until a date. */
  static Optional<Duration> retryAfter(HttpHeaders headers, Instant now) {
    String value = headers.firstValue("Retry-After").orElse("").strip();
    if (value.matches("[0-9]{1,9}")) {
      return Optional.of(Duration.ofSeconds(Long.parseLong(value)));
    }
    if (!value.isEmpty()) {
      try {
        Instant until =
            ZonedDateTime.parse(value, DateTimeFormatter.RFC_1123_DATE_TIME).toInstant();
        return Optional.of(Duration.between(now, until)).filter(d -> !d.isNegative());
      } catch (DateTimeException e) {
        return Optional.empty();
      }
    }
    Matcher limit = RATE_LIMIT.matcher(headers.firstValue("RateLimit").orElse(""));
    return limit.find()
        ? Optional.of(Duration.ofSeconds(Long.parseLong(limit.group(1))))
        : Optional.empty();
  }

  /** Scheme, host and port: a token is for these and nobody else. */
  static boolean isSameOrigin(URI a, URI b) {
    return Objects.equals(lower(a.getScheme()), lower(b.getScheme()))
        && Objects.equals(lower(a.getHost()), lower(b.getHost()))
        && port(a) == port(b);
  }

  private static int port(URI uri) {
    return uri.getPort() >= 0 ? uri.getPort() : "https".equals(lower(uri.getScheme())) ? 443 : 80;
  }

  private static String lower(@Nullable String text) {
    return text == null ? "" : text.toLowerCase(Locale.ROOT);
  }

  /** An address without what may be secret: signatures stand in the query. */
  static String show(URI uri) {
    return uri.getScheme()
        + "://"
        + uri.getHost()
        + (uri.getPort() < 0 ? "" : ":" + uri.getPort())
        + uri.getRawPath();
  }

  /** Words of a server on one line of a terminal. */
  static String printable(String text) {
    String line = text.strip().replaceAll("\\s+", " ").replaceAll("\\p{Cntrl}|[^\\p{Print}]", "?");
    return line.length() <= 300 ? line : line.substring(0, 300) + "…";
  }
}
