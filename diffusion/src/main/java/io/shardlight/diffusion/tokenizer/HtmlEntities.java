package io.shardlight.diffusion.tokenizer;

import java.io.BufferedReader;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * HTML's character references, by name and by number, in text that is not HTML itself. Names in
 * capitals give capitals, EACUTE for É, as in ftfy. Numbers are read as the HTML Standard reads
 * them, section 13.2.5.80: C1 controls as Windows-1252.
 *
 * @see <a href="https://html.spec.whatwg.org/multipage/parsing.html">HTML Standard</a>
 */
final class HtmlEntities {
  private static final Pattern REFERENCE = Pattern.compile("&(#?)([0-9A-Za-z]{1,24});");

  /** References that end without a semicolon, so that longer names in capitals are taken. */
  private static final List<String> CAPITALS_WITHOUT_SEMICOLON =
      List.of("AMP", "COPY", "ETH", "GT", "LT", "QUOT", "REG", "THORN");

  private static final Map<String, String> NAMED = load();

  private HtmlEntities() {}

  private static Map<String, String> load() {
    Map<String, String> named = new HashMap<>();
    try (InputStream in = HtmlEntities.class.getResourceAsStream("html5-entities.txt")) {
      if (in == null) {
        throw new FileNotFoundException("html5-entities.txt is missing beside HtmlEntities");
      }
      BufferedReader lines =
          new BufferedReader(new InputStreamReader(in, StandardCharsets.US_ASCII));
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        if (line.startsWith("#")) {
          continue;
        }
        String[] fields = line.split(" ", -1);
        StringBuilder text = new StringBuilder();
        for (int i = 1; i < fields.length; i++) {
          text.appendCodePoint(Integer.parseInt(fields[i], 16));
        }
        named.put(fields[0], text.toString());
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    Map<String, String> withCapitals = new HashMap<>(named);
    named.forEach(
        (name, text) -> {
          String capitals = name.toUpperCase(Locale.ROOT);
          boolean taken = CAPITALS_WITHOUT_SEMICOLON.stream().anyMatch(capitals::startsWith);
          if (name.equals(name.toLowerCase(Locale.ROOT)) && !taken) {
            withCapitals.putIfAbsent(capitals, text.toUpperCase(Locale.ROOT));
          }
        });
    return withCapitals;
  }

  static String unescape(String text) {
    return REFERENCE.matcher(text).replaceAll(m -> Matcher.quoteReplacement(replacement(m)));
  }

  private static String replacement(MatchResult reference) {
    String body = reference.group(2);
    if (reference.group(1).isEmpty()) {
      return NAMED.getOrDefault(body, reference.group());
    }
    boolean hex = body.charAt(0) == 'x' || body.charAt(0) == 'X';
    String digits = hex ? body.substring(1) : body;
    boolean wellFormed = digits.matches(hex ? "[0-9a-fA-F]+" : "[0-9]+");
    if (!wellFormed) {
      return reference.group();
    }
    String text = ofCodePoint(new BigInteger(digits, hex ? 16 : 10));
    return text.equals(";") ? reference.group() : text;
  }

  private static String ofCodePoint(BigInteger number) {
    int codePoint = number.bitLength() > 21 ? 0x110000 : number.intValue();
    if (codePoint == 0 || codePoint > 0x10ffff || (codePoint >= 0xd800 && codePoint <= 0xdfff)) {
      return "\ufffd";
    }
    if (codePoint >= 0x80 && codePoint <= 0x9f) {
      return String.valueOf(SingleByteEncoding.WINDOWS_1252.decode(codePoint));
    }
    boolean control = (codePoint < 0x20 && "\t\n\f\r".indexOf(codePoint) < 0) || codePoint == 0x7f;
    boolean noncharacter =
        (codePoint >= 0xfdd0 && codePoint <= 0xfdef) || (codePoint & 0xfffe) == 0xfffe;
    return control || noncharacter ? "" : Character.toString(codePoint);
  }
}
