@NullMarked
package io.shardlight.verify;

import org.jspecify.annotations.NullMarked;
