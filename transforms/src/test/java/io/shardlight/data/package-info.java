@NullMarked
package io.shardlight.data;

import org.jspecify.annotations.NullMarked;
