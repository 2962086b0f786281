package io.shardlight.engines.pjrt;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.shardlight.diffusion.graph.ProgramStore;
import io.shardlight.engines.pjrt.client.CompileOptions;
import io.shardlight.engines.pjrt.client.PjrtClient;
import io.shardlight.engines.pjrt.client.PjrtDevice;
import io.shardlight.engines.pjrt.client.PjrtErrorCode;
import io.shardlight.engines.pjrt.client.PjrtException;
import io.shardlight.engines.pjrt.client.PjrtExecutable;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Compiled programs in a folder, and where machines share them, so that the next process need not
 * compile them: full-size ones take a minute and more. A file is named by the digest of what it
 * depends on, the plugin's build, its options and flags, the devices and the program's text, and
 * begins with that of its content: what was cut off or damaged never reaches the plugin. A folder
 * that can't be written only costs time. Thread-safe, also between processes.
 */
final class CompileCache {
  private static final Logger LOG = LoggerFactory.getLogger(CompileCache.class);
  private static final int DIGEST_BYTES = 32;
  private static final String ENDING = ".pjrt";

  /** Some tens of full-size programs. */
  private static final long MOST_BYTES = 4L << 30;

  private final Path folder;
  private final Optional<ProgramStore> shared;
  private final long mostBytes;

  /**
   * @param folder made when needed; of its programs those used last stay, up to 4 GiB
   * @param shared asked for what the folder lacks, and given what had to be compiled
   */
  CompileCache(Path folder, Optional<ProgramStore> shared) {
    this(folder, shared, MOST_BYTES);
  }

  CompileCache(Path folder, Optional<ProgramStore> shared, long mostBytes) {
    this.folder = folder;
    this.shared = shared;
    this.mostBytes = mostBytes;
  }

  /**
   * The program as it was compiled before, or compiled now.
   *
   * @throws PjrtException if it cannot be compiled
   */
  PjrtExecutable get(PjrtClient client, String text, List<PjrtDevice> devices) {
    CompileOptions options = CompileOptions.on(devices);
    String key = key(client, text, devices, options);
    Path file = folder.resolve(key + ENDING);
    Optional<PjrtExecutable> known = load(client, file.toString(), read(file));
    if (known.isPresent()) {
      touch(file);
      return known.get();
    }
    Optional<byte[]> elsewhere = fetch(key);
    known = load(client, "a shared program", elsewhere);
    if (known.isPresent()) {
      write(file, elsewhere.orElseThrow());
      return known.get();
    }
    PjrtExecutable executable = client.compile(text, options);
    try {
      byte[] content = sealed(executable.serialize());
      write(file, content);
      share(key, content);
    } catch (PjrtException e) {
      if (e.code() != PjrtErrorCode.UNIMPLEMENTED) {
        LOG.warn("The compiled program is not kept: {}", e.getMessage());
      }
    }
    return executable;
  }

  /** Empty if there is none, or it is damaged or not the plugin's. */
  private static Optional<PjrtExecutable> load(
      PjrtClient client, String name, Optional<byte[]> content) {
    if (content.isEmpty()) {
      return Optional.empty();
    }
    byte[] bytes = content.get();
    byte[] program = Arrays.copyOfRange(bytes, Math.min(DIGEST_BYTES, bytes.length), bytes.length);
    if (!Arrays.equals(sealed(program), bytes)) {
      LOG.warn("{} is damaged, and is compiled anew", name);
      return Optional.empty();
    }
    try {
      return Optional.of(client.deserialize(program));
    } catch (PjrtException e) {
      LOG.warn("{} is compiled anew: {}", name, e.getMessage());
      return Optional.empty();
    }
  }

  /** A program behind its digest. */
  private static byte[] sealed(byte[] program) {
    byte[] digest = sha256().digest(program);
    byte[] content = Arrays.copyOf(digest, digest.length + program.length);
    System.arraycopy(program, 0, content, digest.length, program.length);
    return content;
  }

  private Optional<byte[]> fetch(String key) {
    if (shared.isEmpty()) {
      return Optional.empty();
    }
    try {
      return shared.get().get(key);
    } catch (IOException | RuntimeException e) {
      LOG.warn("Shared programs cannot be looked at: {}", e.toString());
      return Optional.empty();
    }
  }

  private void share(String key, byte[] content) {
    if (shared.isEmpty()) {
      return;
    }
    try {
      shared.get().put(key, content);
    } catch (IOException | RuntimeException e) {
      LOG.warn("The compiled program cannot be shared: {}", e.toString());
    }
  }

  private static String key(
      PjrtClient client, String text, List<PjrtDevice> devices, CompileOptions options) {
    MessageDigest digest = sha256();
    for (String part :
        List.of(
            client.platformName(),
            client.platformVersion(),
            String.valueOf(client.plugin().apiMinorVersion()),
            client.plugin().build(),
            devices.stream().map(PjrtDevice::kind).toList().toString(),
            System.getProperty(PjrtEngine.OPTIONS, ""),
            System.getenv().getOrDefault("XLA_FLAGS", ""),
            System.getenv().getOrDefault("LIBTPU_INIT_ARGS", ""))) {
      digest.update(part.getBytes(UTF_8));
      digest.update((byte) 0);
    }
    digest.update(options.toProto());
    digest.update(text.getBytes(UTF_8));
    return HexFormat.of().formatHex(digest.digest());
  }

  private static Optional<byte[]> read(Path file) {
    try {
      return Optional.of(Files.readAllBytes(file));
    } catch (NoSuchFileException e) {
      return Optional.empty();
    } catch (IOException e) {
      LOG.warn("{} cannot be read: {}", file, e.toString());
      return Optional.empty();
    }
  }

  private void write(Path file, byte[] content) {
    try {
      Files.createDirectories(folder);
      Path part = Files.createTempFile(folder, "program", ".part");
      try {
        Files.write(part, content);
        Files.move(part, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
      } finally {
        Files.deleteIfExists(part);
      }
      prune(file);
    } catch (IOException e) {
      LOG.warn("The compiled program is not kept: {}", e.toString());
    }
  }

  private static void touch(Path file) {
    try {
      Files.setLastModifiedTime(file, FileTime.from(Instant.now()));
    } catch (IOException e) {
      // Then it goes earlier than it should.
      LOG.debug("{} cannot be touched: {}", file, e.toString());
    }
  }

  /** Deletes programs that were not used for longest, but never the one just written. */
  private void prune(Path written) throws IOException {
    record Program(Path file, long bytes, FileTime used) {}
    List<Program> programs = new ArrayList<>();
    try (DirectoryStream<Path> files = Files.newDirectoryStream(folder, "*" + ENDING)) {
      for (Path file : files) {
        try {
          programs.add(new Program(file, Files.size(file), Files.getLastModifiedTime(file)));
        } catch (NoSuchFileException e) {
          // Another process prunes, too.
        }
      }
    }
    programs.sort(Comparator.comparing(Program::used));
    long bytes = programs.stream().mapToLong(Program::bytes).sum();
    for (Program program : programs) {
      if (bytes <= mostBytes) {
        return;
      }
      if (!program.file().equals(written)) {
        Files.deleteIfExists(program.file());
        bytes -= program.bytes();
      }
    }
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }
}
