package io.shardlight.diffusion.hub;

import io.shardlight.diffusion.transfer.Checksum;

/**
 * A file of a model, as the Hub lists it.
 *
 * @param path with {@code /} between its parts
 * @param checksum SHA-256 of large files, git's hash of others; its digits are the entity tag, by
 *     which the cache names it
 */
public record HubFile(String path, long bytes, Checksum checksum) {
  String blobName() {
    return checksum.hex();
  }
}
