package io.shardlight.terraform;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * {@code terraform fmt -check}, where terraform is installed, and everywhere the part of its rules
 * that needs no terraform.
 */
class FormatTest {
  private static final Pattern ATTRIBUTE =
      Pattern.compile("^( *)([A-Za-z_][\\w-]*|\"[^\"]*\")( *)= (.*)$");

  @Test
  void filesAreFormatted() throws IOException {
    List<String> problems = new ArrayList<>();
    for (Path file : files()) {
      problems.addAll(problems(Files.readString(file), file.getFileName().toString()));
    }

    assertThat(problems).isEmpty();
  }

  @Test
  void terraformSaysSoToo() throws Exception {
    TerraformProgram terraform = TerraformProgram.installed();

    TerraformProgram.Result result =
        terraform.run(
            TerraformModule.ROOT, "fmt", "-check", "-recursive", "-diff", "-no-color", ".");

    assertThat(result.output()).isEmpty();
    assertThat(result.status()).isZero();
    // It looks at no other ending.
    TerraformProgram.Result example =
        terraform.pipe(
            Files.readString(TerraformModule.ROOT.resolve("terraform.tfvars.example")),
            TerraformModule.ROOT,
            "fmt",
            "-check",
            "-diff",
            "-no-color",
            "-");
    assertThat(example.output()).isEmpty();
    assertThat(example.status()).isZero();
  }

  @Test
  void tellsWhatIsWrong() {
    assertThat(problems("a   = 1\nbcd = 2\n\nb = 3\n", "x.tf")).isEmpty();
    assertThat(problems("a = 1\nbcd = 2\n", "x.tf"))
        .containsExactly("x.tf:1: = not below the next");
    assertThat(problems("a = 1 \n", "x.tf")).containsExactly("x.tf:1: blanks at the end");
    assertThat(problems("x {\n\ta = 1\n}\n", "x.tf"))
        .contains("x.tf:2: a tab", "x.tf:2: 2 blanks wanted");
    assertThat(problems("x {\n   a = 1\n}\n", "x.tf")).containsExactly("x.tf:2: 2 blanks wanted");
    assertThat(problems("a = 1", "x.tf")).containsExactly("x.tf: no line end at the end");
    assertThat(problems("a = <<-EOT\n   b\nEOT\n", "x.tf")).isEmpty();
  }

  private static List<Path> files() throws IOException {
    try (Stream<Path> files = Files.walk(TerraformModule.ROOT)) {
      return files
          .filter(Files::isRegularFile)
          .filter(file -> file.toString().matches(".*\\.(tf|tfvars\\.example)"))
          .filter(file -> !file.toString().contains("/.terraform/"))
          .toList();
    }
  }

  /** Indentation, equals signs below each other, no tabs, no blanks at the end of lines. */
  private static List<String> problems(String text, String file) {
    List<String> problems = new ArrayList<>();
    if (!text.endsWith("\n") || text.endsWith("\n\n")) {
      problems.add(
          file + ": " + (text.endsWith("\n") ? "empty lines" : "no line end") + " at the end");
    }
    List<String> lines = text.lines().toList();
    int depth = 0;
    String heredoc = "";
    for (int i = 0; i < lines.size(); i++) {
      String line = lines.get(i);
      String where = file + ":" + (i + 1) + ": ";
      if (!heredoc.isEmpty()) {
        heredoc = line.strip().equals(heredoc) ? "" : heredoc;
        continue;
      }
      if (line.contains("\t")) {
        problems.add(where + "a tab");
      }
      if (!line.equals(line.stripTrailing())) {
        problems.add(where + "blanks at the end");
      }
      String bare = bare(line);
      int closing = bare.strip().replaceAll("^([)\\]}]*).*$", "$1").length();
      int change = count(bare, "([{") - count(bare, ")]}");
      int indent = 2 * (depth - (closing > 0 ? 1 : 0));
      int found = line.length() - line.stripLeading().length();
      if (!line.isBlank() && found != indent) {
        problems.add(where + indent + " blanks wanted");
      }
      depth += Integer.signum(change);
      Matcher attribute = ATTRIBUTE.matcher(line);
      Matcher next = ATTRIBUTE.matcher(i + 1 < lines.size() ? lines.get(i + 1) : "");
      if (attribute.matches()
          && change == 0
          && next.matches()
          && attribute.group(1).equals(next.group(1))
          && endsHere(lines.get(i + 1))
          && line.indexOf(" = ") != lines.get(i + 1).indexOf(" = ")) {
        problems.add(where + "= not below the next");
      }
      Matcher begins = Pattern.compile("<<-?(\\w+)$").matcher(line);
      heredoc = begins.find() ? begins.group(1) : "";
    }
    return problems;
  }

  private static boolean endsHere(String line) {
    return count(bare(line), "([{") == count(bare(line), ")]}") && !line.contains("<<");
  }

  /** Without texts, what is inserted into them, and comments. */
  private static String bare(String line) {
    StringBuilder bare = new StringBuilder();
    int at = 0;
    while (at < line.length()) {
      char c = line.charAt(at);
      if (c == '#' || line.startsWith("//", at)) {
        break;
      }
      if (c == '"') {
        at = textEnd(line, at + 1);
        bare.append("\"\"");
      } else {
        bare.append(c);
        at += 1;
      }
    }
    return bare.toString();
  }

  /** Behind the quote that ends the text; texts in what is inserted have quotes of their own. */
  private static int textEnd(String line, int from) {
    int at = from;
    while (at < line.length() && line.charAt(at) != '"') {
      if (line.startsWith("${", at)) {
        at += 2;
        int depth = 1;
        while (at < line.length() && depth > 0) {
          char c = line.charAt(at);
          depth += c == '{' ? 1 : c == '}' ? -1 : 0;
          at = c == '"' ? textEnd(line, at + 1) : at + 1;
        }
      } else {
        at += line.charAt(at) == '\\' ? 2 : 1;
      }
    }
    return at + 1;
  }

  private static int count(String line, String of) {
    return (int) line.chars().filter(c -> of.indexOf(c) >= 0).count();
  }
}
