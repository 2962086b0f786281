package io.shardlight.data;

import com.google.api.gax.retrying.BasicResultRetryAlgorithm;
import com.google.api.gax.retrying.ResultRetryAlgorithm;
import com.google.api.gax.retrying.RetrySettings;
import com.google.auth.Credentials;
import com.google.cloud.NoCredentials;
import com.google.cloud.http.HttpTransportOptions;
import com.google.cloud.storage.HttpStorageOptions;
import com.google.cloud.storage.Storage;
import com.google.cloud.storage.StorageOptions;
import com.google.cloud.storage.StorageRetryStrategy;
import java.io.IOException;
import java.net.URI;
import java.nio.file.FileSystemException;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import org.apache.beam.sdk.extensions.gcp.options.GcsOptions;
import org.apache.beam.sdk.options.PipelineOptions;
import org.jspecify.annotations.Nullable;

/**
 * Makes clients of Cloud Storage that follow the options which Beam's own {@code gs://} files
 * follow: {@code credentialFactoryClass} and what stands behind it, {@code gcsEndpoint}, {@code
 * project}, {@code gcsHttpRequestReadTimeout}. Beam carries these to every worker of any runner.
 */
final class GcsClient {
  /** How long a fault may last that a job outlives. */
  static final Duration PATIENCE = Duration.ofMinutes(5);

  private static final Duration FIRST_DELAY = Duration.ofMillis(250);
  private static final Duration LONGEST_DELAY = Duration.ofSeconds(32);
  private static final int CONNECT_TIMEOUT_MILLIS = 20_000;
  private static final int READ_TIMEOUT_MILLIS = 60_000;

  private GcsClient() {}

  /**
   * Looks up credentials, and connects to nothing yet.
   *
   * @param patience how long a request is tried again
   */
  static Storage of(PipelineOptions options, Duration patience) {
    return of(
        options,
        RetrySettings.newBuilder()
            .setInitialRetryDelayDuration(FIRST_DELAY)
            .setRetryDelayMultiplier(2)
            .setMaxRetryDelayDuration(LONGEST_DELAY)
            .setTotalTimeoutDuration(patience)
            .build());
  }

  static Storage of(PipelineOptions options, RetrySettings retries) {
    GcsOptions gcs = options.as(GcsOptions.class);
    // Without credentials public buckets can be read, as Beam does it.
    Optional<Credentials> credentials = Optional.ofNullable(gcs.getGcpCredential());
    HttpStorageOptions.Builder client =
        StorageOptions.http()
            .setCredentials(credentials.orElseGet(NoCredentials::getInstance))
            // Objects belong to buckets; with no name at all the client would search for one.
            .setProjectId(Objects.requireNonNullElse(gcs.getProject(), "unnamed"))
            .setTransportOptions(
                HttpTransportOptions.newBuilder()
                    .setConnectTimeout(CONNECT_TIMEOUT_MILLIS)
                    .setReadTimeout(
                        Objects.requireNonNullElse(
                            gcs.getGcsHttpRequestReadTimeout(), READ_TIMEOUT_MILLIS))
                    .build())
            .setStorageRetryStrategy(new RetryStrategy())
            .setRetrySettings(retries);
    String endpoint = gcs.getGcsEndpoint();
    if (endpoint != null && !endpoint.isEmpty()) {
      client.setHost(host(endpoint));
    }
    return client.build().getService();
  }

  /** Beam's endpoint goes on with {@code /storage/v1/}, which this client adds by itself. */
  private static String host(String endpoint) {
    URI uri = URI.create(endpoint);
    if (uri.getScheme() == null || uri.getRawAuthority() == null) {
      throw new IllegalArgumentException(
          "gcsEndpoint must be a URL such as https://storage.googleapis.com/storage/v1/, but was \""
              + endpoint
              + "\"");
    }
    return uri.getScheme() + "://" + uri.getRawAuthority();
  }

  /**
   * All that we ask for may be asked for twice, whether or not it was done the first time: creation
   * has a condition, and a replacement is the same again. So every fault that may pass is worth
   * another try, connections that break off within an answer too, which the client's own strategy
   * takes for the end. Not so in a thread that is interrupted: whatever it reads is closed under
   * it, the next try's answer too.
   */
  private static final class RetryStrategy implements StorageRetryStrategy {
    private static final long serialVersionUID = 1;

    private static final ResultRetryAlgorithm<?> CLIENTS_OWN =
        StorageRetryStrategy.getUniformStorageRetryStrategy().getIdempotentHandler();

    @Override
    public ResultRetryAlgorithm<?> getIdempotentHandler() {
      return new BasicResultRetryAlgorithm<Object>() {
        @Override
        public boolean shouldRetry(@Nullable Throwable fault, @Nullable Object response) {
          return fault != null
              && !Thread.currentThread().isInterrupted()
              && (CLIENTS_OWN.shouldRetry(fault, null) || isLost(fault));
        }
      };
    }

    @Override
    public ResultRetryAlgorithm<?> getNonidempotentHandler() {
      return getIdempotentHandler();
    }

    /** Whether a connection broke, which no answer tells. */
    private static boolean isLost(Throwable fault) {
      if (GcsFaults.status(fault) != 0) {
        return false;
      }
      for (Throwable cause = fault; cause != null; cause = cause.getCause()) {
        if (cause instanceof IOException) {
          // A local file is no better the second time.
          return !(cause instanceof FileSystemException);
        }
      }
      return false;
    }
  }
}
