package io.shardlight.data;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.google.api.client.http.HttpResponseException;
import com.google.cloud.storage.StorageException;
import java.io.IOException;
import java.net.HttpRetryException;
import java.net.UnknownHostException;
import java.util.Objects;
import java.util.Optional;

/** Says in plain words why Cloud Storage did not do what we wanted, and what to do about it. */
final class GcsFaults {
  private static final ObjectMapper JSON = new ObjectMapper();

  static final int NOT_FOUND = 404;
  static final int GONE = 410;
  static final int PRECONDITION_FAILED = 412;

  private final GcsPlace place;

  GcsFaults(GcsPlace place) {
    this.place = place;
  }

  /**
   * @param wanted as it goes on after "wanted to"
   */
  IOException explain(String wanted, StorageException fault) {
    return new IOException(
        "wanted to " + wanted + " in " + place + ", but " + reason(fault), fault);
  }

  /** What was found, and what to do. */
  String reason(StorageException fault) {
    String bucket = place.bucket();
    int status = status(fault);
    return switch (status) {
      case 401 ->
          "Cloud Storage asks who you are (401); log in by `gcloud auth application-default login`,"
              + " or name a service account's key in GOOGLE_APPLICATION_CREDENTIALS";
      case 403 ->
          "your account may not (403: "
              + message(fault)
              + "); have it given roles/storage.objectUser on bucket "
              + bucket;
      case NOT_FOUND ->
          "there is no bucket "
              + bucket
              + "; make it by `gcloud storage buckets create gs://"
              + bucket
              + "`, or name another";
      case 400 ->
          "Cloud Storage refused the request ("
              + message(fault)
              + "); if a checksum differs, the bytes changed on their way: run it again";
      default ->
          "Cloud Storage could not be reached or failed, again and again ("
              + (status == 0 ? "" : status + ": ")
              + message(fault)
              + "); run it again when it is back";
    };
  }

  /** Of the answer, whichever layer of the client met it; 0 if there was none. */
  static int status(Throwable fault) {
    for (Throwable cause = fault; cause != null; cause = cause.getCause()) {
      if (cause instanceof StorageException answer && answer.getCode() != 0) {
        return answer.getCode();
      }
      if (cause instanceof HttpResponseException answer) {
        return answer.getStatusCode();
      }
      if (cause instanceof HttpRetryException answer) {
        return answer.responseCode();
      }
    }
    return 0;
  }

  /** The server's own words, else the client's, on one line. */
  private static String message(StorageException fault) {
    String message = Objects.requireNonNullElse(fault.getMessage(), "no reason given");
    for (Throwable cause = fault; cause != null; cause = cause.getCause()) {
      if (cause instanceof HttpResponseException answer && answer.getContent() != null) {
        message = serverMessage(answer.getContent()).orElse(message);
      } else if (cause instanceof UnknownHostException) {
        message = "unknown host " + cause.getMessage();
      }
    }
    return message.strip().replaceAll("\\s*\\R\\s*", " ");
  }

  private static Optional<String> serverMessage(String content) {
    try {
      JsonNode message = JSON.readTree(content).at("/error/message");
      return Optional.ofNullable(message.textValue());
    } catch (JsonProcessingException e) {
      return Optional.empty();
    }
  }
}
