@NullMarked
package io.shardlight.transforms;

import org.jspecify.annotations.NullMarked;
