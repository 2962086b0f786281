package io.shardlight.pipeline;

import java.io.Serializable;

/**
 * Where a worker gets a model that is not on its disk. It has the name of a secret, never a secret.
 *
 * @param location {@code hf://owner/name@commit} or {@code gs://bucket/folder}; empty for a model
 *     that must be on every worker's disk
 * @param tokenSecret of {@code --hfTokenSecret}; empty for none
 */
record ModelSource(String location, String tokenSecret) implements Serializable {
  static final ModelSource DISK = new ModelSource("", "");

  boolean isRemote() {
    return !location.isEmpty();
  }
}
