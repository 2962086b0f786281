/** Tests of the template, its metadata and its images. */
@NullMarked
package io.shardlight.templates;

import org.jspecify.annotations.NullMarked;
