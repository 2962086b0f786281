package io.shardlight.containers;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What a Dockerfile says, as far as those of this project go; other instructions are refused. */
record Dockerfile(Map<String, String> arguments, List<Stage> stages) {
  private static final Pattern VARIABLE = Pattern.compile("\\$\\{(\\w+)}");
  private static final Pattern PAIR = Pattern.compile("(\\w+)=(?:\"([^\"]*)\"|(\\S+))");
  private static final Pattern FROM = Pattern.compile("(\\S+)(?: AS (\\w+))?");

  /** A line, continued ones joined. */
  record Instruction(String name, String text) {}

  /** Sources of the build context, or of another stage, and where they go. */
  record Copy(Optional<String> stage, List<String> sources, String target) {}

  /** An image on the way, the last of which is what is built. */
  record Stage(String base, String name, List<Instruction> instructions) {
    List<Copy> copies() {
      return texts("COPY").stream().map(Stage::copy).toList();
    }

    private static Copy copy(String text) {
      List<String> words = new ArrayList<>(List.of(text.split(" +", -1)));
      Optional<String> stage = Optional.empty();
      if (words.get(0).startsWith("--from=")) {
        stage = Optional.of(words.remove(0).substring("--from=".length()));
      }
      int last = words.size() - 1;
      return new Copy(stage, List.copyOf(words.subList(0, last)), words.get(last));
    }

    Map<String, String> environment() {
      Map<String, String> all = new LinkedHashMap<>();
      for (String text : texts("ENV")) {
        Matcher pair = PAIR.matcher(text);
        while (pair.find()) {
          all.put(pair.group(1), pair.group(2) == null ? pair.group(3) : pair.group(2));
        }
      }
      return all;
    }

    String workingDirectory() {
      return texts("WORKDIR").get(0);
    }

    List<String> entrypoint() {
      String text = texts("ENTRYPOINT").get(0);
      return List.of(text.substring(2, text.length() - 2).split("\", \"", -1));
    }

    List<String> texts(String instruction) {
      return instructions.stream()
          .filter(i -> i.name().equals(instruction))
          .map(Instruction::text)
          .toList();
    }
  }

  static Dockerfile read(Path file) throws IOException {
    Map<String, String> arguments = new LinkedHashMap<>();
    List<Stage> stages = new ArrayList<>();
    for (String line : lines(file)) {
      int space = line.indexOf(' ');
      String name = line.substring(0, space);
      String text = line.substring(space + 1).strip();
      switch (name) {
        case "ARG" -> {
          if (!stages.isEmpty()) {
            throw new IOException(file + ": ARG " + text + ": belongs before the first FROM");
          }
          int equals = text.indexOf('=');
          arguments.put(text.substring(0, equals), text.substring(equals + 1));
        }
        case "FROM" -> {
          Matcher from = FROM.matcher(replaced(text, arguments));
          if (!from.matches()) {
            throw new IOException(file + ": FROM " + text + ": is no image with a name");
          }
          String as = from.group(2) == null ? "" : from.group(2);
          stages.add(new Stage(from.group(1), as, new ArrayList<>()));
        }
        case "COPY", "ENV", "RUN", "WORKDIR", "ENTRYPOINT" ->
            stages.get(stages.size() - 1).instructions().add(new Instruction(name, text));
        default -> throw new IOException(file + ": " + name + " is not among what is used here");
      }
    }
    return new Dockerfile(arguments, stages);
  }

  private static List<String> lines(Path file) throws IOException {
    List<String> lines = new ArrayList<>();
    StringBuilder line = new StringBuilder();
    for (String part : Files.readAllLines(file)) {
      if (part.startsWith("#") || part.isBlank()) {
        continue;
      }
      boolean goesOn = part.endsWith("\\");
      line.append(goesOn ? part.substring(0, part.length() - 1) : part);
      if (!goesOn) {
        lines.add(line.toString().strip());
        line.setLength(0);
      }
    }
    return lines;
  }

  private static String replaced(String text, Map<String, String> arguments) {
    return VARIABLE
        .matcher(text)
        .replaceAll(match -> Matcher.quoteReplacement(arguments.getOrDefault(match.group(1), "")));
  }

  /** What is built. */
  Stage image() {
    return stages.get(stages.size() - 1);
  }
}
