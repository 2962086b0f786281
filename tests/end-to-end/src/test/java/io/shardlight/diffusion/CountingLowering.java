package io.shardlight.diffusion;

import ai.djl.MalformedModelException;
import ai.djl.Model;
import ai.djl.engine.Engine;
import ai.djl.ndarray.types.DataType;
import io.shardlight.diffusion.graph.Graph;
import io.shardlight.diffusion.graph.Lowering;
import io.shardlight.diffusion.graph.LoweringOptions;
import io.shardlight.diffusion.graph.ParameterSource;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/** Another lowering, whose models are counted while they are open. */
final class CountingLowering implements Lowering {
  private final Lowering real;
  private final AtomicInteger open = new AtomicInteger();
  private final AtomicInteger most = new AtomicInteger();

  CountingLowering(Lowering real) {
    this.real = real;
  }

  int mostAtOnce() {
    return most.get();
  }

  @Override
  public String engineName() {
    return real.engineName();
  }

  @Override
  public Engine engine() {
    return real.engine();
  }

  @Override
  public List<DataType> dataTypes() {
    return real.dataTypes();
  }

  @Override
  public Model load(Graph graph, ParameterSource parameters, LoweringOptions options)
      throws IOException, MalformedModelException {
    Model model = real.load(graph, parameters, options);
    most.accumulateAndGet(open.incrementAndGet(), Math::max);
    return (Model)
        Proxy.newProxyInstance(
            Model.class.getClassLoader(),
            new Class<?>[] {Model.class},
            (proxy, method, arguments) -> {
              if (method.getName().equals("close")) {
                open.decrementAndGet();
              }
              try {
                return method.invoke(model, arguments);
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            });
  }
}
