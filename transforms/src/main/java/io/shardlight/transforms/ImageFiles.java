package io.shardlight.transforms;

import io.shardlight.data.DatasetPaths;
import io.shardlight.data.GenerationSettings;
import io.shardlight.data.ManifestRow;
import io.shardlight.data.ObjectConflictException;
import io.shardlight.data.ObjectStore;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.Optional;

/** Each image an object of its own ({@code layout=files}), created at once. Thread-safe. */
record ImageFiles(ObjectStore store, GenerationSettings settings) implements ShardImages {
  @Override
  public String fileName(String exampleId) {
    return DatasetPaths.image(exampleId, settings.imageFormat());
  }

  @Override
  public ManifestRow add(int index, ManifestRow row, byte[] image) throws IOException {
    String name = fileName(row.example().id());
    try {
      store.createOrAdopt(name, image);
      return row;
    } catch (ObjectConflictException e) {
      byte[] found;
      try (InputStream in = store.read(name)) {
        found = in.readAllBytes();
      }
      return new EarlierAttempt(settings).take(row, image, found).orElseThrow(() -> e);
    }
  }

  @Override
  public void addNone(int index) {}

  @Override
  public Committed commit(List<ManifestRow> rows) {
    return new Committed(Optional.empty(), rows);
  }

  @Override
  public void close() {}
}
