package io.shardlight.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.shardlight.data.ObjectStore;
import io.shardlight.data.RunIdentity;
import io.shardlight.data.RunLease;
import io.shardlight.data.RunProcess;
import io.shardlight.fixtures.TinyModels;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GenerateCommandTest {
  private final Path home;
  private final Path prompts;

  GenerateCommandTest(@TempDir Path home) throws IOException {
    this.home = home;
    this.prompts = home.resolve("prompts.txt");
    Files.writeString(prompts, "a lighthouse at dawn\na red fox in the snow\n");
  }

  private Path out() {
    return home.resolve("out");
  }

  private Terminal generate(int status, String... words) {
    List<String> all = new ArrayList<>();
    all.add("generate");
    all.add("--input=" + prompts);
    all.add("--output=" + out());
    all.addAll(List.of(words));
    Terminal terminal = Terminal.at(home);
    assertThat(terminal.run(all.toArray(new String[0])))
        .as("%s", terminal.errLines())
        .isEqualTo(status);
    return terminal;
  }

  private Path copyOfTinyModel() throws IOException {
    Path copy = home.resolve("model");
    try (Stream<Path> all = Files.walk(TinyModels.torch())) {
      for (Path file : (Iterable<Path>) all::iterator) {
        Path target = copy.resolve(TinyModels.torch().relativize(file).toString());
        if (Files.isDirectory(file)) {
          Files.createDirectories(target);
        } else {
          Files.copy(file, target);
        }
      }
    }
    return copy;
  }

  @Test
  void drawsEveryPromptWithTheDemoModel() throws IOException {
    Terminal terminal = generate(0, "--steps=2");

    // Two prompts are one shard.
    assertThat(filesOf(out().resolve("images"))).containsExactly("00000.tar");
    assertThat(out().resolve("gallery/index.html")).exists();
    assertThat(out().resolve("_SUCCESS")).exists();
    assertThat(terminal.outLines())
        .anyMatch(line -> line.matches("2 images made in .*, .* images/s while drawing"))
        .last()
        .isEqualTo("Dataset: " + out());
    assertThat(terminal.errLines()).noneMatch(line -> line.startsWith("warning"));

    // The same command again has nothing left to do, and says so.
    JsonNode again = new ObjectMapper().readTree(generate(0, "--steps=2", "--json").out());
    assertThat(again.get("succeeded").asBoolean()).isTrue();
    assertThat(again.get("counts").get("already_present").asInt()).isEqualTo(2);
    assertThat(again.get("counts").get("generated").asInt()).isZero();
    assertThat(again.get("output").asText()).isEqualTo(out().toString());
  }

  @Test
  void refusesOutputOfOtherSettings() throws IOException {
    generate(0, "--steps=1");
    List<String> before = filesOf(out());

    Terminal terminal = generate(2, "--steps=2", "--seed=7");

    assertThat(terminal.out()).isEmpty();
    assertThat(terminal.errLines()).hasSize(2);
    assertThat(terminal.errLines().get(0))
        .startsWith("--output=" + out() + ": output " + out() + " holds another dataset")
        .contains("seed is 0 there and 7 now")
        .contains("steps is 1 there and 2 now");
    assertThat(filesOf(out())).isEqualTo(before);
  }

  @Test
  void modesSayWhatToDoWithADatasetThatIsThere() throws IOException {
    assertThat(generate(2, "--steps=1", "--mode=retry-failed").errLines().get(0))
        .contains("must hold a dataset whose failed images are to be tried again")
        .endsWith("leave out mode=retry-failed to make one");
    generate(0, "--steps=1");
    Files.writeString(prompts, "another\n", StandardOpenOption.APPEND);

    JsonNode plan = new ObjectMapper().readTree(plan("--steps=1", "--mode=extend", "--json").out());
    assertThat(plan.at("/left_alone").asInt()).isEqualTo(2);
    assertThat(plan.at("/shapes/0/images").asInt()).isEqualTo(1);
    JsonNode extended =
        new ObjectMapper().readTree(generate(0, "--steps=1", "--mode=extend", "--json").out());
    assertThat(extended.at("/counts/generated").asInt()).isEqualTo(1);
    assertThat(extended.at("/counts/already_present").asInt()).isEqualTo(2);
    assertThat(filesOf(out().resolve("images"))).containsExactly("00000.tar", "00001.tar");
    assertThat(generate(2, "--steps=1").errLines().get(0))
        .endsWith("add mode=extend to go on with it");

    generate(0, "--steps=2", "--mode=overwrite");
    assertThat(filesOf(out().resolve("images"))).containsExactly("00000.tar");
  }

  private Terminal plan(String... words) {
    List<String> all = new ArrayList<>(List.of("plan", "--input=" + prompts, "--output=" + out()));
    all.addAll(List.of(words));
    Terminal terminal = Terminal.at(home);
    assertThat(terminal.run(all.toArray(new String[0]))).as("%s", terminal.errLines()).isZero();
    return terminal;
  }

  @Test
  void refusesOutputThatAnotherRunIsWriting() throws IOException {
    RunLease other =
        new RunLease(
            ObjectStore.open(out().toString()), new RunIdentity("other", RunProcess.current()));
    generate(0, "--steps=1");
    other.take();
    List<String> before = filesOf(out());

    Terminal terminal = generate(2, "--steps=1");

    assertThat(terminal.errLines()).hasSize(2);
    assertThat(terminal.errLines().get(0))
        .startsWith(
            "--output=" + out() + ": output " + out() + " is being written by run other (process ");
    assertThat(filesOf(out())).isEqualTo(before);
    other.release();
    generate(0, "--steps=1");
  }

  @Test
  void drawsTemplatesAndRefusesToGoOnWithOtherWildcards() throws IOException {
    Files.writeString(prompts, "a {red|blue} __animal__\n");
    Path wildcards = Files.createDirectory(home.resolve("wildcards"));
    Path animals = Files.writeString(wildcards.resolve("animal.txt"), "fox\nhen\n");
    String[] words = {
      "--steps=1",
      "--imagesPerPrompt=2",
      "--layout=files",
      "--expandTemplates=true",
      "--wildcards=" + wildcards
    };

    generate(0, words);

    assertThat(Files.readAllLines(out().resolve("metadata.jsonl")))
        .hasSize(2)
        .allMatch(line -> line.matches(".*\"text\":\"a (red|blue) (fox|hen)\".*"));
    Files.writeString(animals, "fox\nhen\nowl\n");
    assertThat(generate(2, words).errLines().get(0)).contains("wildcards_sha256 is");
  }

  @Test
  void defaultsOfTheModelThatCannotBeUsedAreProblems() throws IOException {
    Path model = copyOfTinyModel();
    Files.writeString(
        model.resolve("generation_config.json"),
        "{\"num_inference_steps\": 2000, \"guidance_scale\": 31.5}");

    assertThat(generate(2, "--model=" + model).errLines())
        .startsWith(
            "--steps: the model's own default cannot be used, steps must be in [1, 1000], but was"
                + " 2000; give --steps=VALUE",
            "--guidanceScale: the model's own default cannot be used, guidance scale must be in"
                + " [0, 30], but was 31.5; give --guidanceScale=VALUE");
    generate(0, "--model=" + model, "--steps=1", "--guidanceScale=2");
  }

  @Test
  void writesFilesOfTheFormatsAskedFor() throws IOException {
    generate(
        0,
        "--steps=1",
        "--layout=files",
        "--imageFormat=JPEG",
        "--imageQuality=80",
        "--manifestFormat=jsonl,parquet");

    assertThat(filesOf(out().resolve("images"))).hasSize(2).allMatch(name -> name.endsWith(".jpg"));
    assertThat(filesOf(out().resolve("manifest"))).containsExactly("00000.jsonl", "00000.parquet");
    assertThat(generate(2, "--steps=1").errLines().get(0))
        .contains("layout is \"files\" there and \"webdataset\" now")
        .contains("image_format is \"jpeg\" there and \"png\" now")
        .contains("image_quality is 80 there and null now")
        .contains("manifest_formats is [\"parquet\",\"jsonl\"] there and [\"avro\"] now");
  }

  @Test
  void qualityWithoutAFormatThatHasOneIsAProblem() {
    for (String[] words : new String[][] {{}, {"--imageFormat=png"}}) {
      List<String> all = new ArrayList<>(List.of(words));
      all.add("--imageQuality=90");
      assertThat(generate(2, all.toArray(new String[0])).errLines().get(0))
          .isEqualTo(
              "--imageQuality=90: png keeps every pixel; leave it out, or add"
                  + " --imageFormat=jpeg or webp");
    }
  }

  @Test
  void wildcardsWithoutTemplatesAreAProblem() {
    assertThat(generate(2, "--wildcards=" + home).errLines().get(0))
        .isEqualTo("--wildcards=" + home + ": read with --expandTemplates=true only; add that");
    assertThat(
            generate(2, "--wildcards=" + home + "/no", "--expandTemplates=true").errLines().get(0))
        .endsWith("no such directory; give the one with the wildcard files");
  }

  @Test
  void optionsOfFlinkWithoutFlinkAreProblems() {
    assertThat(generate(2, "--flinkMaster=host:8081", "--parallelism=2").errLines())
        .startsWith(
            "--flinkMaster=host:8081: used with --runner=FlinkRunner only; add that, or leave it"
                + " out",
            "--parallelism=2: used with --runner=FlinkRunner only; add that, or leave it out");
    // The launcher puts Flink on the class path, which these tests do without.
    assertThat(generate(2, "--runner=FlinkRunner", "--flinkMaster=host:8081").errLines())
        .startsWith(
            "--runner=FlinkRunner: not on the class path of this process; start it by ./shardlight,"
                + " which puts it there");
  }

  @Test
  void refusesOutputThatHoldsSomethingElse() throws IOException {
    Files.createDirectories(out());
    Files.writeString(out().resolve("holiday.jpg"), "a beach");

    assertThat(generate(2).errLines())
        .containsExactly(
            "--output="
                + out()
                + ": must be new, empty or hold a dataset, but has holiday.jpg and no"
                + " _shards/plan.json; choose another directory",
            "Nothing was started. ./shardlight generate --help explains.");
    assertThat(filesOf(out())).containsExactly("holiday.jpg");
  }

  @Test
  void refusesOutputWhosePlanIsDamaged() throws IOException {
    Files.createDirectories(out().resolve("_shards"));
    Files.writeString(out().resolve("_shards/plan.json"), "{");

    assertThat(generate(2).errLines()).hasSize(2).first().asString().startsWith("--output=");
  }

  @Test
  void unusableEngineIsOneProblem() {
    assertThat(generate(2, "--engine=PJRT").errLines())
        .hasSize(2)
        .first()
        .asString()
        .startsWith("--engine=PJRT: ");
  }

  private static List<String> filesOf(Path folder) throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      return files
          .filter(Files::isRegularFile)
          .map(file -> folder.relativize(file).toString())
          .sorted()
          .toList();
    }
  }

  @Test
  void failsWithoutOneUsablePrompt() throws IOException {
    Files.writeString(prompts, "# nothing\n");

    Terminal terminal = generate(1);

    assertThat(terminal.errLines().get(0))
        .startsWith("The job failed: ")
        .contains("at least one usable prompt");
    assertThat(terminal.errLines().stream().anyMatch(l -> l.startsWith("What was finished stays")))
        .isEqualTo(Files.exists(out()));
  }

  @Test
  void refusesDevicesThatAreNotThere() {
    for (String kind : List.of("gpu", "tpu")) {
      assertThat(generate(2, "--deviceKind=" + kind).errLines())
          .containsExactly(
              "--deviceKind="
                  + kind
                  + ": engine OnnxRuntime finds no "
                  + kind
                  + " here, only cpu; run where there is one, or leave the option out",
              "Nothing was started. ./shardlight generate --help explains.");
    }
    assertThat(out()).doesNotExist();
  }

  @Test
  void namesEveryFileAModelLacks() throws IOException {
    Path model = copyOfTinyModel();
    Files.delete(model.resolve("tokenizer/merges.txt"));
    Files.delete(model.resolve("unet/config.json"));

    assertThat(generate(2, "--model=" + model).errLines())
        .hasSize(3)
        .anyMatch(line -> line.startsWith("--model=" + model + ": tokenizer/merges.txt is missing"))
        .anyMatch(line -> line.startsWith("--model=" + model + ": unet/config.json is missing"));
  }

  @Test
  void explainsTruncatedWeightsInOneLine() throws IOException {
    Path model = copyOfTinyModel();
    Path weights = model.resolve("vae/diffusion_pytorch_model.safetensors");
    byte[] whole = Files.readAllBytes(weights);
    Files.write(weights, Arrays.copyOf(whole, whole.length / 2));

    assertThat(generate(2, "--model=" + model).errLines())
        .hasSize(2)
        .first()
        .asString()
        .startsWith("--model=" + model + ": ")
        .contains("diffusion_pytorch_model.safetensors");
  }

  @Test
  void refusesModelsItCannotFind() {
    assertThat(generate(2, "--model=" + home + "/none").errLines())
        .contains(
            "--model="
                + home
                + "/none: no such directory; give demo, a directory that holds model_index.json,"
                + " hf://owner/name or gs://bucket/folder");
  }

  @Test
  void asksForTheLicenceThatTheModelNames() throws IOException {
    Path model = copyOfTinyModel();
    Files.writeString(
        model.resolve("README.md"), "---\nlicense: creativeml-openrail-m\n---\n# Tiny\n");

    assertThat(generate(2, "--model=" + model).errLines())
        .contains(
            "--acceptLicense: the licence of "
                + model
                + " is creativeml-openrail-m (CreativeML Open RAIL-M: you may use, change, share"
                + " and sell the model and what you make with it, but not to break the law, harm or"
                + " exploit minors or others, defame, harass or discriminate, spread false"
                + " information or personal data to harm somebody, give medical advice, or decide"
                + " on people's rights, and whoever gets the model from you must be bound by the"
                + " same); read it at"
                + " https://huggingface.co/spaces/CompVis/stable-diffusion-license and accept it by"
                + " --acceptLicense=creativeml-openrail-m");
    generate(0, "--model=" + model, "--acceptLicense=creativeml-openrail-m", "--steps=1");
    assertThat(model.resolve(".shardlight")).isDirectory();
  }

  @Test
  void refusesStepsThatTheScheduleLacks() throws IOException {
    Path model = copyOfTinyModel();
    Path config = model.resolve("scheduler/scheduler_config.json");
    Files.writeString(
        config, Files.readString(config).replace("PNDMScheduler", "UniPCMultistepScheduler"));

    assertThat(generate(2, "--model=" + model).errLines().get(0))
        .startsWith("--scheduler: the model's scheduler is \"UniPCMultistepScheduler\"");
    generate(0, "--model=" + model, "--scheduler=ddim", "--steps=1");
  }

  @Test
  void theModelsOwnSchedulerIsTheDefault() throws IOException {
    Path model =
        TinyModels.torchWithScheduler(
            home.resolve("model"),
            Map.of(
                "_class_name", "EulerAncestralDiscreteScheduler",
                "prediction_type", "v_prediction",
                "timestep_spacing", "trailing"));

    generate(0, "--model=" + model, "--steps=2", "--layout=files", "--manifestFormat=jsonl");

    assertThat(out().resolve("manifest/00000.jsonl"))
        .content()
        .contains("\"scheduler\":\"euler_a\"")
        .doesNotContain("pndm");
  }

  @Test
  void whatASchedulerWouldIgnoreIsRefusedByItsKey() throws IOException {
    Path model =
        TinyModels.torchWithScheduler(
            home.resolve("model"), Map.of("algorithm_type", "sde-dpmsolver++"));

    assertThat(generate(2, "--model=" + model, "--scheduler=dpmpp_2m").errLines().get(0))
        .isEqualTo(
            "--scheduler: scheduler_config.json has algorithm_type \"sde-dpmsolver++\", but"
                + " dpmpp_2m is built for \"dpmsolver++\" only; choose one of pndm, ddim, lms,"
                + " euler, euler_a with --scheduler, to which it does not matter");
  }

  @Test
  void unwritableCacheNamesTheSettingThatMovesIt() throws IOException {
    // The cache directory would be below a file, which stops root too.
    Files.writeString(home.resolve("cache"), "");

    assertThat(generate(2).errLines().get(0))
        .startsWith("--model=demo: cannot write the cache directory " + home.resolve("cache"))
        .contains("set XDG_CACHE_HOME to a directory that can be written");
  }

  @Test
  void readOnlyModelKeepsItsWeightsInTheCache() {
    // Nobody can write there, root neither.
    Path model = Path.of("/proc/self");
    Map<String, String> environment = Map.of(CacheDirectory.VARIABLE, home.toString());

    assertThat(CacheDirectory.forModel(model, environment).getParent())
        .isEqualTo(home.resolve("shardlight"));
    assertThat(CacheDirectory.forModel(home, environment)).isEqualTo(home.resolve(".shardlight"));
  }
}
