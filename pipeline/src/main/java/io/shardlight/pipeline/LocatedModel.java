package io.shardlight.pipeline;

import io.shardlight.diffusion.hub.LicenseTerms;
import io.shardlight.diffusion.weights.ModelDirectory;
import java.util.List;
import java.util.Optional;

/**
 * What {@code --model} names, on this machine's disk, its licence accepted.
 *
 * @param id for the manifest: {@code demo}, a directory's name, {@code owner/name}
 * @param revision commit on the Hub; empty where there is none
 * @param modelSha256 that its files must have together; empty if nobody has said it
 * @param source where workers get it
 * @param files of it that are needed, sorted; empty if nobody asked
 */
record LocatedModel(
    ModelDirectory directory,
    String id,
    String revision,
    Optional<String> modelSha256,
    Optional<LicenseTerms> license,
    ModelSource source,
    List<String> files) {}
