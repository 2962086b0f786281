/**
 * Encodes pictures as PNG, JPEG and WebP files that say how they were made, and decodes them. Of
 * Java's own packages for pictures only what needs no display is used.
 */
@NullMarked
package io.shardlight.images;

import org.jspecify.annotations.NullMarked;
