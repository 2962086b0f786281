package io.shardlight.data;

import com.google.cloud.ReadChannel;
import com.google.cloud.WriteChannel;
import com.google.cloud.storage.Blob;
import com.google.cloud.storage.BlobId;
import com.google.cloud.storage.BlobInfo;
import com.google.cloud.storage.Storage;
import com.google.cloud.storage.Storage.BlobField;
import com.google.cloud.storage.Storage.BlobGetOption;
import com.google.cloud.storage.Storage.BlobListOption;
import com.google.cloud.storage.Storage.BlobTargetOption;
import com.google.cloud.storage.Storage.BlobWriteOption;
import com.google.cloud.storage.StorageBatch;
import com.google.cloud.storage.StorageBatchResult;
import com.google.cloud.storage.StorageException;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Predicate;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * A dataset in a Cloud Storage bucket. Objects are created under their final names by requests that
 * the server carries out only if there is none, and only if the bytes that arrive have the CRC32C
 * that was sent with them. Faults that may pass are tried again, so of one creation several tries
 * may arrive; each object carries a mark of its writer, which tells whether it was this one.
 */
final class GcsObjectStore implements ObjectStore {
  /** What is smaller is sent by one request, what is larger by one that can be resumed. */
  private static final int RESUMABLE_FROM = 8 << 20;

  private static final int CHUNK = 8 << 20;
  private static final int READ_BUFFER = 1 << 16;
  private static final int NEW_SESSIONS = 3;

  /** As many as go into one request. */
  private static final int DELETED_AT_ONCE = 100;

  /** Key in an object's metadata of what its writer called itself. */
  private static final String WRITER = "shardlight-write";

  /** So that browsers and other tools know what they get; Google knows none of the others. */
  private static final Map<String, String> CONTENT_TYPES =
      Map.of(
          "png", "image/png",
          "jpg", "image/jpeg",
          "webp", "image/webp",
          "json", "application/json",
          "jsonl", "application/jsonl",
          "html", "text/html; charset=utf-8",
          "md", "text/markdown; charset=utf-8",
          "tar", "application/x-tar",
          "avro", "application/avro",
          "parquet", "application/vnd.apache.parquet");

  private interface Upload {
    void run() throws IOException;
  }

  private final Storage storage;
  private final GcsPlace place;
  private final GcsFaults faults;

  GcsObjectStore(Storage storage, GcsPlace place) {
    this.storage = storage;
    this.place = place;
    this.faults = new GcsFaults(place);
  }

  @Override
  public Creation create(String name, byte[] content) throws IOException {
    BlobInfo object = describe(name, crc32c(content));
    return create(name, object, () -> insert(object, content, BlobTargetOption.doesNotExist()));
  }

  @Override
  public Creation create(String name, Path content) throws IOException {
    if (Files.size(content) < RESUMABLE_FROM) {
      return create(name, Files.readAllBytes(content));
    }
    BlobInfo object = describe(name, crc32c(content));
    return create(name, object, () -> resume(object, content, BlobWriteOption.doesNotExist()));
  }

  private Creation create(String name, BlobInfo object, Upload upload) throws IOException {
    try {
      upload.run();
      return Creation.CREATED;
    } catch (StorageException e) {
      if (GcsFaults.status(e) != GcsFaults.PRECONDITION_FAILED) {
        throw faults.explain("create " + name, e);
      }
    }
    // There is one. It may come of a try of our own whose answer was lost.
    Optional<Blob> found = find(name, BlobField.METADATA);
    return found.flatMap(GcsObjectStore::writer).equals(writer(object))
        ? Creation.CREATED
        : Creation.EXISTS;
  }

  @Override
  public void replace(String name, byte[] content) throws IOException {
    try {
      insert(uncached(name, crc32c(content)), content);
    } catch (StorageException e) {
      throw faults.explain("replace " + name, e);
    }
  }

  @Override
  public void replace(String name, Path content) throws IOException {
    if (Files.size(content) < RESUMABLE_FROM) {
      replace(name, Files.readAllBytes(content));
      return;
    }
    try {
      resume(uncached(name, crc32c(content)), content);
    } catch (StorageException e) {
      throw faults.explain("replace " + name, e);
    }
  }

  /** Public objects are cached for an hour unless they say otherwise. */
  private BlobInfo uncached(String name, String crc32c) {
    return describe(name, crc32c).toBuilder().setCacheControl("no-cache").build();
  }

  @Override
  public Creation createOrAdopt(String name, byte[] content) throws IOException {
    Creation creation = create(name, content);
    if (creation == Creation.EXISTS && !isSame(name, crc32c(content), content.length)) {
      // Says where they differ.
      return ObjectStore.super.createOrAdopt(name, content);
    }
    return creation;
  }

  @Override
  public Creation createOrAdopt(String name, Path content) throws IOException {
    Creation creation = create(name, content);
    if (creation == Creation.EXISTS && !isSame(name, crc32c(content), Files.size(content))) {
      return ObjectStore.super.createOrAdopt(name, content);
    }
    return creation;
  }

  /** By size and checksum, as the server has them: nothing is fetched. */
  private boolean isSame(String name, String crc32c, long bytes) throws IOException {
    return find(name, BlobField.CRC32C, BlobField.SIZE)
        .filter(found -> crc32c.equals(found.getCrc32c()) && found.getSize() == bytes)
        .isPresent();
  }

  private void insert(BlobInfo object, byte[] content, BlobTargetOption... conditions) {
    List<BlobTargetOption> options = new ArrayList<>(List.of(conditions));
    // Images don't shrink any more, and the rest is small.
    options.add(BlobTargetOption.disableGzipContent());
    storage.create(object, content, options.toArray(new BlobTargetOption[0]));
  }

  private void resume(BlobInfo object, Path content, BlobWriteOption... conditions)
      throws IOException {
    List<BlobWriteOption> options = new ArrayList<>(List.of(conditions));
    // Also keeps an upload that we break off from becoming an object.
    options.add(BlobWriteOption.crc32cMatch());
    for (int session = 1; ; session++) {
      try {
        sendChunks(object, content, options.toArray(new BlobWriteOption[0]));
        return;
      } catch (StorageException e) {
        if (GcsFaults.status(e) != GcsFaults.GONE || session == NEW_SESSIONS) {
          throw e;
        }
        // The server has forgotten the upload, which it may: begin again.
      }
    }
  }

  /** Each chunk has the client's whole patience to itself, so that size doesn't use it up. */
  private void sendChunks(BlobInfo object, Path content, BlobWriteOption[] options)
      throws IOException {
    try (FileChannel file = FileChannel.open(content, StandardOpenOption.READ);
        WriteChannel upload = storage.writer(object, options)) {
      upload.setChunkSize(CHUNK);
      ByteBuffer buffer = ByteBuffer.allocate(READ_BUFFER);
      while (file.read(buffer) >= 0) {
        buffer.flip();
        while (buffer.hasRemaining()) {
          upload.write(buffer);
        }
        buffer.clear();
      }
    } catch (IOException e) {
      if (e.getCause() instanceof StorageException fault) {
        throw fault;
      }
      throw e;
    }
  }

  private BlobInfo describe(String name, String crc32c) {
    String extension = name.substring(name.lastIndexOf('.') + 1);
    return BlobInfo.newBuilder(id(name))
        .setCrc32c(crc32c)
        .setContentType(CONTENT_TYPES.getOrDefault(extension, "application/octet-stream"))
        .setMetadata(Map.of(WRITER, UUID.randomUUID().toString()))
        .build();
  }

  private static Optional<String> writer(BlobInfo object) {
    return Optional.ofNullable(object.getMetadata()).map(metadata -> metadata.get(WRITER));
  }

  private static String crc32c(byte[] content) {
    CRC32C crc = new CRC32C();
    crc.update(content);
    return base64(crc);
  }

  private static String crc32c(Path content) throws IOException {
    CRC32C crc = new CRC32C();
    byte[] buffer = new byte[READ_BUFFER];
    try (InputStream in = Files.newInputStream(content)) {
      for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
        crc.update(buffer, 0, read);
      }
    }
    return base64(crc);
  }

  private static String base64(CRC32C crc) {
    return Base64.getEncoder()
        .encodeToString(ByteBuffer.allocate(Integer.BYTES).putInt((int) crc.getValue()).array());
  }

  @Override
  public InputStream read(String name) throws IOException {
    return open(name, storage.reader(id(name)));
  }

  @Override
  public InputStream read(String name, long offset, long length) throws IOException {
    ReadChannel channel = storage.reader(id(name));
    channel.seek(offset);
    channel.limit(offset + length);
    return open(name, channel);
  }

  private InputStream open(String name, ReadChannel channel) throws IOException {
    channel.setChunkSize(READ_BUFFER);
    InputStream in = new BufferedInputStream(new ObjectInput(name, channel), READ_BUFFER);
    try {
      // Only the answer to the first request tells whether there is such an object.
      in.mark(1);
      in.read();
      in.reset();
      return in;
    } catch (IOException | RuntimeException e) {
      channel.close();
      throw e;
    }
  }

  /** Bytes as they come, and faults in our words. */
  private final class ObjectInput extends InputStream {
    private final String name;
    private final ReadChannel channel;

    ObjectInput(String name, ReadChannel channel) {
      this.name = name;
      this.channel = channel;
    }

    @Override
    public int read() throws IOException {
      byte[] one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] bytes, int offset, int length) throws IOException {
      if (length == 0) {
        return 0;
      }
      ByteBuffer buffer = ByteBuffer.wrap(bytes, offset, length);
      try {
        int read = 0;
        while (read == 0) {
          read = channel.read(buffer);
        }
        return read;
      } catch (StorageException e) {
        requireNoInterrupt();
        throw explain(e, e);
      } catch (IOException e) {
        requireNoInterrupt();
        throw explain(e.getCause() instanceof StorageException cause ? cause : null, e);
      }
    }

    private void requireNoInterrupt() throws InterruptedIOException {
      if (Thread.currentThread().isInterrupted()) {
        throw new InterruptedIOException("interrupted while " + name + " was read");
      }
    }

    private IOException explain(@Nullable StorageException answer, Exception fault) {
      if (answer != null && GcsFaults.status(answer) == GcsFaults.NOT_FOUND) {
        return new NoSuchFileException(place + "/" + name);
      }
      return faults.explain(
          "read " + name,
          answer == null ? new StorageException(0, fault.getMessage(), fault) : answer);
    }

    @Override
    public void close() {
      channel.close();
    }
  }

  @Override
  public boolean exists(String name) throws IOException {
    return find(name, BlobField.GENERATION).isPresent();
  }

  private Optional<Blob> find(String name, BlobField... fields) throws IOException {
    try {
      return Optional.ofNullable(storage.get(id(name), BlobGetOption.fields(fields)));
    } catch (StorageException e) {
      throw faults.explain("look for " + name, e);
    }
  }

  @Override
  public void forEachName(String prefix, Names names) throws IOException {
    try {
      for (Blob object :
          storage
              .list(
                  place.bucket(),
                  BlobListOption.prefix(place.prefix() + prefix),
                  BlobListOption.fields(BlobField.NAME))
              .iterateAll()) {
        // Some tools make empty objects to stand for folders.
        if (!object.getName().endsWith("/")) {
          names.take(object.getName().substring(place.prefix().length()));
        }
      }
    } catch (StorageException e) {
      throw faults.explain("list the objects " + prefix + "*", e);
    }
  }

  @Override
  public Optional<String> findEntry(Predicate<String> wanted) throws IOException {
    try {
      for (Blob entry :
          storage
              .list(
                  place.bucket(),
                  BlobListOption.prefix(place.prefix()),
                  BlobListOption.delimiter("/"),
                  BlobListOption.fields(BlobField.NAME))
              .iterateAll()) {
        String name = entry.getName().substring(place.prefix().length()).replaceFirst("/$", "");
        if (!name.isEmpty() && wanted.test(name)) {
          return Optional.of(name);
        }
      }
      return Optional.empty();
    } catch (StorageException e) {
      throw faults.explain("list the objects", e);
    }
  }

  @Override
  public void delete(List<String> names) throws IOException {
    for (int from = 0; from < names.size(); from += DELETED_AT_ONCE) {
      for (String name :
          notDeleted(names.subList(from, Math.min(from + DELETED_AT_ONCE, names.size())))) {
        // By itself, which the client tries again; in a batch it does not.
        try {
          storage.delete(id(name));
        } catch (StorageException e) {
          throw faults.explain("delete " + name, e);
        }
      }
    }
  }

  /** Deletes by one request, and gives those of which nobody said that they are gone. */
  private List<String> notDeleted(List<String> names) {
    StorageBatch batch = storage.batch();
    List<StorageBatchResult<Boolean>> results = new ArrayList<>();
    for (String name : names) {
      results.add(batch.delete(id(name)));
    }
    try {
      batch.submit();
    } catch (StorageException e) {
      return names;
    }
    List<String> left = new ArrayList<>();
    for (int i = 0; i < names.size(); i++) {
      try {
        results.get(i).get(); // False if there was none.
      } catch (StorageException e) {
        left.add(names.get(i));
      }
    }
    return left;
  }

  /** There are none: an upload that is not complete can't be seen, and Google discards it. */
  @Override
  public void discardTemporaries(Instant before) {}

  @Override
  public String root() {
    return place.toString();
  }

  private BlobId id(String name) {
    return BlobId.of(place.bucket(), place.objectName(name));
  }
}
