package io.shardlight.engines.onnxruntime;

import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import io.shardlight.diffusion.graph.HalfPrecision;
import io.shardlight.diffusion.graph.ParameterData;
import io.shardlight.diffusion.graph.ParameterSource;
import java.nio.FloatBuffer;
import java.util.Optional;

/** A checkpoint in float32, of which every number has been rounded to float16. */
record RoundedParameters(ParameterSource exact) implements ParameterSource {
  @Override
  public ParameterData get(String name) {
    return new Rounded(exact.get(name));
  }

  @Override
  public String fingerprint() {
    return "rounded " + exact.fingerprint();
  }

  private record Rounded(ParameterData exact) implements ParameterData {
    @Override
    public String name() {
      return exact.name();
    }

    @Override
    public Shape shape() {
      return exact.shape();
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
      int first = target.position();
      exact.read(start, target);
      for (int i = first; i < target.limit(); i++) {
        target.put(i, HalfPrecision.fromFloat16(HalfPrecision.toFloat16(target.get(i))));
      }
    }
  }
}
