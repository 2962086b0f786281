package io.shardlight.pipeline;

/** How far something is, at one moment, as {@link ProgressDisplay} shows it. */
interface ProgressText {
  /** A whole line. */
  String line();

  /** A bar that fits the width. */
  String bar(int columns);
}
