@NullMarked
package io.shardlight.images;

import org.jspecify.annotations.NullMarked;
