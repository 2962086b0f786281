package io.shardlight.diffusion.transfer;

/** Is told how far a transfer is. Called from several threads. */
public interface TransferProgress {
  TransferProgress NONE =
      new TransferProgress() {
        @Override
        public void plan(long bytes) {}

        @Override
        public void advance(long bytes) {}

        @Override
        public void notice(String line) {}
      };

  /** There are so many bytes more to bring. */
  void plan(long bytes);

  /**
   * So many bytes more are there.
   *
   * @param bytes negative if some have to be brought again
   */
  void advance(long bytes);

  /** Something that people should know who wait, in one line. */
  void notice(String line);
}
