package io.shardlight.benchmarks;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Writes a full-size Stable Diffusion v1-4 checkpoint (4.3 GB, float32 safetensors) with weights
 * from {@link WeightFormula}: names, shapes and file sizes are the real model's, images are
 * abstract.
 */
public final class MakeCheckpoint {
  private static final int PIECE_BYTES = 4 << 20;
  private static final String TOKENIZER = "--tokenizer=";
  private static final String USAGE =
      """
      usage: MakeCheckpoint OUTPUT_FOLDER [--tokenizer=FOLDER]
        OUTPUT_FOLDER       gets model_index.json, text_encoder/, unet/, vae/, scheduler/
        --tokenizer=FOLDER  a CLIP tokenizer (vocab.json, merges.txt, ...) to copy into tokenizer/
      """;

  private MakeCheckpoint() {}

  /** Exits with 0 when all is written, 1 when that fails, 2 when the command line is wrong. */
  public static void main(String[] args) throws IOException {
    System.exit(run(args));
  }

  static int run(String... args) throws IOException {
    List<String> folders = Stream.of(args).filter(arg -> !arg.startsWith("--")).toList();
    List<String> options = Stream.of(args).filter(arg -> arg.startsWith("--")).toList();
    Optional<Path> tokenizer =
        options.stream()
            .filter(option -> option.startsWith(TOKENIZER))
            .map(option -> Path.of(option.substring(TOKENIZER.length())))
            .findFirst();
    if (folders.size() != 1 || options.size() > tokenizer.stream().count()) {
      System.err.print(USAGE);
      return 2;
    }
    if (tokenizer.isPresent() && !Files.isRegularFile(tokenizer.get().resolve("vocab.json"))) {
      System.err.println(
          TOKENIZER + tokenizer.get() + ": has no vocab.json; a CLIP tokenizer folder wanted");
      return 2;
    }
    Path output = Path.of(folders.get(0));
    try {
      if (tokenizer.isPresent()) {
        copyFiles(tokenizer.get(), Files.createDirectories(output.resolve("tokenizer")));
      }
      new CheckpointWriter(description(), PIECE_BYTES).write(output);
    } catch (IOException e) {
      System.err.println(e.getMessage());
      return 1;
    }
    System.out.println("wrote " + output);
    return 0;
  }

  /** {@code sd14.json}: names, shapes and configurations of v1-4. */
  static String description() throws IOException {
    try (InputStream in = MakeCheckpoint.class.getResourceAsStream("sd14.json")) {
      if (in == null) {
        throw new FileNotFoundException("sd14.json is not among the resources; build again");
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  private static void copyFiles(Path from, Path to) throws IOException {
    try (Stream<Path> files = Files.list(from)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        Files.write(to.resolve(file.getFileName()), Files.readAllBytes(file));
      }
    }
  }
}
