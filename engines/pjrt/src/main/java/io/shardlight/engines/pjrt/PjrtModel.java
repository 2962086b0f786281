package io.shardlight.engines.pjrt;

import ai.djl.BaseModel;
import ai.djl.Device;
import ai.djl.MalformedModelException;
import ai.djl.ndarray.types.DataType;
import ai.djl.nn.Block;
import ai.djl.util.passthrough.PassthroughNDManager;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A program on devices. {@link #load(Path, String, Map)} reads {@code NAME.mlir}, a module in
 * StableHLO text whose function {@code main} is the program, and, where there is one, {@code
 * NAME.npz} with the first of its arguments, which stay on the device.
 */
final class PjrtModel extends BaseModel {
  private final PjrtEngine engine;
  private final Device device;

  PjrtModel(String name, Device device, PjrtEngine engine) {
    super(name);
    this.engine = engine;
    this.device = device;
    this.dataType = DataType.FLOAT32;
    this.manager = new PassthroughNDManager(engine, device);
  }

  /** A model whose program is compiled already; closing the model closes it. */
  static PjrtModel of(String name, Device device, PjrtEngine engine, Block block) {
    PjrtModel model = new PjrtModel(name, device, engine);
    model.block = block;
    model.wasLoaded = true;
    return model;
  }

  @Override
  public void load(Path modelPath, @Nullable String prefix, @Nullable Map<String, ?> options)
      throws IOException, MalformedModelException {
    setModelDir(modelPath);
    wasLoaded = true;
    String name = prefix == null ? modelName : prefix;
    Path program = modelDir.resolve(name + ".mlir");
    if (!Files.isRegularFile(program)) {
      throw new FileNotFoundException(
          "a model of engine PJRT is a module in StableHLO text, but there is no " + program);
    }
    block = StableHloBlock.load(engine, device, program, modelDir.resolve(name + ".npz"));
  }

  @Override
  public void close() {
    if (block instanceof AutoCloseable resident) {
      try {
        resident.close();
      } catch (Exception e) {
        throw new IllegalStateException("blocks here close without exceptions", e);
      }
    }
    super.close();
  }

  /**
   * Nothing: DJL would warn here that the model was not closed, of every one, since managers of
   * host memory never say that they are.
   */
  @Override
  @SuppressWarnings({"deprecation", "removal", "Finalize"})
  protected void finalize() {}
}
