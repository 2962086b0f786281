/** The gallery as people see it: drawn of sketched datasets, opened in a browser. */
@NullMarked
package io.shardlight.gallery;

import org.jspecify.annotations.NullMarked;
