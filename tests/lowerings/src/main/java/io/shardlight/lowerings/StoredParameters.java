package io.shardlight.lowerings;

import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import io.shardlight.diffusion.graph.Graph;
import io.shardlight.diffusion.graph.ParameterData;
import io.shardlight.diffusion.graph.ParameterSource;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.ToDoubleBiFunction;

/**
 * Made-up weights of a graph, in one file at offsets that are no multiple of anything, as a
 * safetensors header may leave them; or not mappable, as float16 ones are.
 */
public final class StoredParameters implements ParameterSource {
  private final Map<String, float[]> values = new LinkedHashMap<>();
  private final AtomicLong elementsRead = new AtomicLong();
  private final Map<String, ParameterData> stored = new LinkedHashMap<>();
  private String fingerprint = "made-up weights";

  private StoredParameters() {}

  /** Weights drawn evenly from [-scale, scale). */
  public static StoredParameters random(Graph graph, Path file, double scale, boolean mappable)
      throws IOException {
    Random random = new Random(7);
    return of(graph, file, mappable, (name, shape) -> scale * (2 * random.nextDouble() - 1));
  }

  public static StoredParameters of(
      Graph graph, Path file, boolean mappable, ToDoubleBiFunction<String, Shape> element)
      throws IOException {
    StoredParameters parameters = new StoredParameters();
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      long offset = 4096 + 13;
      for (String name : graph.parameters().keySet()) {
        Shape shape = graph.parameterShape(name);
        float[] values = new float[Math.toIntExact(shape.size())];
        ByteBuffer bytes =
            ByteBuffer.allocate(values.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < values.length; i++) {
          values[i] = (float) element.applyAsDouble(name, shape);
          bytes.putFloat(values[i]);
        }
        while (bytes.flip().hasRemaining()) {
          channel.write(bytes, offset);
          bytes.compact();
        }
        Optional<ParameterData.FileRegion> region =
            mappable
                ? Optional.of(new ParameterData.FileRegion(file, offset, values.length * 4L))
                : Optional.empty();
        parameters.values.put(name, values);
        parameters.stored.put(name, parameters.new Stored(name, shape, region));
        offset += values.length * 4L;
      }
    }
    return parameters;
  }

  /** The same weights, said to have another origin. */
  public StoredParameters withFingerprint(String other) {
    fingerprint = other;
    return this;
  }

  /** How many elements have been read so far. */
  public long elementsRead() {
    return elementsRead.get();
  }

  /** The elements of one weight, row-major; not to be changed. */
  public float[] values(String name) {
    float[] all = values.get(name);
    if (all == null) {
      throw new IllegalArgumentException("no values of " + name);
    }
    return all;
  }

  @Override
  public ParameterData get(String name) {
    ParameterData data = stored.get(name);
    if (data == null) {
      throw new IllegalArgumentException("no parameter " + name);
    }
    return data;
  }

  @Override
  public String fingerprint() {
    return fingerprint;
  }

  private final class Stored implements ParameterData {
    private final String name;
    private final Shape shape;
    private final Optional<FileRegion> region;

    Stored(String name, Shape shape, Optional<FileRegion> region) {
      this.name = name;
      this.shape = shape;
      this.region = region;
    }

    @Override
    public String name() {
      return name;
    }

    @Override
    public Shape shape() {
      return shape;
    }

    @Override
    public DataType dataType() {
      return region.isPresent() ? DataType.FLOAT32 : DataType.FLOAT16;
    }

    @Override
    public Optional<FileRegion> region() {
      return region;
    }

    @Override
    public void read(long start, FloatBuffer target) {
      elementsRead.addAndGet(target.remaining());
      target.put(values(name), Math.toIntExact(start), target.remaining());
    }
  }
}
