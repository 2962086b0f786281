package io.shardlight.gallery;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.shardlight.data.Sha256;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.InputStream;
import java.io.Reader;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Writes {@code gallery/index.html}: first what the page needs to be searched, then its script,
 * then blocks with the thumbnails, which the script reads when they scroll into view. It runs in a
 * browser while the rest is still on its way, and asks nobody for anything: the policy in its head
 * allows its own script and style, by their hashes, and pictures beside it.
 */
final class GalleryPage implements AutoCloseable {
  /** Rows a block. */
  static final int BLOCK = 32;

  private static final String BLOCKED = "Held back by the safety checker";

  private static final Pattern SLOT = Pattern.compile("\\{\\{([a-z]+)}}");

  private final GalleryContent content;
  private final Path spool;
  private final Writer blocks;
  private final StringBuilder states = new StringBuilder();
  private final ArrayNode flagged = JsonNodeFactory.instance.arrayNode();
  private final ObjectNode lacks = JsonNodeFactory.instance.objectNode();
  private final Map<String, Integer> prompts = new LinkedHashMap<>();
  private final ArrayNode promptOf = JsonNodeFactory.instance.arrayNode();

  /** Thumbnails go to a temporary file until {@link #write}. */
  GalleryPage(GalleryContent content) throws IOException {
    this.content = content;
    this.spool = Files.createTempFile("shardlight-gallery", ".blocks");
    this.blocks = Files.newBufferedWriter(spool, StandardCharsets.UTF_8);
  }

  /**
   * Adds the next row.
   *
   * @param thumbnail a JPEG file, if there is something to see
   * @param lack why there is nothing to see although there should be
   * @param parameters A1111's text, where the image has it
   */
  void add(
      GalleryRow row,
      Optional<byte[]> thumbnail,
      Optional<String> lack,
      Optional<String> parameters)
      throws IOException {
    int index = states.length();
    states.append(lack.isPresent() ? 'm' : row.status().charAt(0));
    if (row.flagged()) {
      flagged.add(index);
    }
    lack.or(row::errorClass)
        .or(() -> row.status().equals("blocked") ? Optional.of(BLOCKED) : Optional.empty())
        .ifPresent(text -> lacks.put(String.valueOf(index), text));
    promptOf.add(prompts.computeIfAbsent(row.prompt(), prompt -> prompts.size()));

    ObjectNode own = content.own(row);
    parameters.ifPresent(text -> own.put("parameters", withoutPrompts(text, row)));
    thumbnail.ifPresent(jpeg -> own.put("thumbnail", Base64.getEncoder().encodeToString(jpeg)));
    blocks.write(index % BLOCK == 0 ? "<script type=\"application/json\">[\n" : ",\n");
    blocks.write(InertJson.write(own));
    if (index % BLOCK == BLOCK - 1 || index == content.rows().size() - 1) {
      blocks.write("]</script>\n");
    }
  }

  /** The settings alone, as the page knows what stands before them. */
  private static String withoutPrompts(String parameters, GalleryRow row) {
    String negative = row.fact("negative_prompt").asText();
    String prompts =
        row.prompt() + (negative.isEmpty() ? "" : "\nNegative prompt: " + negative) + "\n";
    return parameters.startsWith(prompts) ? parameters.substring(prompts.length()) : parameters;
  }

  /** Writes the whole page, once all rows have been added. */
  void write(Path file) throws IOException {
    blocks.close();
    String style = resource("gallery.css");
    String script = resource("gallery.js");
    String page = resource("index.html");
    Map<String, String> texts =
        Map.of(
            "policy", HtmlText.escape(policy(style, script)),
            "title", HtmlText.escape(title()),
            "style", style,
            "heading", HtmlText.escape(content.counts()),
            "parameters", parameters(),
            "unfinished", unfinished(),
            "generator", HtmlText.escape("Shardlight " + fact("pipeline_version")),
            "index", InertJson.write(index()),
            "script", script);
    try (BufferedWriter out = Files.newBufferedWriter(file, StandardCharsets.UTF_8)) {
      Matcher slot = SLOT.matcher(page);
      int at = 0;
      while (slot.find()) {
        out.write(page, at, slot.start() - at);
        at = slot.end();
        String name = slot.group(1);
        if (name.equals("blocks")) {
          try (Reader in = Files.newBufferedReader(spool, StandardCharsets.UTF_8)) {
            in.transferTo(out);
          }
        } else {
          String text = texts.get(name);
          if (text == null) {
            throw new IllegalStateException("index.html has a slot that nobody fills: " + name);
          }
          out.write(text);
        }
      }
      out.write(page, at, page.length() - at);
    }
  }

  private String title() {
    String model = fact("model_id");
    return content.counts() + (model.isEmpty() ? "" : " by " + model) + " – Shardlight";
  }

  private String fact(String column) {
    return content.common().path(column).asText();
  }

  private String parameters() {
    StringBuilder html = new StringBuilder();
    for (String word : content.parameters()) {
      html.append("<li>").append(HtmlText.escape(word)).append("</li>");
    }
    return html.toString();
  }

  private String unfinished() {
    return content
        .planned()
        .map(
            planned ->
                String.format(
                    Locale.ROOT,
                    "<p class=\"unfinished\">The dataset is not finished: %,d of %,d rows so"
                        + " far.</p>",
                    content.rows().size(),
                    planned))
        .orElse("");
  }

  private JsonNode index() {
    ObjectNode index = JsonNodeFactory.instance.objectNode();
    index.put("block", BLOCK);
    index.put("seedsAreOfPrompts", content.seedsAreOfPrompts());
    index.put("states", states.toString());
    index.set("flagged", flagged);
    index.set("lacks", lacks);
    index.set("common", content.common());
    ArrayNode texts = index.putArray("prompts");
    prompts.keySet().forEach(texts::add);
    index.set("promptOf", promptOf);
    return index;
  }

  private static String policy(String style, String script) {
    return "default-src 'none'; img-src 'self' data: file:; style-src "
        + source(style)
        + "; script-src "
        + source(script)
        + "; base-uri 'none'; form-action 'none'";
  }

  /** The element's exact text, by hash. */
  private static String source(String text) {
    return "'sha256-" + Base64.getEncoder().encodeToString(Sha256.of(text)) + "'";
  }

  private static String resource(String name) {
    try (InputStream in = GalleryPage.class.getResourceAsStream(name)) {
      if (in == null) {
        throw new IllegalStateException("the resource " + name + " is missing from the jar");
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Numbers of rows with a state: {@code o}, {@code f}, {@code b} or {@code m}. */
  long count(char state) {
    return states.chars().filter(c -> c == state).count();
  }

  @Override
  public void close() throws IOException {
    blocks.close();
    Files.deleteIfExists(spool);
  }
}
