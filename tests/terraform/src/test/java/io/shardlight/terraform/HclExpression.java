package io.shardlight.terraform;

import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What stands behind an equals sign.
 *
 * @param text as written
 * @param code of it, what is no text: literals are left as two quotes, templates' insides stay
 * @param literals the texts, insides of templates cut out
 * @param where file and line, for messages
 */
record HclExpression(String text, String code, List<String> literals, String where) {
  private static final Pattern TRAVERSAL =
      Pattern.compile(
          "(?<![\\w.\\]])([A-Za-z_][\\w-]*)((?:\\.[A-Za-z_][\\w-]*|\\[[^\\[\\]]*\\])*)(?!\\s*\\()");

  /** The one literal that it is; empty for all else. */
  Optional<String> literal() {
    return code.equals("\"\"") && literals.size() == 1
        ? Optional.of(literals.get(0))
        : Optional.empty();
  }

  /** Names with dots, such as {@code module.network.subnetwork}, indexes and splats cut out. */
  Set<String> references() {
    Set<String> found = new LinkedHashSet<>();
    Matcher matcher = TRAVERSAL.matcher(code);
    while (matcher.find()) {
      found.add(matcher.group(1) + matcher.group(2).replaceAll("\\[[^\\[\\]]*\\]", ""));
      // What stands in an index is a reference of its own.
      Matcher index = Pattern.compile("\\[([^\\[\\]]+)\\]").matcher(matcher.group(2));
      while (index.find()) {
        Matcher inner = TRAVERSAL.matcher(index.group(1));
        while (inner.find()) {
          found.add(inner.group(1) + inner.group(2));
        }
      }
    }
    return found;
  }

  /** The second parts of references that begin with {@code root}: names of variables, locals. */
  Set<String> names(String root) {
    Set<String> found = new LinkedHashSet<>();
    for (String reference : references()) {
      String[] parts = reference.split("\\.", -1);
      if (parts[0].equals(root) && parts.length > 1) {
        found.add(parts[1]);
      }
    }
    return found;
  }
}
