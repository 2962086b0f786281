@NullMarked
package io.shardlight.gallery;

import org.jspecify.annotations.NullMarked;
