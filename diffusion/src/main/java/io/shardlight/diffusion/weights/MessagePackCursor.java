package io.shardlight.diffusion.weights;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/**
 * Walks over a MessagePack file value by value, knowing at each moment the offset, and passes over
 * payloads without reading them.
 *
 * <p>msgpack-core is not used because its unpacker cannot do the latter: it pulls every byte of a
 * payload through its buffer (3.4 GB for a UNet), and takes lengths as {@code int}.
 *
 * @see <a href="https://github.com/msgpack/msgpack/blob/master/spec.md">The format</a>
 */
final class MessagePackCursor {
  private static final String REMEDY = "the file is damaged or no Flax checkpoint, download again";

  private final FileChannel channel;
  private final Path file;
  private final long size;
  private final ByteBuffer window = ByteBuffer.allocate(8192);
  private long windowStart;
  private long position;

  MessagePackCursor(FileChannel channel, Path file) throws IOException {
    this.channel = channel;
    this.file = file;
    this.size = channel.size();
    window.limit(0);
  }

  /** What a value is, by its first byte. */
  enum Kind {
    NIL,
    BOOLEAN,
    INTEGER,
    FLOAT,
    STRING,
    BINARY,
    ARRAY,
    MAP,
    EXTENSION,
    INVALID
  }

  /**
   * Header of an extension value.
   *
   * @param type the application's type number
   * @param length bytes of payload, which lie at the cursor
   */
  record Extension(int type, long length) {}

  long position() {
    return position;
  }

  boolean atEnd() {
    return position == size;
  }

  /** Kind of the value at the cursor, which stays where it is. */
  Kind peek() throws IOException {
    int first = byteAt(0);
    if (first <= 0x7f || first >= 0xe0) {
      return Kind.INTEGER;
    } else if (first <= 0x8f) {
      return Kind.MAP;
    } else if (first <= 0x9f) {
      return Kind.ARRAY;
    } else if (first <= 0xbf) {
      return Kind.STRING;
    }
    return switch (first) {
      case 0xc0 -> Kind.NIL;
      case 0xc2, 0xc3 -> Kind.BOOLEAN;
      case 0xc4, 0xc5, 0xc6 -> Kind.BINARY;
      case 0xc7, 0xc8, 0xc9, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8 -> Kind.EXTENSION;
      case 0xca, 0xcb -> Kind.FLOAT;
      case 0xd9, 0xda, 0xdb -> Kind.STRING;
      case 0xdc, 0xdd -> Kind.ARRAY;
      case 0xde, 0xdf -> Kind.MAP;
      case 0xc1 -> Kind.INVALID;
      default -> Kind.INTEGER; // 0xcc to 0xd3
    };
  }

  /** Passes the header of a map; returns how many entries follow. */
  long map(String what) throws IOException {
    int first = expect(Kind.MAP, what);
    return first <= 0x8f ? take(first & 0x0f) : number(first == 0xde ? 2 : 4);
  }

  /** Passes the header of an array; returns how many elements follow. */
  long array(String what) throws IOException {
    int first = expect(Kind.ARRAY, what);
    return first <= 0x9f ? take(first & 0x0f) : number(first == 0xdc ? 2 : 4);
  }

  /** Passes the header of a binary; returns the length of the payload, which lies at the cursor. */
  long binary(String what) throws IOException {
    int first = expect(Kind.BINARY, what);
    return within(number(1 << (first - 0xc4)), what);
  }

  /** Passes the header of an extension, whose payload then lies at the cursor. */
  Extension extension(String what) throws IOException {
    int first = expect(Kind.EXTENSION, what);
    long length = first >= 0xd4 ? take(1L << (first - 0xd4)) : number(1 << (first - 0xc7));
    int type = (byte) byteAt(0);
    position++;
    return new Extension(type, within(length, what));
  }

  /** Passes a boolean. */
  void bool(String what) throws IOException {
    expect(Kind.BOOLEAN, what);
    position++;
  }

  /** Passes an integer that must be in {@code [0, 2^63)}. */
  long natural(String what) throws IOException {
    int first = expect(Kind.INTEGER, what);
    long at = position;
    long value =
        switch (first) {
          case 0xcc -> number(1);
          case 0xcd -> number(2);
          case 0xce -> number(4);
          case 0xcf, 0xd3 -> number(8);
          case 0xd0 -> (byte) number(1);
          case 0xd1 -> (short) number(2);
          case 0xd2 -> (int) number(4);
          default -> take((byte) first);
        };
    if (value < 0) {
      throw malformed(at, what + " must be in [0, 2^63), but is " + value);
    }
    return value;
  }

  /**
   * Passes a string.
   *
   * @param maxBytes longer ones are refused before they are read
   */
  String string(String what, int maxBytes) throws IOException {
    long at = position;
    int first = expect(Kind.STRING, what);
    long length = first <= 0xbf ? take(first & 0x1f) : number(1 << (first - 0xd9));
    if (length > maxBytes) {
      throw malformed(at, what + " has " + length + " bytes, at most " + maxBytes + " wanted");
    }
    within(length, what);
    byte[] bytes = new byte[(int) length];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) byteAt(i);
    }
    position += length;
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    } catch (CharacterCodingException e) {
      MalformedWeightsException malformed = malformed(at, what + " is not UTF-8");
      malformed.initCause(e);
      throw malformed;
    }
  }

  /** Passes over a payload. */
  void skip(long length, String what) throws IOException {
    position += within(length, what);
  }

  MalformedWeightsException malformed(long offset, String problem) {
    return new MalformedWeightsException(file, offset, problem, REMEDY);
  }

  private int expect(Kind wanted, String what) throws IOException {
    Kind found = peek();
    if (found != wanted) {
      throw malformed(position, what + ": " + wanted + " wanted, but found " + found);
    }
    return byteAt(0);
  }

  /** A payload must end within the file. */
  private long within(long length, String what) throws IOException {
    if (length > size - position) {
      throw malformed(
          position,
          what + " has " + length + " bytes, but the file ends after " + (size - position));
    }
    return length;
  }

  /** Passes the first byte, which held the value itself. */
  private long take(long value) {
    position++;
    return value;
  }

  /** Passes the first byte and the big-endian number after it; 8 bytes may come out negative. */
  private long number(int bytes) throws IOException {
    long value = 0;
    for (int i = 1; i <= bytes; i++) {
      value = value << 8 | byteAt(i);
    }
    position += 1 + bytes;
    return value;
  }

  private int byteAt(int ahead) throws IOException {
    long at = position + ahead;
    if (at < windowStart || at >= windowStart + window.limit()) {
      if (at >= size) {
        throw malformed(size, "the file ends in the middle of a value");
      }
      window.clear();
      windowStart = at;
      while (window.position() < Math.min(window.capacity(), size - at)) {
        if (channel.read(window, at + window.position()) < 0) {
          throw malformed(at + window.position(), "the file was cut while it was read");
        }
      }
      window.flip();
    }
    return window.get((int) (at - windowStart)) & 0xff;
  }
}
