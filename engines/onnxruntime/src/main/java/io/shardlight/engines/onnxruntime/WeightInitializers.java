package io.shardlight.engines.onnxruntime;

import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.onnx.proto.OnnxMl.StringStringEntryProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import com.google.protobuf.ByteString;
import io.shardlight.diffusion.graph.HalfPrecision;
import io.shardlight.diffusion.graph.ParameterData;
import io.shardlight.diffusion.graph.ParameterData.FileRegion;
import io.shardlight.diffusion.graph.ParameterSource;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.FileSystems;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Makes ONNX initializers of a checkpoint's weights. Large weights that are stored as the program
 * wants them stay where they lie and are external data of the model, offset and all; other large
 * ones are external data in the cache; small ones are put into the model.
 *
 * <p>Stored as float16, weights take half the memory; a model that computes in float32 widens them
 * where they are used, each time anew.
 *
 * <p>ONNX Runtime accepts only relative locations that stay below one folder, so that folder is the
 * root of the file system.
 */
final class WeightInitializers {
  /** Below this a tensor costs less in the model than as a mapping of its own. */
  private static final long INLINE_BYTES = 1 << 16;

  private final ParameterSource parameters;
  private final Path cacheDirectory;
  private final DataType storage;
  private final Path root;

  /**
   * @param storage float32 or float16
   */
  WeightInitializers(ParameterSource parameters, Path cacheDirectory, DataType storage) {
    this.parameters = parameters;
    this.cacheDirectory = cacheDirectory;
    this.storage = storage;
    this.root = cacheDirectory.toAbsolutePath().getRoot();
  }

  /** The folder that the locations of external data start from. */
  Path root() {
    return root;
  }

  /** A weight as a value of the type that the model computes in, with the view's shape. */
  String value(OnnxModelBuilder onnx, WeightView view) throws IOException {
    return value(onnx, view, view.shape());
  }

  /**
   * @param shape the shape that the model shall see, of as many elements as the view
   */
  String value(OnnxModelBuilder onnx, WeightView view, Shape shape) throws IOException {
    TensorProto tensor = tensor(view, shape);
    return storage == onnx.precision() ? onnx.initializer(tensor) : onnx.widened(tensor);
  }

  private TensorProto tensor(WeightView view, Shape shape) throws IOException {
    ParameterData data = parameters.get(view.parameter());
    TensorProto.Builder tensor =
        TensorProto.newBuilder()
            .setName(
                "parameters/"
                    + view.name(data.shape())
                    + (shape.equals(view.shape()) ? "" : shape.toString()))
            .setDataType(OnnxModelBuilder.elementType(storage).getNumber());
    for (long dimension : shape.getShape()) {
      tensor.addDims(dimension);
    }
    int size = storage.getNumOfBytes();
    if (shape.size() * size <= INLINE_BYTES) {
      return tensor
          .setRawData(ByteString.copyFrom(read(data, view.start(), (int) shape.size())))
          .build();
    }
    Optional<FileRegion> region = data.region().filter(r -> isMappable(data, r));
    FileRegion whole = region.isPresent() ? region.get() : converted(data);
    return tensor
        .setDataLocation(TensorProto.DataLocation.EXTERNAL)
        .addExternalData(
            entry("location", root.relativize(whole.file().toAbsolutePath()).toString()))
        .addExternalData(entry("offset", Long.toString(whole.offset() + view.start() * size)))
        .addExternalData(entry("length", Long.toString(shape.size() * size)))
        .build();
  }

  private boolean isMappable(ParameterData data, FileRegion region) {
    return data.dataType() == storage
        && region.file().getFileSystem() == FileSystems.getDefault()
        && root.equals(region.file().toAbsolutePath().getRoot());
  }

  private FileRegion converted(ParameterData data) throws IOException {
    return new WeightCache(cacheDirectory, parameters.fingerprint(data.name()))
        .keep(data.name(), storage, data.shape().size(), data::read);
  }

  private ByteBuffer read(ParameterData data, long start, int count) {
    FloatBuffer floats = FloatBuffer.allocate(count);
    data.read(start, floats);
    ByteBuffer bytes =
        ByteBuffer.allocate(count * storage.getNumOfBytes()).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < count; i++) {
      if (storage == DataType.FLOAT16) {
        bytes.putShort(HalfPrecision.toFloat16(floats.get(i)));
      } else {
        bytes.putFloat(floats.get(i));
      }
    }
    return bytes.flip();
  }

  private static StringStringEntryProto entry(String key, String value) {
    return StringStringEntryProto.newBuilder().setKey(key).setValue(value).build();
  }
}
