/** Tests of staged models, on directories and a Cloud Storage to test against. */
@NullMarked
package io.shardlight.models;

import org.jspecify.annotations.NullMarked;
