/**
 * Models in buckets and directories, as {@code stage} puts them there: their files, and a marker
 * last that says what each must be. Reads and writes an {@link io.shardlight.data.ObjectStore},
 * wherever that lies.
 */
@NullMarked
package io.shardlight.models;

import org.jspecify.annotations.NullMarked;
