package io.shardlight.data;

import java.io.Serializable;

/**
 * Which checkpoint draws.
 *
 * @param id as the user names it: {@code demo}, a directory's name, {@code owner/name}
 * @param revision of the repository; empty where there is none
 * @param sha256 hex hash over the checkpoint's files, which alone counts in the fingerprint
 * @param license SPDX-like id of the weights' licence; empty where there is none
 */
public record ModelIdentity(String id, String revision, String sha256, String license)
    implements Serializable {}
