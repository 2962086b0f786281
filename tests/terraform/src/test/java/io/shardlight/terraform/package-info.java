/**
 * Holds what lies in {@code terraform/} to its own tables, to the provider's schema and to the
 * program's options: by reading the files, and where terraform is installed by having it apply them
 * to a provider that asks no cloud.
 */
@NullMarked
package io.shardlight.terraform;

import org.jspecify.annotations.NullMarked;
