package io.shardlight.diffusion.weights;

import ai.djl.ndarray.types.DataType;
import io.shardlight.diffusion.graph.HalfPrecision;
import io.shardlight.diffusion.graph.ParameterData.FileRegion;
import java.io.IOException;
import java.lang.ref.WeakReference;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The elements of one tensor in the order of the file, little-endian, in one region or, for chunked
 * Flax leaves, several.
 *
 * <p>A region is mapped when it is first read, each tensor by itself because one mapping ends at 2
 * GiB. The mapping is held weakly: address space returns when nobody reads any more. No file stays
 * open. Thread-safe.
 */
final class StoredElements {
  /** Far enough below 2 GiB, and a multiple of every element size. */
  static final long MAX_MAPPING_BYTES = 1L << 30;

  private final DataType dataType;
  private final List<FileRegion> regions;
  private final List<Piece> pieces = new ArrayList<>();
  private final long count;

  StoredElements(DataType dataType, List<FileRegion> regions) {
    this(dataType, regions, MAX_MAPPING_BYTES);
  }

  /**
   * @param regions in the order of the elements; each holds whole elements
   * @param maxMappingBytes regions longer than this are mapped in parts
   */
  StoredElements(DataType dataType, List<FileRegion> regions, long maxMappingBytes) {
    this.dataType = dataType;
    this.regions = List.copyOf(regions);
    int width = dataType.getNumOfBytes();
    long first = 0;
    for (FileRegion region : regions) {
      for (long at = 0; at < region.length(); at += maxMappingBytes) {
        long bytes = Math.min(maxMappingBytes, region.length() - at);
        FileRegion part = new FileRegion(region.file(), region.offset() + at, bytes);
        pieces.add(new Piece(part, first, bytes / width));
        first += bytes / width;
      }
    }
    this.count = first;
  }

  DataType dataType() {
    return dataType;
  }

  long count() {
    return count;
  }

  /** The one region, unless the elements are chunked. */
  Optional<FileRegion> region() {
    return regions.size() == 1 ? Optional.of(regions.get(0)) : Optional.empty();
  }

  /**
   * Maps everything and keeps it mapped while the view is in use.
   *
   * @throws IOException if the file is gone or was cut since its header was read
   */
  View view() throws IOException {
    ByteBuffer[] maps = new ByteBuffer[pieces.size()];
    for (int i = 0; i < maps.length; i++) {
      maps[i] = pieces.get(i).map();
    }
    return new View(maps);
  }

  /** The elements as float32, by index in file order. */
  final class View {
    private final ByteBuffer[] maps;

    private View(ByteBuffer[] maps) {
      this.maps = maps;
    }

    float get(long index) {
      int piece = pieceOf(index);
      long within = index - pieces.get(piece).first;
      ByteBuffer map = maps[piece];
      return switch (dataType) {
        case FLOAT32 -> map.getFloat((int) (4 * within));
        case FLOAT16 -> HalfPrecision.fromFloat16(map.getShort((int) (2 * within)));
        case BFLOAT16 -> HalfPrecision.fromBfloat16(map.getShort((int) (2 * within)));
        case FLOAT64 -> (float) map.getDouble((int) (8 * within));
        default -> throw new IllegalStateException(dataType + " is not read as float32");
      };
    }

    /** An integer, by index in file order. */
    long integer(int index) {
      ByteBuffer map = maps[0];
      return switch (dataType) {
        case INT64 -> map.getLong(8 * index);
        case INT32 -> map.getInt(4 * index);
        default -> throw new IllegalStateException(dataType + " is not read as an integer");
      };
    }

    /** Fills the target to its limit with the elements from {@code start} on. */
    void copy(long start, FloatBuffer target) {
      long index = start;
      while (target.hasRemaining()) {
        int piece = pieceOf(index);
        int from = (int) (index - pieces.get(piece).first);
        int length = (int) Math.min(target.remaining(), pieces.get(piece).count - from);
        int width = dataType.getNumOfBytes();
        ByteBuffer run = maps[piece].slice(from * width, length * width);
        run.order(ByteOrder.LITTLE_ENDIAN);
        if (dataType == DataType.FLOAT32) {
          target.put(run.asFloatBuffer());
        } else if (dataType == DataType.FLOAT16) {
          while (run.hasRemaining()) {
            target.put(HalfPrecision.fromFloat16(run.getShort()));
          }
        } else if (dataType == DataType.BFLOAT16) {
          while (run.hasRemaining()) {
            target.put(HalfPrecision.fromBfloat16(run.getShort()));
          }
        } else if (dataType == DataType.FLOAT64) {
          while (run.hasRemaining()) {
            target.put((float) run.getDouble());
          }
        } else {
          throw new IllegalStateException(dataType + " is not read as float32");
        }
        index += length;
      }
    }

    private int pieceOf(long index) {
      int piece = 0;
      while (index >= pieces.get(piece).first + pieces.get(piece).count) {
        piece++;
      }
      return piece;
    }
  }

  /** A part of a region short enough to map. */
  private static final class Piece {
    final FileRegion part;
    final long first;
    final long count;
    private @Nullable WeakReference<ByteBuffer> mapping;

    Piece(FileRegion part, long first, long count) {
      this.part = part;
      this.first = first;
      this.count = count;
    }

    synchronized ByteBuffer map() throws IOException {
      ByteBuffer known = mapping == null ? null : mapping.get();
      if (known != null) {
        return known;
      }
      Path file = part.file();
      try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
        long end = part.offset() + part.length();
        if (channel.size() < end) { // reading past the end of a file would kill the JVM
          throw new MalformedWeightsException(
              file,
              channel.size(),
              "the file ends here, but had at least " + end + " bytes when it was opened",
              "do not change a model while it is in use");
        }
        ByteBuffer map =
            channel
                .map(FileChannel.MapMode.READ_ONLY, part.offset(), part.length())
                .order(ByteOrder.LITTLE_ENDIAN);
        mapping = new WeakReference<>(map);
        return map;
      }
    }
  }
}
