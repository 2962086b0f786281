package io.shardlight.engines.onnxruntime;

import ai.djl.ndarray.types.DataType;
import io.shardlight.diffusion.graph.HalfPrecision;
import io.shardlight.diffusion.graph.ParameterData.FileRegion;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.UUID;
import java.util.zip.CRC32C;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Converted weights of one checkpoint component, a file each, as the runtime can map them. Several
 * threads and processes may use one directory: a file is written under a name of its own, forced to
 * the disk and renamed, so that what stands under the final name was once complete.
 *
 * <p>A file is trusted if its header is sound and its modification time is the one that the header
 * records; a file touched since is read through and its checksum compared. What fails is written
 * anew.
 */
final class WeightCache {
  private static final Logger logger = LoggerFactory.getLogger(WeightCache.class);

  /** Changes with the file format and with what any content key stands for. */
  private static final int VERSION = 2;

  private static final long MAGIC = 0x53484c_57454947L;

  /** One page, so that the data are mapped where they begin. */
  private static final int HEADER_BYTES = 4096;

  private static final int CHUNK_FLOATS = 1 << 18;

  private final Path directory;

  /** Gives the values to keep. */
  @FunctionalInterface
  interface Content {
    /**
     * @param start index of the first element
     * @param target is filled to its limit
     */
    void read(long start, FloatBuffer target) throws IOException;
  }

  /**
   * @param root is made when the first file is written
   * @param fingerprint of the checkpoint the weights come from
   */
  WeightCache(Path root, String fingerprint) {
    directory =
        root.toAbsolutePath()
            .normalize()
            .resolve("onnxruntime-v" + VERSION)
            .resolve(sha256(fingerprint).substring(0, 32));
  }

  /** Where the files lie; absolute. */
  Path directory() {
    return directory;
  }

  /**
   * The file that keeps a content, written now if it is not there yet or is damaged.
   *
   * @param key tells what the values are: a name, and how they were converted
   * @param type what they are kept as: float32, or float16 to which they are rounded
   * @param elements how many there are
   */
  FileRegion keep(String key, DataType type, long elements, Content content) throws IOException {
    Path file =
        directory.resolve(
            key.replaceAll("[^A-Za-z0-9._-]", "_")
                + "."
                + sha256(key).substring(0, 8)
                + (type == DataType.FLOAT16 ? ".f16" : ".f32"));
    long bytes = elements * type.getNumOfBytes();
    if (!isSound(file, key, bytes)) {
      write(file, key, type, elements, content);
    }
    return new FileRegion(file, HEADER_BYTES, bytes);
  }

  private static boolean isSound(Path file, String key, long bytes) throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      ByteBuffer header = ByteBuffer.allocate(HEADER_BYTES);
      while (header.hasRemaining() && channel.read(header) >= 0) {}
      if (header.hasRemaining() || channel.size() != HEADER_BYTES + bytes) {
        logger.warn("{} has {} bytes; writing it anew", file, channel.size());
        return false;
      }
      long modifiedMillis = header.flip().getLong(Long.BYTES);
      int checksum = header.getInt(2 * Long.BYTES);
      if (!header.equals(header(key, bytes, modifiedMillis, checksum))) {
        logger.warn("{} has a damaged header; writing it anew", file);
        return false;
      }
      if (Files.getLastModifiedTime(file).toMillis() == modifiedMillis) {
        return true;
      }
      if (checksum(channel) != checksum) {
        logger.warn("{} has been changed since it was written; writing it anew", file);
        return false;
      }
    } catch (NoSuchFileException e) {
      return false;
    }
    return true;
  }

  private static int checksum(FileChannel channel) throws IOException {
    CRC32C crc = new CRC32C();
    ByteBuffer chunk = ByteBuffer.allocateDirect(CHUNK_FLOATS * Float.BYTES);
    for (long at = HEADER_BYTES; channel.read(chunk, at) > 0; at += chunk.limit(), chunk.clear()) {
      crc.update(chunk.flip());
      chunk.rewind();
    }
    return (int) crc.getValue();
  }

  private void write(Path file, String key, DataType type, long elements, Content content)
      throws IOException {
    Files.createDirectories(directory);
    Path unfinished = directory.resolve(file.getFileName() + "." + UUID.randomUUID() + ".tmp");
    try {
      long modifiedMillis = System.currentTimeMillis() / 1000 * 1000;
      try (FileChannel channel =
          FileChannel.open(unfinished, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
        CRC32C crc = new CRC32C();
        int size = type.getNumOfBytes();
        ByteBuffer chunk =
            ByteBuffer.allocateDirect((int) Math.min(elements, CHUNK_FLOATS) * size)
                .order(ByteOrder.LITTLE_ENDIAN);
        for (long start = 0; start < elements; start += CHUNK_FLOATS) {
          int count = (int) Math.min(elements - start, CHUNK_FLOATS);
          chunk.clear().limit(count * size);
          if (type == DataType.FLOAT16) {
            readHalves(start, count, content, chunk);
          } else {
            content.read(start, chunk.asFloatBuffer());
          }
          crc.update(chunk);
          writeFully(channel, chunk.rewind(), HEADER_BYTES + start * size);
        }
        writeFully(channel, header(key, elements * size, modifiedMillis, (int) crc.getValue()), 0);
        channel.force(true);
      }
      Files.setLastModifiedTime(unfinished, FileTime.fromMillis(modifiedMillis));
      Files.move(
          unfinished, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      throw new IOException(
          "cannot keep converted weights in "
              + file
              + ": "
              + e.getMessage()
              + "; is the disk full or the directory read-only?",
          e);
    } finally {
      Files.deleteIfExists(unfinished);
    }
  }

  private static void readHalves(long start, int count, Content content, ByteBuffer target)
      throws IOException {
    FloatBuffer floats = FloatBuffer.allocate(count);
    content.read(start, floats);
    for (int i = 0; i < count; i++) {
      target.putShort(Short.BYTES * i, HalfPrecision.toFloat16(floats.get(i)));
    }
  }

  private static void writeFully(FileChannel channel, ByteBuffer bytes, long at)
      throws IOException {
    long position = at;
    while (bytes.hasRemaining()) {
      position += channel.write(bytes, position);
    }
  }

  /** Magic, time, checksum of the data, version, length, key, and a checksum of all these. */
  private static ByteBuffer header(String key, long bytes, long modifiedMillis, int checksum) {
    byte[] keyBytes = key.getBytes(StandardCharsets.UTF_8);
    ByteBuffer header = ByteBuffer.allocate(HEADER_BYTES);
    header.putLong(MAGIC).putLong(modifiedMillis).putInt(checksum).putInt(VERSION);
    header.putLong(bytes).put(keyBytes, 0, Math.min(keyBytes.length, 2048));
    CRC32C crc = new CRC32C();
    crc.update(Arrays.copyOf(header.array(), HEADER_BYTES - Integer.BYTES));
    return header.putInt(HEADER_BYTES - Integer.BYTES, (int) crc.getValue()).rewind();
  }

  private static String sha256(String text) {
    try {
      byte[] digest =
          MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(digest);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }
}
