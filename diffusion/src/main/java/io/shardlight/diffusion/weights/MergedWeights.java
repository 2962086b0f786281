package io.shardlight.diffusion.weights;

import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import io.shardlight.diffusion.graph.ParameterData;
import io.shardlight.diffusion.graph.ParameterSource;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Weights of a component with LoRAs added while they are read. Nothing is kept: of a weight that a
 * LoRA changes, a piece at a time is computed, all others lie where they lie. Immutable and
 * thread-safe.
 *
 * <p>A weight is {@code ((W + f₁·Σₖ up₁[·,k]·down₁[k,·]) + f₂·Σₖ …) + …} in float32: the sums in
 * the order of <i>k</i>, LoRAs in the order given, {@code f} = scale · alpha / rank rounded once.
 * The order decides the last bits, and is part of the images' identity.
 */
final class MergedWeights implements ParameterSource {
  /** Elements computed at once. */
  private static final int CHUNK = 1 << 18;

  private final ParameterSource base;
  private final Map<String, List<Change>> changes;
  private final String fingerprint;

  /**
   * @param changes by parameter, in the order in which they are added
   * @param fingerprint of the LoRAs, their scales and their order
   */
  MergedWeights(ParameterSource base, Map<String, List<Change>> changes, String fingerprint) {
    this.base = base;
    this.changes = Map.copyOf(changes);
    this.fingerprint = base.fingerprint() + "+" + fingerprint;
  }

  /**
   * What a layer of a LoRA adds to a weight.
   *
   * @param factor scale · alpha / rank
   */
  record Change(LoraFile.Layer layer, float factor) {
    /** Adds to the elements {@code [start, start + values.length)} of a weight with such rows. */
    void addTo(float[] values, long start, int rowLength) {
      int rank = layer.rank();
      float[] down = new float[Math.multiplyExact(rank, rowLength)];
      layer.down().read(0, FloatBuffer.wrap(down));
      long firstRow = start / rowLength;
      long lastRow = (start + values.length - 1) / rowLength;
      float[] up = new float[Math.toIntExact((lastRow - firstRow + 1) * rank)];
      layer.up().read(firstRow * rank, FloatBuffer.wrap(up));
      float[] sums = new float[rowLength];
      for (long row = firstRow; row <= lastRow; row++) {
        Arrays.fill(sums, 0);
        for (int k = 0; k < rank; k++) {
          float u = up[(int) (row - firstRow) * rank + k];
          int offset = k * rowLength;
          for (int column = 0; column < rowLength; column++) {
            sums[column] += u * down[offset + column];
          }
        }
        long rowStart = row * rowLength;
        int from = (int) Math.max(0, start - rowStart);
        int to = (int) Math.min(rowLength, start + values.length - rowStart);
        for (int column = from; column < to; column++) {
          values[(int) (rowStart + column - start)] += factor * sums[column];
        }
      }
    }
  }

  /** The parameters that are changed. */
  Set<String> changed() {
    return changes.keySet();
  }

  @Override
  public ParameterData get(String name) {
    ParameterData data = base.get(name);
    @Nullable List<Change> added = changes.get(name);
    return added == null ? data : new Merged(data, added);
  }

  @Override
  public String fingerprint() {
    return fingerprint;
  }

  @Override
  public String fingerprint(String name) {
    return changes.containsKey(name) ? fingerprint : base.fingerprint(name);
  }

  @Override
  public String toString() {
    return base + " with LoRAs on " + changes.size() + " weights";
  }

  private record Merged(ParameterData data, List<Change> changes) implements ParameterData {
    @Override
    public String name() {
      return data.name();
    }

    @Override
    public Shape shape() {
      return data.shape();
    }

    @Override
    public DataType dataType() {
      return DataType.FLOAT32;
    }

    @Override
    public Optional<FileRegion> region() {
      return Optional.empty();
    }

    @Override
    public void read(long start, FloatBuffer target) {
      int rowLength = Math.toIntExact(shape().size() / shape().get(0));
      long at = start;
      while (target.hasRemaining()) {
        float[] values = new float[Math.min(CHUNK, target.remaining())];
        data.read(at, FloatBuffer.wrap(values));
        for (Change change : changes) {
          change.addTo(values, at, rowLength);
        }
        target.put(values);
        at += values.length;
      }
    }
  }
}
