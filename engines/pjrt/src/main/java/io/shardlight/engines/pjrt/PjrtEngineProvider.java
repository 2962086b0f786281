package io.shardlight.engines.pjrt;

import ai.djl.engine.Engine;
import ai.djl.engine.EngineProvider;
import java.util.Optional;

/** Makes the engine known to DJL, which finds it by {@link java.util.ServiceLoader}. */
public final class PjrtEngineProvider implements EngineProvider {
  /** Behind the engines that a program names nothing for. */
  static final int RANK = 20;

  /** For {@link java.util.ServiceLoader}. */
  public PjrtEngineProvider() {}

  @Override
  public String getEngineName() {
    return PjrtEngine.NAME;
  }

  @Override
  public int getEngineRank() {
    return RANK;
  }

  @Override
  public Engine getEngine() {
    return PjrtEngine.start(Optional.empty());
  }
}
