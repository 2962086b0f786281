/**
 * The pipeline as a Dataflow Flex Template: its main, the metadata of its parameters, made of the
 * pipeline's own options, and what goes into its container images. The images launch the job, are
 * its workers, and check themselves.
 */
@NullMarked
package io.shardlight.templates;

import org.jspecify.annotations.NullMarked;
