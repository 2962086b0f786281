package io.shardlight.engines.pjrt;

import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.AbstractSymbolBlock;
import ai.djl.nn.ParameterList;
import ai.djl.training.ParameterStore;
import ai.djl.util.PairList;
import io.shardlight.diffusion.graph.LatentDiffusion.Tensor;
import io.shardlight.engines.pjrt.client.PjrtException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A program on devices: splits its inputs over them and joins their outputs. */
final class ShardedBlock extends AbstractSymbolBlock implements AutoCloseable {
  private final ShardedSignature signature;
  private final ReplicatedProgram program;
  private final ResidentWeights weights;

  ShardedBlock(ShardedSignature signature, ReplicatedProgram program, ResidentWeights weights) {
    this.weights = weights;
    this.signature = signature;
    this.program = program;
  }

  @Override
  protected NDList forwardInternal(
      ParameterStore parameterStore,
      NDList inputs,
      boolean training,
      @Nullable PairList<String, Object> params) {
    int devices = requireFit(inputs);
    List<List<HostTensor>> slices = new ArrayList<>();
    for (int device = 0; device < devices; device++) {
      slices.add(new ArrayList<>());
    }
    for (int i = 0; i < inputs.size(); i++) {
      TensorType type = GenerationProgram.type(signature.inputs().get(i));
      boolean sharded = i < signature.shardedInputs();
      HostTensor tensor = HostTensor.of(inputs.get(i), type, 0);
      for (int device = 0; device < devices; device++) {
        slices
            .get(device)
            .add(sharded && device > 0 ? HostTensor.of(inputs.get(i), type, device) : tensor);
      }
    }
    try {
      return join(program.run(slices), inputs.getManager());
    } catch (PjrtException e) {
      throw weights.fault(describe(devices), e);
    } catch (IllegalStateException e) {
      throw weights.closed(describe(devices), e);
    }
  }

  private String describe(int devices) {
    return signature.name() + " on each of " + devices + " devices failed";
  }

  /** How many devices the inputs are for. */
  private int requireFit(NDList inputs) {
    List<Tensor> wanted = signature.inputs();
    long devices = 0;
    boolean fits = inputs.size() == wanted.size();
    for (int i = 0; fits && i < wanted.size(); i++) {
      Shape shape = inputs.get(i).getShape();
      Shape slice = wanted.get(i).shape();
      fits = inputs.get(i).getDataType() == wanted.get(i).dataType();
      if (i < signature.shardedInputs()) {
        fits &=
            shape.dimension() == slice.dimension()
                && shape.slice(1).equals(slice.slice(1))
                && shape.get(0) % signature.batch() == 0;
        long count = shape.dimension() == 0 ? 0 : shape.get(0) / signature.batch();
        fits &= i == 0 || count == devices;
        devices = count;
      } else {
        fits &= shape.equals(slice);
      }
    }
    if (!fits || devices < 1 || devices > program.devices()) {
      throw new IllegalArgumentException(
          "the program takes "
              + wanted
              + " on each of 1 to "
              + program.devices()
              + " devices, but was given "
              + inputs);
    }
    return (int) devices;
  }

  private NDList join(List<List<HostTensor>> outputs, NDManager manager) {
    NDList joined = new NDList();
    List<Tensor> wanted = signature.outputs();
    for (int i = 0; i < wanted.size(); i++) {
      int size = outputs.get(0).get(i).bytes().capacity();
      ByteBuffer all =
          ByteBuffer.allocate(Math.multiplyExact(size, outputs.size()))
              .order(outputs.get(0).get(i).bytes().order());
      for (List<HostTensor> device : outputs) {
        all.put(device.get(i).bytes().rewind());
      }
      Shape slice = wanted.get(i).shape();
      Shape shape = new Shape(slice.get(0) * outputs.size()).addAll(slice.slice(1));
      joined.add(manager.create(all.rewind(), shape, wanted.get(i).dataType()));
    }
    return joined;
  }

  @Override
  public PairList<String, Shape> describeInput() {
    PairList<String, Shape> description = new PairList<>();
    signature.inputs().forEach(input -> description.add(input.name(), input.shape()));
    return description;
  }

  @Override
  public PairList<String, Shape> describeOutput() {
    PairList<String, Shape> description = new PairList<>();
    signature.outputs().forEach(output -> description.add(output.name(), output.shape()));
    return description;
  }

  /** None: the weights stay with whoever replicated them. */
  @Override
  public ParameterList getDirectParameters() {
    return new ParameterList();
  }

  @Override
  public Shape[] getOutputShapes(Shape[] inputShapes) {
    return signature.outputs().stream().map(Tensor::shape).toArray(Shape[]::new);
  }

  @Override
  public void close() {
    program.close();
  }
}
