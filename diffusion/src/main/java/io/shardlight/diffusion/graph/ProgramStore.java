package io.shardlight.diffusion.graph;

import java.io.IOException;
import java.util.Optional;

/**
 * Compiled programs that machines share, so that one compiles and the others need not. A failure
 * only costs time. Thread-safe.
 */
public interface ProgramStore {
  /**
   * The program kept under a key, by whomever; empty if there is none.
   *
   * @param key of letters and digits
   */
  Optional<byte[]> get(String key) throws IOException;

  /** Keeps a program, unless another machine has kept one under the key meanwhile. */
  void put(String key, byte[] program) throws IOException;
}
