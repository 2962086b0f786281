package io.shardlight.engines.onnxruntime;

import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.onnx.proto.OnnxMl.StringStringEntryProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import com.google.protobuf.ByteString;
import io.shardlight.diffusion.graph.ParameterData;
import io.shardlight.diffusion.graph.ParameterData.FileRegion;
import io.shardlight.diffusion.graph.ParameterSource;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.FileSystems;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Makes ONNX initializers of a checkpoint's weights. Large float32 weights stay where they lie and
 * are external data of the model, offset and all; other large ones are external data in the cache;
 * small ones are put into the model.
 *
 * <p>ONNX Runtime accepts only relative locations that stay below one folder, so that folder is the
 * root of the file system.
 */
final class WeightInitializers {
  /** Below this a tensor costs less in the model than as a mapping of its own. */
  private static final long INLINE_BYTES = 1 << 16;

  private final ParameterSource parameters;
  private final WeightCache cache;
  private final Path root;

  WeightInitializers(ParameterSource parameters, WeightCache cache) {
    this.parameters = parameters;
    this.cache = cache;
    this.root = cache.directory().getRoot();
  }

  /** The folder that the locations of external data start from. */
  Path root() {
    return root;
  }

  /** A tensor with the view's shape and the parameter's name. */
  TensorProto tensor(WeightView view) throws IOException {
    return tensor(view, view.shape());
  }

  /**
   * @param shape the shape that the model shall see, of as many elements as the view
   */
  TensorProto tensor(WeightView view, Shape shape) throws IOException {
    ParameterData data = parameters.get(view.parameter());
    TensorProto.Builder tensor =
        TensorProto.newBuilder()
            .setName(
                "parameters/"
                    + view.name(data.shape())
                    + (shape.equals(view.shape()) ? "" : shape.toString()))
            .setDataType(TensorProto.DataType.FLOAT.getNumber());
    for (long dimension : shape.getShape()) {
      tensor.addDims(dimension);
    }
    long bytes = shape.size() * Float.BYTES;
    if (bytes <= INLINE_BYTES) {
      return tensor.setRawData(ByteString.copyFrom(read(data, view.start(), (int) bytes))).build();
    }
    Optional<FileRegion> region = data.region().filter(r -> isMappable(data, r));
    FileRegion whole = region.isPresent() ? region.get() : converted(data);
    return tensor
        .setDataLocation(TensorProto.DataLocation.EXTERNAL)
        .addExternalData(
            entry("location", root.relativize(whole.file().toAbsolutePath()).toString()))
        .addExternalData(
            entry("offset", Long.toString(whole.offset() + view.start() * Float.BYTES)))
        .addExternalData(entry("length", Long.toString(bytes)))
        .build();
  }

  private boolean isMappable(ParameterData data, FileRegion region) {
    return data.dataType() == DataType.FLOAT32
        && region.file().getFileSystem() == FileSystems.getDefault()
        && root.equals(region.file().toAbsolutePath().getRoot());
  }

  private FileRegion converted(ParameterData data) throws IOException {
    return cache.keep(data.name(), data.shape().size(), data::read);
  }

  private static ByteBuffer read(ParameterData data, long start, int bytes) {
    ByteBuffer buffer = ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    data.read(start, buffer.asFloatBuffer());
    return buffer;
  }

  private static StringStringEntryProto entry(String key, String value) {
    return StringStringEntryProto.newBuilder().setKey(key).setValue(value).build();
  }
}
