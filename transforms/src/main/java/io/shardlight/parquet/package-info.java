/**
 * The file format Parquet without Hadoop, which the library's own reader and writer of files need.
 * Pages and footers are read and written here; schemas, encodings and records are the library's.
 */
@NullMarked
package io.shardlight.parquet;

import org.jspecify.annotations.NullMarked;
