package io.shardlight.terraform;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Reads HCL's structure: blocks, attributes, and of expressions where they end, what in them is
 * text, and what they name. It computes nothing; {@link HclValues} does, and terraform.
 */
final class HclReader {
  private final String text;
  private final String file;
  private int at;

  private HclReader(String text, String file) {
    this.text = text;
    this.file = file;
  }

  static HclBlock read(Path file) throws IOException {
    return read(Files.readString(file), file.getFileName().toString());
  }

  /**
   * @throws IllegalArgumentException if it is no HCL, with file and line
   */
  static HclBlock read(String text, String file) {
    HclReader reader = new HclReader(text, file);
    HclBlock body = reader.body("", List.of(), reader.where());
    if (reader.at < text.length()) {
      throw reader.unexpected("a block or an attribute");
    }
    return body;
  }

  /** The entries of an expression {@code { name = value … }}. */
  static Map<String, HclExpression> object(HclExpression expression) {
    HclReader reader = new HclReader(expression.text(), expression.where());
    reader.expect('{');
    Map<String, HclExpression> entries = new LinkedHashMap<>();
    reader.space(true);
    while (reader.peek() != '}') {
      String key = reader.peek() == '"' ? reader.label() : reader.identifier();
      reader.space(false);
      reader.at += 1; // = or :
      entries.put(key, reader.expression());
      reader.space(true);
      if (reader.peek() == ',') {
        reader.at += 1;
        reader.space(true);
      }
    }
    return entries;
  }

  /**
   * One entry of an expression {@code { name = value … }}.
   *
   * @throws IllegalArgumentException if it is not there
   */
  static HclExpression entry(HclExpression expression, String name) {
    HclExpression found = object(expression).get(name);
    if (found == null) {
      throw new IllegalArgumentException(expression.where() + ": expected an entry " + name);
    }
    return found;
  }

  private HclBlock body(String type, List<String> labels, String where) {
    Map<String, HclExpression> attributes = new LinkedHashMap<>();
    List<HclBlock> blocks = new ArrayList<>();
    space(true);
    while (at < text.length() && peek() != '}') {
      String start = where();
      String name = identifier();
      space(false);
      if (peek() == '=') {
        at += 1;
        if (attributes.put(name, expression()) != null) {
          throw new IllegalArgumentException(start + ": \"" + name + "\" is there twice");
        }
      } else {
        List<String> names = new ArrayList<>();
        while (peek() != '{') {
          names.add(peek() == '"' ? label() : identifier());
          space(false);
        }
        at += 1;
        blocks.add(body(name, List.copyOf(names), start));
        expect('}');
      }
      space(true);
    }
    return new HclBlock(type, labels, attributes, blocks, where);
  }

  /** Up to the end of the line, or of what it stands in. */
  private HclExpression expression() {
    space(false);
    String where = where();
    int start = at;
    StringBuilder code = new StringBuilder();
    List<String> literals = new ArrayList<>();
    int depth = 0;
    while (at < text.length()) {
      char c = peek();
      if (c == '"') {
        quoted(code, literals);
        continue;
      }
      if (text.startsWith("<<", at)) {
        heredoc(code, literals);
        continue;
      }
      if (depth == 0 && (c == '\n' || c == ',' || c == '}' || c == ')' || c == ']')) {
        break;
      }
      if (comment()) {
        continue;
      }
      if (c == '(' || c == '[' || c == '{') {
        depth += 1;
      } else if (c == ')' || c == ']' || c == '}') {
        depth -= 1;
      }
      code.append(c);
      at += 1;
    }
    if (at == start) {
      throw unexpected("an expression");
    }
    return new HclExpression(
        text.substring(start, at).strip(), code.toString().strip(), List.copyOf(literals), where);
  }

  private void quoted(StringBuilder code, List<String> literals) {
    expect('"');
    StringBuilder literal = new StringBuilder();
    code.append('"');
    template(literal, code, literals, "\"");
    code.append('"');
    literals.add(literal.toString());
  }

  /** {@code <<NAME} or {@code <<-NAME}, to a line that is the name. */
  private void heredoc(StringBuilder code, List<String> literals) {
    int line = text.indexOf('\n', at);
    String name = text.substring(at, line).replaceFirst("<<-?", "").strip();
    int end = line;
    while (!text.substring(end + 1, lineEnd(end + 1)).strip().equals(name)) {
      end = lineEnd(end + 1);
      if (end >= text.length()) {
        throw unexpected("a line " + name);
      }
    }
    HclReader inside = new HclReader(text.substring(line + 1, end + 1), file);
    StringBuilder literal = new StringBuilder();
    code.append('"');
    inside.template(literal, code, literals, "");
    code.append('"');
    literals.add(literal.toString());
    at = lineEnd(end + 1);
  }

  /** Text with insertions, up to {@code end}; to the end of the file if that is empty. */
  private void template(
      StringBuilder literal, StringBuilder code, List<String> literals, String end) {
    while (at < text.length()) {
      if (!end.isEmpty() && text.startsWith(end, at)) {
        at += 1;
        return;
      }
      if (text.startsWith("$${", at) || text.startsWith("%%{", at)) {
        literal.append(text, at + 1, at + 3);
        at += 3;
      } else if (text.startsWith("${", at) || text.startsWith("%{", at)) {
        at += 2;
        code.append(' ');
        insertion(code, literals);
        code.append(' ');
      } else if (peek() == '\\' && !end.isEmpty()) {
        char escaped = text.charAt(at + 1);
        literal.append(escaped == 'n' ? '\n' : escaped == 't' ? '\t' : escaped);
        at += 2;
      } else {
        literal.append(peek());
        at += 1;
      }
    }
    if (!end.isEmpty()) {
      throw unexpected("the end of a text");
    }
  }

  private void insertion(StringBuilder code, List<String> literals) {
    int depth = 0;
    while (depth > 0 || peek() != '}') {
      char c = peek();
      if (c == '"') {
        quoted(code, literals);
        continue;
      }
      depth += c == '{' ? 1 : c == '}' ? -1 : 0;
      code.append(c);
      at += 1;
    }
    at += 1;
  }

  private String label() {
    expect('"');
    int end = text.indexOf('"', at);
    String label = text.substring(at, end);
    at = end + 1;
    return label;
  }

  private String identifier() {
    int start = at;
    while (at < text.length()
        && (Character.isLetterOrDigit(peek()) || "_-.".indexOf(peek()) >= 0)) {
      at += 1;
    }
    if (at == start) {
      throw unexpected("a name");
    }
    return text.substring(start, at);
  }

  /** Over blanks and comments, and over line ends if so asked. */
  private void space(boolean lines) {
    while (at < text.length()) {
      char c = peek();
      if (c == ' ' || c == '\t' || c == '\r' || (lines && c == '\n')) {
        at += 1;
      } else if (!comment()) {
        return;
      }
    }
  }

  /** Over a comment, if there is one here, but not over the end of its line. */
  private boolean comment() {
    if (peek() == '#' || text.startsWith("//", at)) {
      at = lineEnd(at);
      return true;
    }
    if (text.startsWith("/*", at)) {
      int end = text.indexOf("*/", at);
      if (end < 0) {
        throw unexpected("the end of a comment");
      }
      at = end + 2;
      return true;
    }
    return false;
  }

  private int lineEnd(int from) {
    int end = text.indexOf('\n', from);
    return end < 0 ? text.length() : end;
  }

  private char peek() {
    if (at >= text.length()) {
      throw unexpected("more");
    }
    return text.charAt(at);
  }

  private void expect(char wanted) {
    if (at >= text.length() || text.charAt(at) != wanted) {
      throw unexpected("\"" + wanted + "\"");
    }
    at += 1;
  }

  private String where() {
    long line =
        text.substring(0, Math.min(at, text.length())).chars().filter(c -> c == '\n').count();
    return file + ":" + (line + 1);
  }

  private IllegalArgumentException unexpected(String wanted) {
    String found = at < text.length() ? "\"" + text.charAt(at) + "\"" : "the end";
    return new IllegalArgumentException(where() + ": expected " + wanted + ", but found " + found);
  }
}
