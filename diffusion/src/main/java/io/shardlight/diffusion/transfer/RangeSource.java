package io.shardlight.diffusion.transfer;

import java.io.IOException;
import java.nio.ByteBuffer;

/** Reads parts of one file that lies elsewhere. Implementations are thread-safe. */
public interface RangeSource {
  /** Takes bytes, of which those of one call of {@link #read} come in order and without gaps. */
  interface Sink {
    void accept(long position, ByteBuffer bytes) throws IOException;
  }

  /**
   * Reads a part, trying again what may pass.
   *
   * @param from the first byte
   * @param to one more than the last that is wanted
   * @param limit where reading may go on to if the other side cannot stop at {@code to}, as some
   *     send a whole file whatever they are asked for; at least {@code to}
   * @return one more than the last byte that was delivered, in [to, limit]
   * @throws IOException if all of it could not be had
   */
  long read(long from, long to, long limit, Sink sink) throws IOException, InterruptedException;
}
