/**
 * Reads a dataset again and compares all that it says of itself with what is there: markers,
 * manifests, images, card. Nothing is written; what is wrong is told with what to do about it.
 */
@NullMarked
package io.shardlight.verify;

import org.jspecify.annotations.NullMarked;
