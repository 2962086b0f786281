package io.shardlight.models;

import io.shardlight.data.ObjectConflictException;
import io.shardlight.data.ObjectStore;
import io.shardlight.diffusion.graph.ProgramStore;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.NoSuchFileException;
import java.util.Optional;

/**
 * Compiled programs as objects {@code <key>.pjrt} of a bucket or a directory that machines share.
 */
public final class StoredPrograms implements ProgramStore {
  private final ObjectStore store;

  public StoredPrograms(ObjectStore store) {
    this.store = store;
  }

  @Override
  public Optional<byte[]> get(String key) throws IOException {
    try (InputStream in = store.read(name(key))) {
      return Optional.of(in.readAllBytes());
    } catch (NoSuchFileException e) {
      return Optional.empty();
    }
  }

  @Override
  public void put(String key, byte[] program) throws IOException {
    try {
      store.create(name(key), program);
    } catch (ObjectConflictException e) {
      // Compilers do not give the same bytes twice; the one that is there does as well.
    }
  }

  private static String name(String key) {
    return key + ".pjrt";
  }
}
