/** Tests of parts that look at datasets. */
@org.jspecify.annotations.NullMarked
package io.shardlight.verify;
