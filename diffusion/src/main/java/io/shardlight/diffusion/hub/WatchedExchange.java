package io.shardlight.diffusion.hub;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodySubscriber;
import java.net.http.HttpResponse.ResponseInfo;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Flow;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * One request and its answer, given up when no byte has come for a while: the client's own timeout
 * ends with the headers.
 */
final class WatchedExchange {
  /** Decides what becomes of an answer when its headers are there. */
  interface Receiver {
    Body begin(ResponseInfo answer) throws IOException;
  }

  /** Takes an answer's bytes. */
  interface Body {
    /**
     * @return false if that is enough, and the rest is not to be sent
     */
    boolean take(ByteBuffer bytes) throws IOException;
  }

  /** Nothing came for too long. */
  static final class StalledException extends IOException {
    private static final long serialVersionUID = 1;

    StalledException(Duration limit) {
      super("nothing came for " + limit.toMillis() / 1000.0 + " s");
    }
  }

  private final HttpClient client;
  private final Duration stallTimeout;

  WatchedExchange(HttpClient client, Duration stallTimeout) {
    this.client = client;
    this.stallTimeout = stallTimeout;
  }

  /** Sends, and hands the answer over as it comes. */
  void send(HttpRequest request, Receiver receiver) throws IOException, InterruptedException {
    Watch watch = new Watch();
    CompletableFuture<HttpResponse<Boolean>> answer =
        client.sendAsync(request, info -> new Subscriber(watch, info, receiver));
    long tickMillis = Math.max(5, Math.min(1000, stallTimeout.toMillis() / 8));
    try {
      while (true) {
        try {
          answer.get(tickMillis, TimeUnit.MILLISECONDS);
          return;
        } catch (TimeoutException e) {
          if (watch.idleNanos() > stallTimeout.toNanos()) {
            throw new StalledException(stallTimeout);
          }
        }
      }
    } catch (ExecutionException e) {
      throw asIOException(e.getCause());
    } finally {
      // Without effect on what has ended.
      answer.cancel(true);
      watch.stop();
    }
  }

  private static IOException asIOException(@Nullable Throwable cause) {
    for (Throwable c = cause; c != null; c = c.getCause()) {
      // What our own receiver threw comes wrapped.
      if (c instanceof HubException e) {
        return e;
      }
    }
    if (cause instanceof Error e) {
      throw e;
    }
    if (cause instanceof InterruptedIOException e) {
      return new IOException(e.getMessage(), e);
    }
    return cause instanceof IOException e ? e : new IOException(cause);
  }

  /** When something last happened. */
  private static final class Watch {
    private volatile long lastNanos = System.nanoTime();
    private volatile boolean stopped;
    private volatile Flow.@Nullable Subscription subscription;

    void touch() {
      lastNanos = System.nanoTime();
    }

    long idleNanos() {
      return System.nanoTime() - lastNanos;
    }

    /** Afterwards nothing is handed over any more: another try may be at the same place. */
    void stop() {
      synchronized (this) {
        stopped = true;
      }
      Flow.Subscription current = subscription;
      if (current != null) {
        current.cancel();
      }
    }

    /** Hands bytes over, unless they are not wanted any more. */
    boolean take(Body body, ByteBuffer bytes) throws IOException {
      synchronized (this) {
        boolean more = !stopped && body.take(bytes);
        touch();
        return more;
      }
    }
  }

  private static final class Subscriber implements BodySubscriber<Boolean> {
    private final Watch watch;
    private final ResponseInfo info;
    private final Receiver receiver;
    private final CompletableFuture<Boolean> result = new CompletableFuture<>();
    private @Nullable Body body;
    private Flow.@Nullable Subscription subscription;

    Subscriber(Watch watch, ResponseInfo info, Receiver receiver) {
      this.watch = watch;
      this.info = info;
      this.receiver = receiver;
    }

    @Override
    public CompletionStage<Boolean> getBody() {
      return result;
    }

    @Override
    public void onSubscribe(Flow.Subscription value) {
      subscription = value;
      watch.subscription = value;
      watch.touch();
      try {
        body = receiver.begin(info);
        if (watch.stopped) {
          value.cancel();
        } else {
          value.request(1);
        }
      } catch (IOException | RuntimeException e) {
        value.cancel();
        result.completeExceptionally(e);
      }
    }

    @Override
    public void onNext(List<ByteBuffer> buffers) {
      watch.touch();
      Body taker = body;
      Flow.Subscription source = subscription;
      if (taker == null || source == null || result.isDone()) {
        return;
      }
      try {
        for (ByteBuffer buffer : buffers) {
          if (!watch.take(taker, buffer)) {
            source.cancel();
            result.complete(true);
            return;
          }
        }
        source.request(1);
      } catch (IOException | RuntimeException e) {
        source.cancel();
        result.completeExceptionally(e);
      }
    }

    @Override
    public void onError(Throwable failure) {
      result.completeExceptionally(failure);
    }

    @Override
    public void onComplete() {
      result.complete(true);
    }
  }
}
