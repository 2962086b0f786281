package io.shardlight.prompts;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.nio.ByteBuffer;
import java.nio.channels.ReadableByteChannel;

/** A text that is made while it is read: a head, then a body again and again. */
final class RepeatedText implements ReadableByteChannel {
  private final byte[] head;
  private final byte[] body;
  private final long length;
  private long position;

  RepeatedText(String head, String body, long times) {
    this.head = head.getBytes(UTF_8);
    this.body = body.getBytes(UTF_8);
    this.length = this.head.length + times * this.body.length;
  }

  /** Bytes handed out. */
  long position() {
    return position;
  }

  @Override
  public int read(ByteBuffer target) {
    if (position == length) {
      return -1;
    }
    int count = 0;
    while (target.hasRemaining() && position < length) {
      target.put(
          position < head.length
              ? head[(int) position]
              : body[(int) ((position - head.length) % body.length)]);
      position++;
      count++;
    }
    return count;
  }

  @Override
  public boolean isOpen() {
    return true;
  }

  @Override
  public void close() {}
}
