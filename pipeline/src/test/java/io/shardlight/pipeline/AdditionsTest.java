package io.shardlight.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.shardlight.fixtures.Golden;
import io.shardlight.fixtures.TinyModels;
import io.shardlight.pipeline.Additions.AddedLora;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** LoRAs and another VAE on the command line: what they change, and what may be wrong with them. */
class AdditionsTest {
  private static final Path LORAS = Golden.folderOf("families/index.json");
  private static final Path KOHYA = LORAS.resolve("kohya.safetensors");
  private static final Path VAE = TinyModels.stableDiffusion2().resolve("vae");

  private final Path home;

  AdditionsTest(@TempDir Path home) throws IOException {
    this.home = home;
    Files.writeString(home.resolve("prompts.txt"), "a lighthouse at dawn\n");
  }

  private Terminal run(String command, Path model, String... words) {
    List<String> all = new ArrayList<>();
    all.add(command);
    all.add("--input=" + home.resolve("prompts.txt"));
    all.add("--output=" + home.resolve("out"));
    all.add("--model=" + model);
    all.addAll(List.of(words));
    Terminal terminal = Terminal.at(home);
    terminal.run(all.toArray(new String[0]));
    return terminal;
  }

  private void rejects(Path model, String lora, String... messages) {
    Terminal terminal = run("plan", model, "--lora=" + lora);
    assertThat(terminal.errLines()).hasSize(messages.length + 1);
    for (int i = 0; i < messages.length; i++) {
      assertThat(terminal.errLines().get(i)).contains(messages[i]);
    }
    assertThat(terminal.out()).isEmpty();
  }

  private JsonNode dataset() throws IOException {
    return new ObjectMapper().readTree(home.resolve("out/dataset.json").toFile());
  }

  @Test
  void areInFingerprintCardAndImages() throws IOException {
    Terminal plain = run("generate", TinyModels.torch(), "--steps=1", "--layout=files");
    assertThat(plain.errLines()).noneMatch(line -> line.contains("--lora"));
    JsonNode before = dataset();
    assertThat(before.at("/settings/loras").isMissingNode()).isTrue();

    Terminal with =
        run(
            "generate",
            TinyModels.torch(),
            "--steps=1",
            "--layout=files",
            "--mode=overwrite",
            "--lora=" + KOHYA + ":0.8",
            "--vae=" + VAE);

    assertThat(with.out()).as("%s", with.errLines()).contains("1 image made");
    JsonNode after = dataset();
    assertThat(after.at("/config_fingerprint")).isNotEqualTo(before.at("/config_fingerprint"));
    assertThat(after.at("/model/sha256")).isEqualTo(before.at("/model/sha256"));
    assertThat(after.at("/settings/loras/0/scale").decimalValue()).isEqualByComparingTo("0.8");
    assertThat(after.at("/settings/loras/0/sha256").asText()).matches("[0-9a-f]{64}");
    assertThat(after.at("/settings/lora_names/0").asText()).isEqualTo("kohya.safetensors");
    assertThat(after.at("/settings/vae_name").asText()).isEqualTo("vae");
    assertThat(after.at("/settings/vae_sha256").asText()).matches("[0-9a-f]{64}");
    assertThat(Files.readString(home.resolve("out/README.md")))
        .contains("\n| LoRA | kohya.safetensors, scale 0.8, SHA-256 `")
        .contains("\n| VAE instead of the model's | vae, SHA-256 `");
    assertThat(Files.readString(home.resolve("out/gallery/index.html")))
        .contains("LoRA: \\\"kohya.safetensors:0.8\\\", VAE: vae");
    assertThat(Terminal.at(home).run("verify", home.resolve("out").toString())).isZero();
  }

  @Test
  void scaleIsOneUnlessGiven() {
    List<String> problems = new ArrayList<>();
    CommandLine line =
        CommandLine.parse(
            List.of("--lora=" + KOHYA + "," + LORAS.resolve("peft.safetensors") + ":-.5"),
            GenerateCommand.CATALOG,
            Set.of());

    assertThat(Additions.read(line, problems).orElseThrow().loras())
        .containsExactly(
            new AddedLora(KOHYA.toString(), 1),
            new AddedLora(LORAS.resolve("peft.safetensors").toString(), -0.5f));
    assertThat(problems).isEmpty();
  }

  @Test
  void mustBeOnEveryMachine() {
    Additions gone = new Additions(List.of(new AddedLora(home + "/gone.safetensors", 1)), "");
    Additions noVae = new Additions(List.of(), home + "/gone");

    assertThatThrownBy(gone::open)
        .isInstanceOf(FileNotFoundException.class)
        .hasMessageStartingWith(
            "--lora " + home + "/gone.safetensors must be on every machine of the job");
    assertThatThrownBy(noVae::open)
        .isInstanceOf(FileNotFoundException.class)
        .hasMessageStartingWith("--vae " + home + "/gone must be on every machine of the job");
  }

  @Test
  void mustBeTheSameOnEveryMachine() throws IOException {
    Path lora = Files.copy(KOHYA, home.resolve("style.safetensors"));
    Path vae = Files.createDirectory(home.resolve("vae"));
    for (String name : List.of("config.json", "diffusion_pytorch_model.safetensors")) {
      Files.copy(VAE.resolve(name), vae.resolve(name));
    }
    Additions given = new Additions(List.of(new AddedLora(lora.toString(), 0.5f)), vae.toString());
    Path cache = Files.createDirectory(home.resolve("hashes"));
    Additions pinned = given.pinned(Additions.identity(given.open(), cache));
    assertThat(pinned.openSame(cache).loras().get(0).scale()).isEqualTo(0.5f);

    // Another machine has another LoRA under that name, or another VAE.
    Path other = Files.createDirectory(home.resolve("others"));
    Files.copy(LORAS.resolve("peft.safetensors"), lora, StandardCopyOption.REPLACE_EXISTING);
    assertThatThrownBy(() -> pinned.openSame(other))
        .isInstanceOf(IOException.class)
        .hasMessageStartingWith(
            "--lora "
                + lora
                + " must be what the job was checked with, SHA-256 "
                + pinned.loras().get(0).sha256()
                + ", but on ")
        .hasMessageEndingWith("put the same on every machine, and run the command again");
    Files.copy(KOHYA, lora, StandardCopyOption.REPLACE_EXISTING);
    Path config = vae.resolve("config.json");
    Files.writeString(config, Files.readString(config) + "\n");
    assertThatThrownBy(() -> pinned.openSame(other))
        .hasMessageStartingWith(
            "--vae " + vae + " must be what the job was checked with, SHA-256 ");
    // Nobody has said what it must be.
    given.openSame(other);
  }

  @Test
  void workersOfACommandCompare() throws IOException {
    Path lora = Files.copy(KOHYA, home.resolve("style.safetensors"));
    CommandLine line =
        CommandLine.parse(
            List.of(
                "--input=" + home.resolve("prompts.txt"),
                "--output=" + home.resolve("out"),
                "--model=" + TinyModels.torch(),
                "--lora=" + lora),
            GenerateCommand.CATALOG,
            Set.of());
    CheckedJob job =
        CheckedJob.check(line, Set.of(), Terminal.at(home).console(), new ArrayList<>())
            .orElseThrow();
    Files.copy(LORAS.resolve("peft.safetensors"), lora, StandardCopyOption.REPLACE_EXISTING);

    assertThatThrownBy(() -> job.model().loader().create())
        .hasMessageStartingWith("--lora " + lora + " must be what the job was checked with");
  }

  @Test
  void whatIsNoFileIsTold() throws IOException {
    Files.createFile(home.resolve("style.safetensors"));
    Files.createFile(home.resolve("style.pt"));
    Path torch = TinyModels.torch();

    rejects(
        torch,
        home + "/stile.safetensors:0.5",
        "--lora="
            + home
            + "/stile.safetensors:0.5: no such file; did you mean "
            + home
            + "/style.safetensors?");
    rejects(torch, home.toString(), "a directory; give the file in it, for example " + home);
    rejects(torch, home + "/style.pt", "must be a .safetensors file; .pt and .bin are never read");
    rejects(torch, "hf://owner/style:1", "local files can be read; copy it here");
    rejects(
        torch,
        home + "/style.safetensors:strong",
        "the scale must be a number, but is \"strong\"; give " + home + "/style.safetensors:1");
    rejects(torch, KOHYA + ":1,," + KOHYA, "nothing between two commas", "given twice");
    rejects(torch, KOHYA + ":1e9", "the scale must be a number, but is \"1e9\"");
    rejects(torch, KOHYA + ":" + "9".repeat(60), "the scale is too large");
    rejects(
        torch,
        home + "/style.safetensors",
        "--lora: " + home + "/style.safetensors, byte 0: 8 bytes of header length wanted");
  }

  @Test
  void whatDoesNotFitTheModelIsTold() {
    rejects(TinyModels.stableDiffusion2(), KOHYA.toString(), "--lora: " + KOHYA + ": ");
    rejects(
        TinyModels.stableDiffusion2(),
        KOHYA.toString(),
        "of its 131 layers match no weight of the model: lora_unet_");
    rejects(
        TinyModels.torch(),
        LORAS.resolve("old_diffusers.safetensors").toString(),
        "4 of its 44 layers match no weight of the model:"
            + " text_encoder.text_model.encoder.layers.2");
  }

  @Test
  void whatIsNoVaeIsTold() throws IOException {
    Path torch = TinyModels.torch();
    assertThat(run("plan", torch, "--vae=" + TinyModels.torch()).errLines().get(0))
        .isEqualTo(
            "--vae=" + torch + ": a whole model; give its VAE: --vae=" + torch.resolve("vae"));
    assertThat(run("plan", torch, "--vae=" + torch.resolve("unet")).errLines().get(0))
        .startsWith("--vae=" + torch.resolve("unet") + ": vae/config.json: ");
    assertThat(run("plan", torch, "--vae=" + home.resolve("none")).errLines().get(0))
        .isEqualTo(
            "--vae="
                + home.resolve("none")
                + ": no such directory; give one with config.json and"
                + " diffusion_pytorch_model.safetensors");
    assertThat(run("plan", torch, "--vae=gs://bucket/vae").errLines().get(0))
        .isEqualTo("--vae=gs://bucket/vae: local directories can be read; copy it here");
    Path empty = Files.createDirectory(home.resolve("empty"));
    assertThat(run("plan", torch, "--vae=" + empty).errLines().get(0))
        .contains("config.json is missing");
    // Weights of one VAE with the configuration of another.
    Files.copy(VAE.resolve("config.json"), empty.resolve("config.json"));
    String weights = "diffusion_pytorch_model.safetensors";
    Files.copy(torch.resolve("vae").resolve(weights), empty.resolve(weights));
    assertThat(run("plan", torch, "--vae=" + empty).errLines().get(0))
        .startsWith("--vae=" + empty + ": ")
        .contains("its tensors are not those of vae");
  }
}
