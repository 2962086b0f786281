package io.shardlight.engines.onnxruntime;

import ai.djl.MalformedModelException;
import ai.djl.Model;
import ai.djl.engine.Engine;
import ai.djl.engine.EngineException;
import ai.djl.ndarray.types.DataType;
import ai.djl.nn.Block;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtLoggingLevel;
import ai.onnxruntime.OrtSession.SessionOptions;
import ai.onnxruntime.OrtSession.SessionOptions.OptLevel;
import io.shardlight.diffusion.graph.DeviceFault;
import io.shardlight.diffusion.graph.Graph;
import io.shardlight.diffusion.graph.Lowering;
import io.shardlight.diffusion.graph.LoweringOptions;
import io.shardlight.diffusion.graph.ParameterSource;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Runs graphs by ONNX Runtime through DJL.
 *
 * <p>On a CPU, with {@link LoweringOptions#fusions}, a graph is laid out pixels by channels, with
 * Winograd convolutions, fused attention and normalisation; without, and on a GPU, it is plain ONNX
 * in NCHW, which ONNX Runtime optimises for the device. Either way the weights of a checkpoint are
 * mapped where they lie if their type is the one asked for.
 *
 * <p>GPUs need the build's profile {@code cuda}. Thread-safe.
 */
public final class OnnxLowering implements Lowering {
  private static final String ENGINE = "OnnxRuntime";

  /** In the artifact for NVIDIA GPUs alone. Workers of clusters run Linux. */
  private static final String CUDA_PROVIDER =
      "/ai/onnxruntime/native/linux-x64/libonnxruntime_providers_cuda.so";

  static {
    // DJL looks for a cloud's metadata server and reports its use there, unless told not to.
    System.setProperty("OPT_OUT_TRACKING", "true");
    System.setProperty("ai.djl.offline", "true");
  }

  private final ConvolutionPlan convolutionPlan;

  /** For {@link java.util.ServiceLoader}. */
  public OnnxLowering() {
    this(ConvolutionPlan.DEFAULT);
  }

  OnnxLowering(ConvolutionPlan convolutionPlan) {
    this.convolutionPlan = convolutionPlan;
  }

  @Override
  public String engineName() {
    return ENGINE;
  }

  @Override
  public Engine engine() {
    return EngineStart.engine(ENGINE);
  }

  @Override
  public String runtimeVersion() {
    engine();
    // DJL's engine tells the version it was built against.
    return OrtEnvironment.getEnvironment().getVersion();
  }

  /**
   * {@inheritDoc} On a CPU float16 is what weights are stored in, and what is computed with them is
   * float32; a GPU computes in float16.
   */
  @Override
  public boolean reachesGpus() {
    return OrtEnvironment.class.getResource(CUDA_PROVIDER) != null;
  }

  @Override
  public List<DataType> dataTypes() {
    return List.of(DataType.FLOAT32, DataType.FLOAT16);
  }

  /**
   * {@inheritDoc}
   *
   * <p>Only weights stored in another type or order than asked for are written to the cache
   * directory; nothing is, for a safetensors checkpoint of the same type. The checkpoint's files
   * must stay as they are until the model is closed.
   */
  @Override
  public Model load(Graph graph, ParameterSource parameters, LoweringOptions options)
      throws IOException, MalformedModelException {
    engine();
    WeightInitializers weights =
        new WeightInitializers(parameters, options.cacheDirectory(), options.dataType());
    boolean gpu = options.device().isGpu();
    Emitter emitter =
        options.fusions() && !gpu
            ? new FusedEmitter(graph, weights, convolutionPlan)
            : new PlainEmitter(graph, weights, gpu ? options.dataType() : DataType.FLOAT32);
    byte[] program = emitter.emit().toByteArray();
    Model model = Model.newInstance(graph.name(), options.device(), ENGINE);
    try (SessionOptions session = sessionOptions(options, weights)) {
      model.load(new ByteArrayInputStream(program), Map.of("sessionOptions", session));
      // DJL makes an empty folder for a model that comes from a stream, and leaves it.
      Files.deleteIfExists(model.getModelPath());
      Block block = model.getBlock();
      model.setBlock(new OrtBlock(graph, options.device(), block));
      return model;
    } catch (OrtException e) {
      model.close();
      throw new EngineException("cannot configure ONNX Runtime for " + graph.name(), e);
    } catch (MalformedModelException e) {
      model.close();
      Optional<DeviceFault> fault =
          OrtFaults.find(graph.name() + " cannot be loaded on " + options.device(), e);
      if (fault.isPresent()) {
        throw fault.get();
      }
      throw new MalformedModelException(
          "ONNX Runtime refuses "
              + graph
              + " on "
              + options.device()
              + (e.getCause() == null ? "" : ": " + e.getCause().getMessage())
              + (options.device().isGpu()
                  ? "; a GPU needs the build of Maven profile cuda, and NVIDIA's CUDA 12 and cuDNN"
                      + " 9"
                  : ""),
          e);
    } catch (IOException | RuntimeException e) {
      model.close();
      throw e;
    }
  }

  private static SessionOptions sessionOptions(LoweringOptions options, WeightInitializers weights)
      throws OrtException {
    SessionOptions session = new SessionOptions();
    // What fails is thrown, and told there.
    session.setSessionLogLevel(OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL);
    session.setIntraOpNumThreads(options.threads());
    session.setInterOpNumThreads(1);
    session.addConfigEntry(
        "session.model_external_initializers_file_folder_path", weights.root().toString());
    // Waiting threads that spin take the cores of other lanes and gain nothing here.
    session.addConfigEntry("session.intra_op.allow_spinning", "0");
    // The memory pattern is a second arena as large as the first, made by the second run.
    session.setMemoryPatternOptimization(false);
    session.setCPUArenaAllocator(true);
    if (options.fusions() && !options.device().isGpu()) {
      // Packed copies of the weights would cost their size in private memory and seconds to make;
      // optimisation would do the same by folding what is computed from weights.
      session.addConfigEntry("session.disable_prepacking", "1");
      session.setOptimizationLevel(OptLevel.NO_OPT);
    }
    return session;
  }
}
