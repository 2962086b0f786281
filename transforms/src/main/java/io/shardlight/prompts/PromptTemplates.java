package io.shardlight.prompts;

import io.shardlight.data.Prompt;
import io.shardlight.data.PromptExpansion;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Expands prompts and negative prompts that are templates, as {@link TemplateParser} describes
 * them: afresh for each image, and the same on every machine. What a template was is kept beside
 * the prompt. Not thread-safe.
 */
public final class PromptTemplates implements PromptExpansion {
  private static final int MAX_PARSED = 1000;

  private final Wildcards wildcards;
  private final long runSeed;

  /** A prompt's images come one after the other, and files repeat templates. */
  private final Map<String, Template> parsed = new HashMap<>();

  private PromptTemplates(Wildcards wildcards, long runSeed) {
    this.wildcards = wildcards;
    this.runSeed = runSeed;
  }

  /**
   * @param wildcards lines of each wildcard file, by its name without end
   */
  public static PromptTemplates of(Map<String, List<String>> wildcards, long runSeed) {
    return new PromptTemplates(Wildcards.of(wildcards), runSeed);
  }

  /** Lower-case hex SHA-256 of the names and values of wildcard files. */
  public static String sha256(Map<String, List<String>> wildcards) {
    return Wildcards.of(wildcards).sha256();
  }

  /**
   * The lines of one wildcard file; the caller closes it.
   *
   * @throws IOException if bytes can't be had, or are not UTF-8
   */
  public static List<String> lines(InputStream in) throws IOException {
    List<String> lines = new ArrayList<>();
    List<String> problems = new ArrayList<>();
    Utf8Lines.read(
        in,
        (number, text) -> lines.add(text),
        (number, reason) -> problems.add("line " + number + ": " + reason));
    if (!problems.isEmpty()) {
      throw new IOException(problems.get(0));
    }
    return lines;
  }

  /** Why a prompt can't be expanded; empty if it can, whatever is drawn. */
  public Optional<String> problem(Prompt prompt) {
    try {
      Template template = template(prompt.text());
      if (template.mayBeBlank()) {
        return Optional.of("the prompt is a template that may become empty");
      }
      prompt.overrides().negativePrompt().ifPresent(this::template);
      return Optional.empty();
    } catch (IllegalArgumentException e) {
      return Optional.of("the template can't be used: " + e.getMessage());
    }
  }

  @Override
  public Expanded of(Prompt prompt, int imageIndex) {
    Draws draws = Draws.of(runSeed, prompt.id(), imageIndex);
    Map<String, String> templates = new HashMap<>();
    String text = expand("prompt_template", prompt.text(), draws, templates).strip();
    Optional<String> negative =
        prompt
            .overrides()
            .negativePrompt()
            .map(template -> expand("negative_prompt_template", template, draws, templates));
    return new Expanded(text, negative, templates);
  }

  private String expand(String column, String text, Draws draws, Map<String, String> templates) {
    if (!TemplateParser.isTemplate(text)) {
      return text;
    }
    templates.put(column, text);
    return template(text).expand(draws);
  }

  private Template template(String text) {
    if (!TemplateParser.isTemplate(text)) {
      return new Template.Literal(text);
    }
    Template known = parsed.get(text);
    if (known == null) {
      known = TemplateParser.parse(text, wildcards);
      if (parsed.size() == MAX_PARSED) {
        parsed.clear();
      }
      parsed.put(text, known);
    }
    return known;
  }
}
