package io.shardlight.diffusion.hub;

import io.shardlight.diffusion.transfer.RangeSource;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpHeaders;
import java.net.http.HttpResponse.ResponseInfo;
import java.nio.ByteBuffer;
import java.util.Optional;

/**
 * Reads ranges of one file of a commit. Where the Hub sends us to its content network, that address
 * is kept for the next ranges, until it does not work any more: its signature ends some time.
 */
final class HubFileSource implements RangeSource {
  /** A try that brought as much was not in vain. */
  private static final long WORTH_A_TRY = 64 << 10;

  private final HubHttp http;
  private final HubModel model;
  private final HubFile file;
  private final URI address;
  private volatile Optional<URI> elsewhere = Optional.empty();

  /**
   * @param model at a commit
   */
  HubFileSource(HubHttp http, HubModel model, HubFile file) {
    this.http = http;
    this.model = model;
    this.file = file;
    this.address =
        http.address(
            "/"
                + model.id()
                + "/resolve/"
                + RepositoryPath.encodePart(model.revision())
                + "/"
                + RepositoryPath.encode(file.path()));
  }

  @Override
  public long read(long from, long to, long limit, Sink sink)
      throws IOException, InterruptedException {
    Retries retries = http.retries("fetch " + file.path() + " of " + model.id());
    long position = from;
    while (position < to) {
      Part part = new Part(position, to, limit, sink);
      try {
        part.fetch();
        if (part.position < to) {
          throw new TransientFault("the answer ended too early");
        }
      } catch (IOException e) {
        elsewhere = Optional.empty();
        Optional<IOException> ours = part.sinkFailure;
        if (ours.isPresent()) {
          // This disk is no better the next time.
          throw ours.get();
        }
        if (part.position - position >= WORTH_A_TRY) {
          retries.progressed();
        }
        retries.failed(e);
      }
      position = part.position;
    }
    return position;
  }

  /** One request. */
  private final class Part implements WatchedExchange.Receiver {
    private final long from;
    private final long to;
    private final long limit;
    private final Sink sink;

    /** Of the next byte that is wanted. */
    private volatile long position;

    private volatile Optional<IOException> sinkFailure = Optional.empty();

    Part(long from, long to, long limit, Sink sink) {
      this.from = from;
      this.to = to;
      this.limit = limit;
      this.sink = sink;
      this.position = from;
    }

    void fetch() throws IOException, InterruptedException {
      boolean whole = from == 0 && to == file.bytes();
      URI start = elsewhere.orElse(address);
      URI end =
          http.follow(
              model,
              "fetch " + file.path() + " of " + model.id(),
              start,
              whole ? "" : "bytes=" + from + "-" + (to - 1),
              this::checkHead,
              this);
      elsewhere = Optional.of(end);
    }

    /** The file that the list told of, and no other. */
    private void checkHead(HttpHeaders headers) throws IOException {
      check("X-Repo-Commit", headers, model.revision());
      check("X-Linked-Etag", headers, file.checksum().hex());
      check("X-Linked-Size", headers, Long.toString(file.bytes()));
    }

    private void check(String name, HttpHeaders headers, String wanted) throws IOException {
      String found =
          headers.firstValue(name).orElse(wanted).replaceFirst("^W/", "").replace("\"", "");
      if (!found.equals(wanted)) {
        throw HubException.refused(
            "%s of %s must have %s %s, as the Hub's list says, but the file has %s; try again later"
                .formatted(file.path(), model.id(), name, wanted, Answers.printable(found)));
      }
    }

    @Override
    public WatchedExchange.Body begin(ResponseInfo answer) throws IOException {
      String encoding = answer.headers().firstValue("Content-Encoding").orElse("identity");
      if (!encoding.equals("identity")) {
        throw new TransientFault("the answer was packed by " + Answers.printable(encoding));
      }
      if (answer.statusCode() == 206) {
        Answers.ContentRange range =
            Answers.contentRange(answer.headers())
                .orElseThrow(() -> new TransientFault("the answer does not say what part it is"));
        requireSize(range.total());
        if (range.from() != from) {
          throw new TransientFault(
              "the answer begins at byte %d and not at %d".formatted(range.from(), from));
        }
        return bytes -> take(bytes, 0, to);
      }
      if (answer.statusCode() != 200) {
        throw new TransientFault("the answer has status " + answer.statusCode());
      }
      requireSize(answer.headers().firstValueAsLong("Content-Length").orElse(-1));
      long[] skip = {from};
      return bytes -> {
        int skipped = (int) Math.min(skip[0], bytes.remaining());
        bytes.position(bytes.position() + skipped);
        skip[0] -= skipped;
        return take(bytes, skip[0], limit);
      };
    }

    private void requireSize(long found) throws IOException {
      if (found == 0 && file.bytes() > 0) {
        throw new TransientFault("the answer was empty");
      }
      if (found >= 0 && found != file.bytes()) {
        throw HubException.refused(
            "%s of %s must have %d bytes, as the Hub's list says, but the file has %d; try again later"
                .formatted(file.path(), model.id(), file.bytes(), found));
      }
    }

    private boolean take(ByteBuffer bytes, long toSkip, long end) {
      if (toSkip > 0) {
        return true;
      }
      long at = position;
      int wanted = (int) Math.min(bytes.remaining(), end - at);
      ByteBuffer some = bytes.slice(bytes.position(), wanted);
      try {
        sink.accept(at, some);
      } catch (IOException e) {
        sinkFailure = Optional.of(e);
        return false;
      }
      position = at + wanted;
      return at + wanted < end;
    }
  }
}
