package io.shardlight.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Each value that is wrong by itself gives one line: option, value, what would be right. */
class OptionChecksTest {
  private final List<String> complete;

  OptionChecksTest(@TempDir Path folder) throws IOException {
    Path prompts = Files.writeString(folder.resolve("prompts.txt"), "a lighthouse at dawn\n");
    this.complete = List.of("--input=" + prompts, "--output=" + folder.resolve("out"));
  }

  private static List<String> problems(List<String> words) {
    return CommandLine.parse(words, GenerateCommand.CATALOG, Set.of("tempLocation")).problems();
  }

  private List<String> problemsWith(String... words) {
    List<String> all = new ArrayList<>(complete);
    all.addAll(List.of(words));
    return problems(all);
  }

  @Test
  void acceptsInputAndOutputAlone() {
    assertThat(problems(complete)).isEmpty();
  }

  @Test
  void requiresInputAndOutput() {
    assertThat(problems(List.of()))
        .containsExactly(
            "--input: missing; give a value, for example --input=prompts.txt",
            "--output: missing; give a value, for example --output=out");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "--steps=0|too small; give a whole number from 1 to 1000",
        "--steps=1001|too large; give a whole number from 1 to 1000",
        "--steps=ten|not a number; give a whole number from 1 to 1000",
        "--steps=2.5|not a whole number; give a whole number from 1 to 1000",
        "--steps=5e1|not written as a whole number; give a whole number from 1 to 1000",
        "--steps=|not a number; give a whole number from 1 to 1000",
        "--guidanceScale=-1|too small; give a number from 0 to 30",
        "--guidanceScale=NaN|not a number; give a number from 0 to 30",
        "--width=500|not a multiple of 8; give a whole number from 8 to 2048, a multiple of 8,"
            + " for example --width=512",
        "--height=0|too small; give a whole number from 8 to 2048, a multiple of 8, for example"
            + " --height=512",
        "--seed=4294967296|too large; give a whole number from 0 to 4294967295",
        "--imagesPerPrompt=0|too small; give a whole number from 1 to 1000000",
        "--batchPerDevice=257|too large; give a whole number from 1 to 256",
        "--shardSize=0|too small; give a whole number from 1 to 100000",
        "--maxFailureRatio=1.5|too large; give a number from 0 to 1",
        "--devices=0|not understood; give auto for all there are, or a count from 1 to 9999, for"
            + " example --devices=8",
        "--devices=all|not understood; give auto for all there are, or a count from 1 to 9999, for"
            + " example --devices=8",
        "--deviceKind=gpus|unknown value; did you mean gpu? use one of any, cpu, gpu, tpu",
        "--engine=TensorFlow|unknown value; use one of auto, OnnxRuntime, PJRT",
        "--scheduler=pdnm|unknown value; did you mean pndm? use one of pndm, ddim, lms, euler,"
            + " euler_a, dpmpp_2m, dpmpp_2m_karras",
        "--dtype=float8|unknown value; did you mean float32? use one of float32, bfloat16, float16",
        "--imageFormat=gif|unknown value; use one of png, jpeg, webp",
        "--imageQuality=0|too small; give a whole number from 1 to 100",
        "--layout=file|unknown value; did you mean files? use one of webdataset, files",
        "--manifestFormat=avro;csv|not understood; give avro, parquet, jsonl, or several of them"
            + " separated by commas, for example --manifestFormat=avro,parquet",
        "--seedPolicy=jax|unknown value; did you mean jaxSplit? use one of perImage, jaxSplit",
        "--numerics=jax|unknown value; use one of torch, flax",
        "--saveAdditionalColumns=yes|neither true nor false; use --saveAdditionalColumns=true or"
            + " --saveAdditionalColumns=false",
        "--mode=append|unknown value; use one of incremental, extend, retry-failed, overwrite",
        "--mode=retry|unknown value; did you mean retry-failed? use one of incremental, extend,"
            + " retry-failed, overwrite",
        "--runner=SparkRunner|not available in this version; use one of DirectRunner,"
            + " FlinkRunner, DataflowRunner",
        "--flinkMaster=http://host:8081|not understood; give HOST:PORT, for example"
            + " --flinkMaster=flink-jobmanager:8081",
        "--parallelism=0|too small; give a whole number from 1 to 32768",
        "--stepz=5|no such option; did you mean --steps?",
        "--negative_prompt=x|no such option; did you mean --negativePrompt?",
        "--guidance=7|no such option; did you mean --guidanceScale?",
        "--tmpLocation=x|no such option; did you mean --tempLocation?",
        "--zzzzzz=5|no such option; --help lists all",
      })
  void explainsWrongValue(String word, String explanation) {
    assertThat(problemsWith(word)).containsExactly(word + ": " + explanation);
  }

  @Test
  void explainsOtherMistakes() {
    assertThat(problemsWith("steps=5"))
        .containsExactly("'steps=5': not an option; options are written --name=value");
    assertThat(problemsWith("--steps"))
        .singleElement()
        .asString()
        .startsWith("--steps: has no value;");
    assertThat(problemsWith("--steps=5", "--steps=6"))
        .containsExactly("--steps=6: given twice; keep one");
  }

  @Test
  void listsAllProblemsAtOnce() {
    assertThat(problems(List.of("--steps=0", "--widht=512", "--scheduler=foo")))
        .hasSize(5)
        .anyMatch(line -> line.startsWith("--steps=0: "))
        .anyMatch(line -> line.startsWith("--widht=512: no such option; did you mean --width?"))
        .anyMatch(line -> line.startsWith("--scheduler=foo: "))
        .anyMatch(line -> line.startsWith("--input: missing"))
        .anyMatch(line -> line.startsWith("--output: missing"));
  }

  @Test
  void takesValueFromNextWordToo() {
    CommandLine line =
        CommandLine.parse(
            List.of("--steps", "20", "--negativePrompt=", "--json", "--scheduler", "PNDM"),
            GenerateCommand.CATALOG,
            Set.of());

    assertThat(line.value("steps")).contains("20");
    assertThat(line.value("negativePrompt")).contains("");
    assertThat(line.isSet("json")).isTrue();
    assertThat(line.value("scheduler")).contains("pndm");
  }

  @Test
  void givesDefaultsFromAnnotations() {
    CommandLine line = CommandLine.parse(complete, GenerateCommand.CATALOG, Set.of());

    assertThat(line.value("imagesPerPrompt")).contains("1");
    assertThat(line.value("steps")).isEmpty();
    assertThat(line.value("width")).isEmpty();
    assertThat(line.value("saveAdditionalColumns")).contains("true");
  }

  @Test
  void handsBeamItsOwnOptionsAndOursInOurSpelling() {
    CommandLine line =
        CommandLine.parse(
            List.of("--scheduler=DDIM", "--tempLocation", "/t", "--json", "--steps=07"),
            GenerateCommand.CATALOG,
            Set.of("tempLocation"));

    assertThat(line.toArguments(Set.of("json")))
        .containsExactly("--scheduler=ddim", "--steps=07", "--tempLocation=/t");
  }
}
