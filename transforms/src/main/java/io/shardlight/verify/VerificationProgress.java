package io.shardlight.verify;

/** Is told how far a verification is. Thread-safe. */
public interface VerificationProgress {
  /** Told once, before the first row. */
  void plan(long rows);

  /** Told as rows and their images have been compared. */
  void advance(long rows);
}
