package io.shardlight.pipeline;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.shardlight.diffusion.tokenizer.ClipTokenizer;
import io.shardlight.diffusion.weights.ModelDirectory;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Prints what the text encoder is given for each prompt. */
final class TokenizeCommand implements Command {
  private static final OptionCatalog CATALOG =
      OptionCatalog.of(TokenizeOptions.class, TerminalOptions.class);
  private static final ObjectMapper JSON = new ObjectMapper();

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
        "./shardlight tokenize [--prompt=TEXT | --input=FILE] [--model=DIRECTORY]",
        "Prints one JSON object a prompt: prompt, ids (as the text encoder gets them, padded to its"
            + " length) and truncated (whether the end of the prompt had to be cut off).",
        CATALOG,
        "./shardlight tokenize --prompt=\"a lighthouse at dawn\"\n"
            + "./shardlight tokenize --model=models/sd-v1-4 --input=prompts.txt");
  }

  @Override
  public int run(List<String> words, Console console) {
    CommandLine line = CommandLine.parse(words, CATALOG, Set.of());
    if (line.isSet("help")) {
      console.out().print(help());
      return DONE;
    }
    List<String> problems = new ArrayList<>(line.problems());
    if (line.isGiven("prompt") && line.isGiven("input")) {
      problems.add("--prompt and --input: only one can be read; leave one out");
    }
    Optional<Path> input = line.value("input").map(Path::of);
    input
        .filter(file -> !Files.isReadable(file) || Files.isDirectory(file))
        .ifPresent(file -> problems.add("--input=" + file + ": no such readable file"));
    Optional<ModelDirectory> model = Optional.empty();
    if (problems.isEmpty()) {
      model = ModelLocation.open(line.value("model").orElseThrow(), console, problems);
    }
    if (model.isEmpty() || !problems.isEmpty()) {
      return refuse(problems, console);
    }

    try {
      ClipTokenizer tokenizer = ClipTokenizer.load(model.get().tokenizer());
      Optional<String> prompt = line.value("prompt");
      if (prompt.isPresent()) {
        print(prompt.get(), tokenizer, console.out());
      } else if (input.isPresent()) {
        try (InputStream in = Files.newInputStream(input.get())) {
          printLines(in, input.get().toString(), tokenizer, console.out());
        }
      } else {
        printLines(console.in(), "standard input", tokenizer, console.out());
      }
      return DONE;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void printLines(
      InputStream in, String name, ClipTokenizer tokenizer, PrintStream out) throws IOException {
    // A decoder made this way reports malformed bytes instead of replacing them.
    BufferedReader reader =
        new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8.newDecoder()));
    try {
      for (String line = reader.readLine(); line != null; line = reader.readLine()) {
        if (!line.isBlank() && !line.startsWith("#")) {
          print(line.strip(), tokenizer, out);
        }
      }
    } catch (CharacterCodingException e) {
      throw new IOException(name + " is not UTF-8; convert it", e);
    }
  }

  private static void print(String prompt, ClipTokenizer tokenizer, PrintStream out)
      throws IOException {
    ClipTokenizer.Encoding encoding = tokenizer.encode(prompt);
    ObjectNode node = JSON.createObjectNode().put("prompt", prompt);
    ArrayNode ids = node.putArray("ids");
    for (int id : encoding.ids()) {
      ids.add(id);
    }
    node.put("truncated", encoding.truncated());
    out.println(JSON.writeValueAsString(node));
  }
}
