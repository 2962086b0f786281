package io.shardlight.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What a new user may type wrongly, and the whole answer. All that is wrong is told at once, on
 * standard error, before anything starts, and the exit status is 2. A dollar sign begins a command
 * line as in a shell, without its quotes, and {@code HOME} stands for a folder with {@code
 * prompts.txt}, {@code notes.docx} and a folder {@code photos} with a picture.
 */
class WrongCommandLinesTest {
  private final Path home;

  WrongCommandLinesTest(@TempDir Path home) throws IOException {
    this.home = home;
    Files.writeString(home.resolve("prompts.txt"), "a lighthouse at dawn\n");
    Files.createFile(home.resolve("notes.docx"));
    Files.createDirectory(home.resolve("photos"));
    Files.createFile(home.resolve("photos/beach.jpg"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        """
        $ genarate --input=HOME/prompts.txt --output=HOME/out
        'genarate': no such command; did you mean generate? there are: generate, plan, stage, gallery, \
        verify, tokenize, devices
        """,
        """
        $ generate
        --input: missing; give a value, for example --input=prompts.txt
        --output: missing; give a value, for example --output=out
        Nothing was started. ./shardlight generate --help explains.
        """,
        """
        $ generate HOME/prompts.txt --output HOME/out
        'HOME/prompts.txt': not an option; did you mean --input=HOME/prompts.txt?
        --input: missing; give a value, for example --input=prompts.txt
        Nothing was started. ./shardlight generate --help explains.
        """,
        """
        $ generate --input=HOME/promts.txt --output=HOME/out --stepz=20 --width=500 --seed=-1
        --stepz=20: no such option; did you mean --steps?
        --width=500: not a multiple of 8; give a whole number from 8 to 2048, a multiple of 8, \
        for example --width=512
        --seed=-1: too small; give a whole number from 0 to 4294967295
        --input=HOME/promts.txt: no such file; did you mean HOME/prompts.txt?
        Nothing was started. ./shardlight generate --help explains.
        """,
        """
        $ generate --input=HOME/notes.docx,HOME/photos,HOME/*.csv --output=HOME/prompts.txt \
        --model=HOME/photos --devices=0 --scheduler=eular
        --devices=0: not understood; give auto for all there are, or a count from 1 to 9999, for \
        example --devices=8
        --scheduler=eular: unknown value; did you mean euler? use one of pndm, ddim, lms, euler, \
        euler_a, dpmpp_2m, dpmpp_2m_karras
        --input=HOME/notes.docx: input must end in one of [.txt, .jsonl, .csv, .tsv], with or \
        without [.gz, .zst], or in one of [.avro, .parquet], but found HOME/notes.docx
        --input=HOME/photos: a directory; give its files, for example --input='HOME/photos/*.txt'
        --input=HOME/*.csv: input must match a file, but found none for "HOME/*.csv"; check the path
        --output=HOME/prompts.txt: a file; give a directory, or one that can be made
        --model=HOME/photos: not a model, as it has no model_index.json; give demo or a directory \
        with one
        Nothing was started. ./shardlight generate --help explains.
        """,
        """
        $ generate --input=HOME/prompts.txt --output=HOME/photos
        --output=HOME/photos: must be new, empty or hold a dataset, but has beach.jpg and no \
        _shards/plan.json; choose another directory
        Nothing was started. ./shardlight generate --help explains.
        """,
        """
        $ generate --input=HOME/prompts.txt --output=s3://bucket/out --imageQuality=80 \
        --wildcards=HOME/words --json=maybe --steps
        --json=maybe: neither true nor false; use --json=true or --json=false
        --steps: has no value; give a whole number from 1 to 1000
        --wildcards=HOME/words: read with --expandTemplates=true only; add that
        --imageQuality=80: png keeps every pixel; leave it out, or add --imageFormat=jpeg or webp
        --output=s3://bucket/out: must be a local directory or gs://bucket/folder; give one
        Nothing was started. ./shardlight generate --help explains.
        """,
        """
        $ generate --input=HOME/prompts.txt --output=HOME/out --output=HOME/out2 \
        --mode=overwrit --engine=TPU --safety=of
        --output=HOME/out2: given twice; keep one
        --mode=overwrit: unknown value; did you mean overwrite? use one of incremental, extend, retry-failed, \
        overwrite
        --engine=TPU: unknown value; use one of auto, OnnxRuntime, PJRT
        --safety=of: unknown value; did you mean off? use one of mark, blank, drop, off
        Nothing was started. ./shardlight generate --help explains.
        """,
        """
        $ generate --input=HOME/prompts.txt --output=HOME/out --safety=blank
        --safety=blank: the model demo has no safety checker; leave the option out, or choose a model with one
        Nothing was started. ./shardlight generate --help explains.
        """,
        """
        $ plan --input=HOME/prompts.txt --output=HOME/out --pricePerHour=3 --width=8192
        --width=8192: too large; give a whole number from 8 to 2048, a multiple of 8, for \
        example --width=512
        --pricePerHour=3: tells something with --imagesPerSecond or --workerKind only; add one
        Nothing was started. ./shardlight plan --help explains.
        """,
        """
        $ gallery HOME/out --jsn
        --jsn: no such option; did you mean --json?
        --dataset=HOME/out: no such directory; give the --output of a generate
        Nothing was started. ./shardlight gallery --help explains.
        """,
        """
        $ verify
        --dataset: missing; give a value, for example --dataset=out
        Nothing was started. ./shardlight verify --help explains.
        """,
        """
        $ verify HOME/photos HOME/out --steps=3
        --dataset=HOME/out: given twice; keep one
        --steps=3: no such option; --help lists all
        --dataset=HOME/photos: not a dataset, as it has none of _shards/plan.json, dataset.json, \
        _SUCCESS; give the --output of a generate
        Nothing was started. ./shardlight verify --help explains.
        """,
        """
        $ devices --all gpu
        --all: no such option; --help lists all
        'gpu': not an option; options are written --name=value
        Nothing was started. ./shardlight devices --help explains.
        """,
        """
        $ tokenize --prompt=x --input=HOME/prompt.txt --model=HOME/none --batch=3
        --batch=3: no such option; --help lists all
        --prompt and --input: only one can be read; leave one out
        --input=HOME/prompt.txt: no such file; did you mean HOME/prompts.txt?
        --model=HOME/none: no such directory; give demo, a directory that holds \
        model_index.json, hf://owner/name or gs://bucket/folder
        Nothing was started. ./shardlight tokenize --help explains.
        """,
      })
  void isAnsweredInFull(String session) throws IOException {
    List<String> lines = session.replace("HOME", home.toString()).lines().toList();
    List<String> words = Arrays.asList(lines.get(0).substring(2).split(" "));
    List<String> before = files();
    Terminal terminal = Terminal.at(home);

    int status = terminal.run(words.toArray(new String[0]));

    assertThat(String.join("\n", terminal.errLines()))
        .isEqualTo(String.join("\n", lines.subList(1, lines.size())));
    assertThat(terminal.out()).isEmpty();
    assertThat(status).isEqualTo(2);
    assertThat(files()).isEqualTo(before);
  }

  /** But for the cache, which holds what can be made again. */
  private List<String> files() throws IOException {
    try (Stream<Path> files = Files.walk(home)) {
      return files
          .map(file -> home.relativize(file).toString())
          .filter(name -> !name.startsWith("cache"))
          .sorted()
          .toList();
    }
  }
}
