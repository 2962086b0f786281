package io.shardlight.pipeline;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.shardlight.data.Prompt;
import io.shardlight.data.Rejection;
import io.shardlight.diffusion.tokenizer.ClipTokenizer;
import io.shardlight.prompts.PromptFile;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.channels.Channels;
import java.nio.channels.ReadableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.apache.beam.sdk.io.Compression;

/** Prints what the text encoder is given for each prompt. */
final class TokenizeCommand implements Command {
  private static final OptionCatalog CATALOG =
      OptionCatalog.of(TokenizeOptions.class, TerminalOptions.class);
  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

  /** A name whose end says that every line is a prompt. */
  private static final String STANDARD_INPUT = "standard input.txt";

  @Override
  public String name() {
    return "tokenize";
  }

  @Override
  public String summary() {
    return "show the token ids of prompts, one JSON object a line";
  }

  @Override
  public String help() {
    return HelpText.of(
        "./shardlight tokenize [--prompt=TEXT | --input=FILE] [--model=MODEL]",
        "Prints one JSON object a prompt: prompt, ids (as the text encoder gets them, padded to its"
            + " length) and truncated (whether the end of the prompt had to be cut off).",
        CATALOG,
        "./shardlight tokenize --prompt=\"a lighthouse at dawn\"\n"
            + "./shardlight tokenize --model=models/sd-v1-4 --input=prompts.txt");
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
    List<String> problems = new ArrayList<>(line.problems());
    if (line.isGiven("prompt") && line.isGiven("input")) {
      problems.add("--prompt and --input: only one can be read; leave one out");
    }
    Optional<Path> input = line.usable("input").map(Path::of);
    input
        .filter(file -> !Files.isReadable(file) || Files.isDirectory(file))
        .ifPresent(file -> problems.add("--input=" + file + ": " + unreadable(file)));
    input
        .flatMap(file -> PromptFile.problem(file.toString()))
        .ifPresent(problem -> problems.add("--input=" + input.orElseThrow() + ": " + problem));
    Optional<Path> model =
        line.usable("model")
            .flatMap(
                value ->
                    ModelLocation.openTokenizer(line, new BucketChecks(line), console, problems));
    if (model.isEmpty() || !problems.isEmpty()) {
      return refuse(problems, console);
    }

    try {
      ClipTokenizer tokenizer = ClipTokenizer.load(model.get());
      Optional<String> prompt = line.value("prompt");
      if (prompt.isPresent()) {
        print(prompt.get(), tokenizer, console.out());
        return DONE;
      }
      if (input.isPresent()) {
        String name = input.get().toString();
        try (ReadableByteChannel file = open(input.get())) {
          return printRecords(name, file, tokenizer, console);
        } catch (IOException e) {
          throw new IOException("wanted to read " + name + " to its end, but could not", e);
        }
      }
      return printRecords(STANDARD_INPUT, Channels.newChannel(console.in()), tokenizer, console);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String unreadable(Path file) {
    if (!Files.exists(file)) {
      return FileChecks.noFile(file);
    }
    return Files.isDirectory(file)
        ? "a directory; give a file in it"
        : "cannot be read by you; change its permissions";
  }

  private static ReadableByteChannel open(Path file) throws IOException {
    ReadableByteChannel channel = Files.newByteChannel(file);
    try {
      return Compression.detect(file.toString()).readDecompressed(channel);
    } catch (IOException e) {
      channel.close();
      throw e;
    }
  }

  /** Prints the prompts, and to standard error where there is none and why. */
  private static int printRecords(
      String name, ReadableByteChannel file, ClipTokenizer tokenizer, Console console)
      throws IOException {
    List<Rejection> rejections = new ArrayList<>();
    PromptFile.read(
        name,
        file,
        new PromptFile.Records() {
          @Override
          public void prompt(Prompt prompt) {
            print(prompt.text(), tokenizer, console.out());
          }

          @Override
          public void rejection(Rejection rejection) {
            rejections.add(rejection);
          }
        });
    rejections.forEach(r -> console.err().println(r.source() + ": " + r.reason()));
    return rejections.isEmpty() ? DONE : FAILED;
  }

  private static void print(String prompt, ClipTokenizer tokenizer, PrintStream out) {
    ClipTokenizer.Encoding encoding = tokenizer.encode(prompt);
    ObjectNode node = JSON.objectNode().put("prompt", prompt);
    ArrayNode ids = node.putArray("ids");
    for (int id : encoding.ids()) {
      ids.add(id);
    }
    node.put("truncated", encoding.truncated());
    out.println(node);
  }
}
