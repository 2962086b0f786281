package io.shardlight.containers;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * {@code templates/build}, with programs in the place of Docker, gcloud and Maven that write down
 * what they are called with; the spec is made by the real program of the real folder.
 */
class BuildScriptTest {
  private static final String REPOSITORY = "us-central1-docker.pkg.dev/my-project/shardlight";
  private static final String SPECS = "gs://my-project-shardlight-artifacts/templates";
  private static final String IMAGE = REPOSITORY + "/shardlight-gpu:1.2";
  private static final String SPEC = SPECS + "/shardlight-gpu-1.2.json";

  /** Notes its call, keeps what it would copy, and fails where a test wants it to. */
  private static final String STAND_IN =
      """
      #!/bin/sh
      name=$(basename "$0")
      call="$name $*"
      case $call in
        "docker manifest inspect"* | "gcloud storage objects describe"*)
          grep -qxF "$call" "$STAND_INS/there" 2>/dev/null; exit ;;
      esac
      case $call in
        "docker image inspect"*)
          [ -n "$UNKNOWN" ] || echo "REPOSITORY/shardlight-gpu@sha256:DIGEST"
          exit ;;
      esac
      echo "$call" >>"$STAND_INS/calls"
      case $call in
        "gcloud storage cp"*) cp "$4" "$STAND_INS/spec.json" ;;
      esac
      [ -z "$FAILS" ] || case $call in "$FAILS"*) echo "$name: refused" >&2; exit 9 ;; esac
      """;

  private static final String DIGEST = "0123456789abcdef".repeat(4);

  @TempDir private Path folder;
  private Path script;
  private String noDigest = "";

  @BeforeEach
  void layOut() throws IOException {
    // The tree, as far as the script looks at it.
    Path templates = Files.createDirectories(folder.resolve("tree/templates"));
    script = templates.resolve("build");
    Files.copy(Path.of("../../templates/build"), script);
    Files.createDirectories(templates.resolve("target"));
    Files.createSymbolicLink(
        templates.resolve("target/image"), ImageFiles.context().toAbsolutePath());
    for (String program : List.of("tree/mvnw", "bin/docker", "bin/gcloud")) {
      Path file = folder.resolve(program);
      Files.createDirectories(file.getParent());
      Files.writeString(
          file, STAND_IN.replace("REPOSITORY", REPOSITORY).replace("DIGEST\"", DIGEST + "\""));
      Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
    }
  }

  @AfterEach
  void unlink() throws IOException {
    Files.delete(folder.resolve("tree/templates/target/image"));
  }

  private ScriptRun build(String fails, String... words) throws Exception {
    List<String> command = new ArrayList<>(List.of("sh", script.toString()));
    command.addAll(List.of(words));
    return ScriptRun.of(
        folder,
        Map.of(
            "PATH",
            folder.resolve("bin") + ":" + System.getProperty("java.home") + "/bin:/usr/bin:/bin",
            "STAND_INS",
            folder.toString(),
            "UNKNOWN",
            noDigest,
            "FAILS",
            fails),
        command);
  }

  private ScriptRun publish(String fails, String... more) throws Exception {
    List<String> words =
        new ArrayList<>(
            List.of(
                "--kind=gpu", "--repository=" + REPOSITORY, "--tag=1.2", "--specs=" + SPECS + "/"));
    words.addAll(List.of(more));
    return build(fails, words.toArray(new String[0]));
  }

  private List<String> calls() throws IOException {
    Path file = folder.resolve("calls");
    return Files.exists(file) ? Files.readAllLines(file) : List.of();
  }

  private void there(String call) throws IOException {
    Files.writeString(folder.resolve("there"), call + "\n");
  }

  @Test
  void buildsPushesAndPublishesUnderTheNamesThatSchedulesLaunch() throws Exception {
    ScriptRun run = publish("");

    assertThat(run.status()).as(run.output()).isZero();
    assertThat(calls()).hasSize(4);
    assertThat(calls().get(0))
        .isEqualTo("mvnw -B -ntp -q -pl templates -am -Dmaven.test.skip=true package");
    assertThat(calls().get(1))
        .isEqualTo(
            "docker build --platform=linux/amd64 -f templates/target/image/gpu.Dockerfile -t "
                + IMAGE
                + " templates/target/image");
    assertThat(calls().get(2)).isEqualTo("docker push " + IMAGE);
    assertThat(calls().get(3)).matches("gcloud storage cp --if-generation-match=0 \\S+ " + SPEC);
    JsonNode spec = new ObjectMapper().readTree(folder.resolve("spec.json").toFile());
    String pinned = REPOSITORY + "/shardlight-gpu@sha256:" + DIGEST;
    assertThat(spec.path("image").asText()).isEqualTo(pinned);
    assertThat(spec.at("/metadata/parameters").size()).isGreaterThan(30);
    assertThat(run.output()).endsWith("Spec: " + SPEC + "\nImage: " + IMAGE + ", " + pinned + "\n");

    // What terraform launches.
    String schedule = Files.readString(Path.of("../../terraform/schedule/main.tf"));
    assertThat(schedule)
        .contains("${var.image_repository}/shardlight-${local.worker.image}:${var.release}")
        .contains("${var.template_folder}/shardlight-${local.worker.image}-${var.release}.json");
  }

  @ParameterizedTest
  @CsvSource({"cpu, ''", "gpu, '--gpus all '", "tpu, '--privileged '"})
  void validatesBeforeItPushes(String kind, String devices) throws Exception {
    ScriptRun run =
        build(
            "docker run",
            "--kind=" + kind,
            "--repository=" + REPOSITORY,
            "--tag=1.2",
            "--validate");

    assertThat(run.status()).isEqualTo(9);
    assertThat(calls())
        .last()
        .isEqualTo(
            "docker run --rm "
                + devices
                + "--entrypoint /template/validate "
                + IMAGE.replace("gpu", kind));
  }

  @ParameterizedTest
  @ValueSource(strings = {"mvnw", "docker build", "docker push"})
  void whatFailsPublishesNothing(String call) throws Exception {
    ScriptRun run = publish(call);

    assertThat(run.status()).isEqualTo(9);
    assertThat(run.output()).contains("refused").doesNotContain("Image: ", "Spec: ");
    assertThat(calls()).last().asString().startsWith(call);
    assertThat(calls()).noneMatch(c -> c.startsWith("gcloud"));
  }

  /** The image cannot be pushed again, and need not be. */
  @Test
  void aSpecThatCouldNotBePublishedIsKeptWithTheCommandThatPublishesIt() throws Exception {
    ScriptRun run = publish("gcloud storage cp");

    assertThat(run.status()).isOne();
    String kept = "templates/target/shardlight-gpu-1.2.json";
    assertThat(run.output())
        .endsWith("  gcloud storage cp --if-generation-match=0 " + kept + " " + SPEC + "\n");
    assertThat(folder.resolve("tree").resolve(kept)).content().contains("@sha256:" + DIGEST);
  }

  @Test
  void anImageWithoutADigestHasNoSpec() throws Exception {
    noDigest = "yes";

    ScriptRun run = publish("");

    assertThat(run.status()).isOne();
    assertThat(run.output()).contains("docker names no digest of " + IMAGE);
    assertThat(calls()).last().isEqualTo("docker push " + IMAGE);
  }

  @Test
  void aReleaseThatIsThereIsNotReplaced() throws Exception {
    there("docker manifest inspect " + IMAGE);
    assertThat(publish("").output())
        .startsWith(
            "templates/build: " + IMAGE + ": is there already, and jobs may be running on it; ");

    there("gcloud storage objects describe " + SPEC);
    ScriptRun run = publish("");
    assertThat(run.output())
        .startsWith("templates/build: " + SPEC + ": is there already, and schedules may name it; ");
    assertThat(run.status()).isEqualTo(2);
    assertThat(calls()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "--kind=npu --repository=h/p --tag=1 | --kind=npu: must be cpu, gpu or tpu",
        "--repository=h/p --tag=1 | --kind: missing; give cpu, gpu or tpu",
        "--kind=cpu --tag=1 | --repository: missing; give REGION-docker.pkg.dev/PROJECT/REPOSITORY",
        "--kind=cpu --repository=Us --tag=1 | --repository=Us: must be like",
        "--kind=cpu --repository=h/p | --tag: missing; give the name of this release",
        "--kind=cpu --repository=h/p --tag=latest | --tag=latest: is another image tomorrow",
        "--kind=cpu --repository=h/p --tag=a/b | --tag=a/b: must be letters, digits",
        "--kind=cpu --repository=h/p --tag=1 --specs=/tmp | --specs=/tmp: must be a folder in a"
            + " bucket",
        "--kind=cpu --repository=h/p --tag=1 cpu | cpu: no such option",
      })
  void refusesWhatItDoesNotUnderstand(String words, String line) throws Exception {
    ScriptRun run = build("", words.split(" ", -1));

    assertThat(run.status()).isEqualTo(2);
    assertThat(run.output())
        .startsWith("templates/build: " + line)
        .endsWith("Nothing was built. templates/build --help explains.\n");
    assertThat(calls()).isEmpty();
  }

  @Test
  void helpNamesEveryOption() throws Exception {
    ScriptRun run = build("", "--help");

    assertThat(run.status()).isZero();
    assertThat(run.output())
        .contains("--kind=", "--repository=", "--tag=", "--specs=", "--validate");
    assertThat(run.output().lines()).allMatch(line -> line.length() <= 100);
  }
}
