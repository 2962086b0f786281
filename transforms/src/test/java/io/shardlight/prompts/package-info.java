@NullMarked
package io.shardlight.prompts;

import org.jspecify.annotations.NullMarked;
