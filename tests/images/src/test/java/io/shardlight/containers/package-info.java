/**
 * Holds the container images of {@code templates/images} to what workers need: by reading the
 * Dockerfiles, and by putting images together without Docker and running what is in them.
 */
@NullMarked
package io.shardlight.containers;

import org.jspecify.annotations.NullMarked;
