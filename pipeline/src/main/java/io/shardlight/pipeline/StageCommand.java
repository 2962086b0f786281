package io.shardlight.pipeline;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.shardlight.data.Buckets;
import io.shardlight.data.ObjectStore;
import io.shardlight.data.ObjectStore.Creation;
import io.shardlight.data.StoredObject;
import io.shardlight.diffusion.hub.LicenseTerms;
import io.shardlight.diffusion.hub.NeededFiles;
import io.shardlight.diffusion.weights.ModelDirectory;
import io.shardlight.models.ModelMarker;
import io.shardlight.models.StageModel;
import io.shardlight.models.StagedModel;
import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Brings a model to a directory or bucket. */
final class StageCommand implements Command {
  private static final OptionCatalog CATALOG =
      OptionCatalog.of(StageOptions.class, JsonOption.class, TerminalOptions.class);

  @Override
  public String name() {
    return "stage";
  }

  @Override
  public String summary() {
    return "bring a model to a directory or bucket";
  }

  @Override
  public String help() {
    return HelpText.of(
        "./shardlight stage --model=hf://OWNER/NAME[@REVISION] --to=DIRECTORY|gs://BUCKET/FOLDER",
        "Fetches what is needed of a model, verifies it, puts it where you say, and writes "
            + ModelMarker.NAME
            + " last, which says where it comes from and what each file must be. From the Hub it"
            + " comes through the cache that Python's libraries use too (HF_HOME, HF_HUB_CACHE), in"
            + " parallel and going on where an earlier try broke off; HF_TOKEN or `hf auth login`"
            + " say who asks, HF_ENDPOINT whom, and with HF_HUB_OFFLINE=1 nobody is asked. Run"
            + " again, it completes what is there; another model in the same place is refused.",
        CATALOG,
        """
        ./shardlight stage --model=hf://CompVis/stable-diffusion-v1-4 \\
            --to=models/stable-diffusion-v1-4 --acceptLicense=creativeml-openrail-m
        ./shardlight stage --model=hf://CompVis/stable-diffusion-v1-4@bf16 \\
            --to=gs://my-models/sd-v1-4-bf16 --acceptLicense=creativeml-openrail-m
        """);
  }

  @Override
  public int run(List<String> words, Console console) {
    // Beam's options, which take a while to look up, matter for buckets and secrets only.
    boolean cloud = words.stream().anyMatch(w -> w.contains("gs://") || w.contains("Secret"));
    CommandLine line = CommandLine.parse(words, CATALOG, cloud ? BeamOptionNames.all() : Set.of());
    if (line.isSet("help")) {
      console.out().print(help());
      return DONE;
    }
    long start = System.nanoTime();
    List<String> problems = new ArrayList<>(line.problems());
    BucketChecks buckets = new BucketChecks(line);
    Optional<String> to = line.usable("to");
    Optional<ObjectStore> target = to.flatMap(value -> target(value, buckets, problems));
    Optional<LocatedModel> model =
        line.usable("model")
            .flatMap(
                value ->
                    ModelLocation.open(
                        line,
                        buckets,
                        console,
                        problems,
                        (id, revision, seen) -> lookAt(target, id, revision, seen)));
    if (model.isEmpty() || target.isEmpty() || !problems.isEmpty()) {
      return refuse(problems, console);
    }

    ModelMarker marker;
    Creation creation;
    try {
      LocatedModel located = model.get();
      Path folder = located.directory().path();
      try (TransferDisplay display =
          new TransferDisplay("Writing " + target.get().root(), console)) {
        StageModel stage = new StageModel(folder, display);
        marker = describe(stage, located, line, console);
        Optional<String> problem = StageModel.problem(marker, target.get());
        if (problem.isPresent()) {
          problems.add("--to=" + to.orElseThrow() + ": " + problem.get());
          creation = Creation.EXISTS;
        } else {
          creation = stage.to(target.get(), marker);
        }
      }
    } catch (IOException e) {
      // Those of files have a path for a message, and their reason in their names.
      String why =
          e instanceof FileSystemException f && f.getReason() == null
              ? "cannot write %s (%s); may you write there, and is there room?"
                  .formatted(f.getFile(), f.getClass().getSimpleName())
              : Causes.explain(e);
      console.err().println("The model could not be staged: " + why);
      console.err().println("What was written stays; the same command goes on with it.");
      return FAILED;
    }
    if (!problems.isEmpty()) {
      return refuse(problems, console);
    }
    Duration time = Duration.ofNanos(System.nanoTime() - start);
    report(marker, target.get().root(), creation, time, line, console);
    return DONE;
  }

  private static Optional<ObjectStore> target(
      String value, BucketChecks buckets, List<String> problems) {
    if (value.startsWith("hf://")) {
      problems.add(
          "--to="
              + value
              + ": models are brought from the Hub, not to it; give a directory or"
              + " gs://bucket/folder");
      return Optional.empty();
    }
    if (Buckets.isIn(value)) {
      Optional<String> problem = buckets.target("to", value);
      problem.ifPresent(problems::add);
      return problem.isPresent()
          ? Optional.empty()
          : Optional.of(ObjectStore.open(value, buckets.options()));
    }
    Path folder = Path.of(value);
    if (Files.exists(folder) && !Files.isDirectory(folder)) {
      problems.add(
          "--to=" + value + ": a file; give a directory, which is made if it is not there");
      return Optional.empty();
    }
    return Optional.of(ObjectStore.open(folder.toAbsolutePath().normalize().toString()));
  }

  /** Another model in the place is told before this one is fetched. */
  private static void lookAt(
      Optional<ObjectStore> target, String id, String revision, List<String> problems)
      throws IOException {
    if (target.isEmpty()) {
      return;
    }
    Optional<ModelMarker> there = StagedModel.find(target.get()).map(StagedModel::marker);
    if (there.isPresent()
        && !(there.get().id().equals(id) && there.get().revision().equals(revision))) {
      problems.add(
          "--to=%s: holds %s already, and not %s at %s; choose another folder"
              .formatted(target.get().root(), there.get().title(), id, revision));
    }
  }

  private static ModelMarker describe(
      StageModel stage, LocatedModel located, CommandLine line, Console console)
      throws IOException {
    Path folder = located.directory().path();
    List<String> files =
        located.files().isEmpty()
            ? NeededFiles.of(ModelLocation.names(folder), line.usable("variant")).all()
            : located.files();
    return stage.describe(
        files,
        located.id(),
        located.revision(),
        located.license(),
        sha256(folder, files, CacheDirectory.create(CacheDirectory.of(console.environment()))));
  }

  /** Of these files alone: a folder of the Hub's cache may have more, of other variants. */
  private static String sha256(Path folder, List<String> files, Path cache) throws IOException {
    Path view = Files.createTempDirectory("shardlight-stage-");
    List<Path> made = new ArrayList<>();
    try {
      for (String file : files) {
        Path link = view.resolve(file);
        Path parent = link.resolve("..").normalize();
        if (!Files.exists(parent)) {
          made.add(Files.createDirectory(parent));
        }
        made.add(Files.createSymbolicLink(link, folder.resolve(file).toRealPath()));
      }
      return ModelDirectory.open(view).sha256(cache);
    } finally {
      Collections.reverse(made);
      for (Path one : made) {
        Files.delete(one);
      }
      Files.delete(view);
    }
  }

  private static void report(
      ModelMarker marker,
      String root,
      Creation creation,
      Duration time,
      CommandLine line,
      Console console) {
    long bytes = marker.files().stream().mapToLong(StoredObject::bytes).sum();
    String license = marker.license().map(LicenseTerms::id).orElse("");
    if (line.isSet("json")) {
      console
          .out()
          .println(
              JsonNodeFactory.instance
                  .objectNode()
                  .put("model", root)
                  .put("model_id", marker.id())
                  .put("model_revision", marker.revision())
                  .put("model_sha256", marker.modelSha256())
                  .put("license", license)
                  .put("files", marker.files().size())
                  .put("bytes", bytes)
                  .put("already_present", creation == Creation.EXISTS));
      return;
    }
    console
        .out()
        .printf(
            "%s: %d files, %s%s%n",
            marker.title(),
            marker.files().size(),
            Progress.bytes(bytes),
            creation == Creation.EXISTS
                ? ", were there already, and are what they should be"
                : ", in " + Progress.duration(time));
    console.out().println("Licence: " + (license.isEmpty() ? "none named" : license));
    console.out().println("Model: " + root);
    console
        .out()
        .println(
            "To draw with it: ./shardlight generate --input=prompts.txt --output=out --model="
                + root
                + (license.isEmpty() ? "" : " --acceptLicense=" + license));
  }
}
