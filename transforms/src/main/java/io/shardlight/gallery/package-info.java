/**
 * Shows a dataset to people: one page with all of its images, which needs nothing beside it, and a
 * contact sheet. Everything here follows from the dataset alone, read through its store, and can be
 * drawn again at any time; nothing here knows a pipeline.
 */
@NullMarked
package io.shardlight.gallery;

import org.jspecify.annotations.NullMarked;
