package io.shardlight.pipeline;

import java.io.Serializable;

/**
 * Where a worker gets a model that is not on its disk. It has the name of a secret, never a secret.
 *
 * @param location {@code hf://owner/name@commit} or {@code gs://bucket/folder}; empty for a model
 *     that must be on every worker's disk
 * @param tokenSecret of {@code --hfTokenSecret}; empty for none
 * @param sha256 of its files, as {@code ModelDirectory.sha256} has it: a worker that finds another
 *     model fails
 */
record ModelSource(String location, String tokenSecret, String sha256) implements Serializable {
  static final ModelSource DISK = new ModelSource("", "", "");

  /** With the hash that {@link #sha256} is, once it is known. */
  ModelSource withSha256(String value) {
    return isRemote() ? new ModelSource(location, tokenSecret, value) : this;
  }

  boolean isRemote() {
    return !location.isEmpty();
  }
}
