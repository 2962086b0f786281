package io.shardlight.transforms;

import io.shardlight.data.DatasetPaths;
import io.shardlight.data.ImageFormat;
import io.shardlight.data.ManifestRow;
import io.shardlight.data.ObjectStore;
import io.shardlight.data.StoredObject;
import java.io.IOException;
import java.util.Optional;

/** Each image an object of its own ({@code layout=files}), created at once. Thread-safe. */
record ImageFiles(ObjectStore store, ImageFormat format) implements ShardImages {
  @Override
  public String fileName(String exampleId) {
    return DatasetPaths.image(exampleId, format);
  }

  @Override
  public void add(int index, ManifestRow row, byte[] image) throws IOException {
    store.createOrAdopt(fileName(row.example().id()), image);
  }

  @Override
  public void addNone(int index) {}

  @Override
  public Optional<StoredObject> commit() {
    return Optional.empty();
  }

  @Override
  public void close() {}
}
