package io.shardlight.pipeline;

import io.shardlight.data.AdditionsIdentity;
import io.shardlight.diffusion.model.AutoencoderKl;
import io.shardlight.diffusion.weights.ComponentDirectory;
import io.shardlight.diffusion.weights.Lora;
import io.shardlight.diffusion.weights.ModelAdditions;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.Serializable;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What {@code --lora} and {@code --vae} name, as it travels to workers.
 *
 * @param loras in the order given
 * @param vae path of a directory; empty for the checkpoint's own VAE
 * @param vaeSha256 that the directory must have on every machine; empty if nobody has said it
 */
record Additions(List<AddedLora> loras, String vae, String vaeSha256) implements Serializable {
  static final Additions NONE = new Additions(List.of(), "");

  /** {@code PATH:scale}. */
  private static final Pattern SCALED = Pattern.compile("(?s)(.+):([^:/]*)");

  private static final Pattern NUMBER = Pattern.compile("[+-]?([0-9]+\\.?[0-9]*|\\.[0-9]+)");

  /**
   * @param path of a safetensors file
   * @param sha256 that the file must have on every machine; empty if nobody has said it
   */
  record AddedLora(String path, float scale, String sha256) implements Serializable {
    AddedLora(String path, float scale) {
      this(path, scale, "");
    }
  }

  Additions {
    loras = List.copyOf(loras);
  }

  Additions(List<AddedLora> loras, String vae) {
    this(loras, vae, "");
  }

  /** With the hashes of what the job was checked with, which workers are to find again. */
  Additions pinned(AdditionsIdentity identity) {
    List<AddedLora> pinned = new ArrayList<>();
    for (int i = 0; i < loras.size(); i++) {
      AddedLora lora = loras.get(i);
      pinned.add(new AddedLora(lora.path, lora.scale, identity.loras().get(i).sha256()));
    }
    return new Additions(
        pinned,
        vae,
        identity.vae().stream().map(AdditionsIdentity.Vae::sha256).findAny().orElse(""));
  }

  /**
   * Reads and checks both options, but not yet whether they fit the model.
   *
   * @param problems gets a line for each thing that is wrong; then the result is empty
   */
  static Optional<Additions> read(CommandLine line, List<String> problems) {
    int before = problems.size();
    List<AddedLora> loras = new ArrayList<>();
    Set<Path> seen = new HashSet<>();
    line.usable("lora")
        .ifPresent(
            value -> {
              for (String part : value.split(",", -1)) {
                lora(part.strip(), seen, problems).ifPresent(loras::add);
              }
            });
    Optional<String> vae = line.usable("vae");
    vae.flatMap(Additions::vaeProblem).ifPresent(problems::add);
    boolean usable = line.isUsable("lora") && line.isUsable("vae") && problems.size() == before;
    return usable
        ? Optional.of(
            new Additions(loras, vae.map(v -> Path.of(v).toAbsolutePath().toString()).orElse("")))
        : Optional.empty();
  }

  private static Optional<AddedLora> lora(String part, Set<Path> seen, List<String> problems) {
    String option = "--lora=" + part + ": ";
    Matcher scaled = SCALED.matcher(part);
    boolean hasScale = scaled.matches() && NUMBER.matcher(scaled.group(2)).matches();
    String path = hasScale ? scaled.group(1) : part;
    Optional<Path> file = local(path);
    Optional<String> problem = file.isEmpty() ? Optional.empty() : fileProblem(file.get());
    if (part.isEmpty()) {
      problem = Optional.of("nothing between two commas; give PATH or PATH:scale between them");
    } else if (file.isEmpty()) {
      problem = Optional.of("local files can be read; copy it here");
    } else if (!hasScale && scaled.matches() && Files.exists(Path.of(scaled.group(1)))) {
      problem =
          Optional.of(
              "the scale must be a number, but is \""
                  + scaled.group(2)
                  + "\"; give "
                  + scaled.group(1)
                  + ":1 for as strong as it was trained");
    } else if (problem.isEmpty() && !seen.add(file.get().toAbsolutePath().normalize())) {
      problem = Optional.of("given twice; give it once, with the sum of the scales");
    }
    problem.ifPresent(text -> problems.add(option + text));
    if (problem.isPresent()) {
      return Optional.empty();
    }
    float scale = hasScale ? Float.parseFloat(scaled.group(2)) : 1;
    if (!Float.isFinite(scale)) {
      problems.add(option + "the scale is too large; 1 is as strong as it was trained");
      return Optional.empty();
    }
    return Optional.of(new AddedLora(file.get().toAbsolutePath().toString(), scale));
  }

  private static Optional<Path> local(String path) {
    try {
      return path.matches("(?s)[a-z][a-z0-9+.-]+://.*")
          ? Optional.empty()
          : Optional.of(Path.of(path));
    } catch (InvalidPathException e) {
      return Optional.empty();
    }
  }

  private static Optional<String> fileProblem(Path file) {
    if (Files.isDirectory(file)) {
      return Optional.of(
          "a directory; give the file in it, for example "
              + file.resolve("pytorch_lora_weights.safetensors"));
    }
    if (!Files.exists(file)) {
      return Optional.of(FileChecks.noFile(file));
    }
    if (!file.toString().endsWith(".safetensors")) {
      return Optional.of(
          "must be a .safetensors file; .pt and .bin are never read because they can run code, save"
              + " it as safetensors with the tool that made it");
    }
    return Files.isReadable(file)
        ? Optional.empty()
        : Optional.of("cannot be read by you; change its permissions");
  }

  /** What is wrong with the directory of a VAE by itself. */
  private static Optional<String> vaeProblem(String value) {
    String option = "--vae=" + value + ": ";
    Optional<Path> folder = local(value);
    if (folder.isEmpty()) {
      return Optional.of(option + "local directories can be read; copy it here");
    }
    if (!Files.isDirectory(folder.get())) {
      return Optional.of(
          option
              + (Files.exists(folder.get()) ? "not a directory" : "no such directory")
              + "; give one with config.json and diffusion_pytorch_model.safetensors");
    }
    if (!Files.exists(folder.get().resolve("config.json"))
        && Files.exists(folder.get().resolve("vae/config.json"))) {
      return Optional.of(
          option + "a whole model; give its VAE: --vae=" + folder.get().resolve("vae"));
    }
    try {
      ComponentDirectory component = ComponentDirectory.open(folder.get());
      AutoencoderKl vae = AutoencoderKl.read(component.config());
      int side = vae.config().downsamplingFactor();
      component
          .weights()
          .requireMatch(List.of(vae.decoderGraph(1, 1, 1), vae.encoderGraph(1, side, side)));
      return Optional.empty();
    } catch (IOException | RuntimeException e) {
      // Whatever a damaged directory throws is one problem among the others.
      return Optional.of(option + Causes.line(e));
    }
  }

  /** Whether this file is one of the LoRAs. */
  boolean holds(Path file) {
    return loras.stream().anyMatch(lora -> Path.of(lora.path).equals(file.toAbsolutePath()));
  }

  /**
   * Opens what is added, on whatever machine.
   *
   * @throws IOException if something is not there or cannot be read
   */
  ModelAdditions open() throws IOException {
    List<Lora> files = new ArrayList<>();
    for (AddedLora lora : loras) {
      requireHere("--lora", Path.of(lora.path));
      files.add(new Lora(Path.of(lora.path), lora.scale));
    }
    if (vae.isEmpty()) {
      return new ModelAdditions(files, Optional.empty());
    }
    requireHere("--vae", Path.of(vae));
    return new ModelAdditions(files, Optional.of(ComponentDirectory.open(Path.of(vae))));
  }

  /**
   * Opens what is added, and finds that it is what the job was checked with.
   *
   * @param cacheDirectory where hashes of files are kept
   * @throws IOException also if a file is another one on this machine
   */
  ModelAdditions openSame(Path cacheDirectory) throws IOException {
    ModelAdditions opened = open();
    AdditionsIdentity found = identity(opened, cacheDirectory);
    for (int i = 0; i < loras.size(); i++) {
      requireSame("--lora", loras.get(i).path, loras.get(i).sha256, found.loras().get(i).sha256());
    }
    for (AdditionsIdentity.Vae other : found.vae()) {
      requireSame("--vae", vae, vaeSha256, other.sha256());
    }
    return opened;
  }

  private static void requireSame(String option, String path, String wanted, String found)
      throws IOException {
    if (!wanted.isEmpty() && !wanted.equals(found)) {
      throw new IOException(
          "%s %s must be what the job was checked with, SHA-256 %s, but on %s it has %s; put the same on every machine, and run the command again"
              .formatted(option, path, wanted, InetAddress.getLocalHost().getHostName(), found));
    }
  }

  private static void requireHere(String option, Path path) throws IOException {
    if (!Files.exists(path)) {
      throw new FileNotFoundException(
          option
              + " "
              + path
              + " must be on every machine of the job, but is not on "
              + InetAddress.getLocalHost().getHostName()
              + "; put it on a disk that all of them share, or copy it to the same path on each");
    }
  }

  /**
   * For the fingerprint and the card.
   *
   * @param cacheDirectory where hashes of files are kept
   */
  static AdditionsIdentity identity(ModelAdditions additions, Path cacheDirectory)
      throws IOException {
    List<AdditionsIdentity.Lora> loras = new ArrayList<>();
    for (Lora lora : additions.loras()) {
      loras.add(
          new AdditionsIdentity.Lora(
              String.valueOf(lora.file().getFileName()),
              lora.sha256(cacheDirectory),
              lora.scale()));
    }
    Optional<AdditionsIdentity.Vae> vae = Optional.empty();
    if (additions.vae().isPresent()) {
      ComponentDirectory folder = additions.vae().get();
      vae =
          Optional.of(
              new AdditionsIdentity.Vae(
                  String.valueOf(folder.path().toRealPath().getFileName()),
                  folder.sha256(cacheDirectory)));
    }
    return AdditionsIdentity.of(loras, vae);
  }
}
