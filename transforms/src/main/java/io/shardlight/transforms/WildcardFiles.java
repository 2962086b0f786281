package io.shardlight.transforms;

import io.shardlight.data.GenerationSettings;
import io.shardlight.data.PromptExpansion;
import io.shardlight.data.TemplateSettings;
import io.shardlight.prompts.PromptTemplates;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.channels.Channels;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.beam.sdk.io.FileSystems;
import org.apache.beam.sdk.io.fs.EmptyMatchTreatment;
import org.apache.beam.sdk.io.fs.MatchResult;

/**
 * The wildcard files of a folder: every {@code .txt} in it and below. Read once when the job is
 * started, for the digest that goes into the settings, and once on each worker, where the digest
 * must be the same.
 */
public final class WildcardFiles {
  private static final String END = ".txt";

  private static final Map<TemplateSettings, Map<String, List<String>>> ON_THIS_WORKER =
      new ConcurrentHashMap<>();

  private WildcardFiles() {}

  /**
   * Settings that expand templates with the files as they are now.
   *
   * @param folder path or URI; empty for no wildcards
   * @throws IOException if a file can't be read, or is not UTF-8
   */
  public static TemplateSettings describe(String folder) throws IOException {
    return new TemplateSettings(true, folder, PromptTemplates.sha256(read(folder)));
  }

  /**
   * Templates with the wildcards that the job was started with.
   *
   * @throws IllegalStateException if the files have changed since
   */
  static PromptTemplates templates(TemplateSettings settings, long runSeed) {
    return PromptTemplates.of(
        ON_THIS_WORKER.computeIfAbsent(settings, WildcardFiles::readAsDescribed), runSeed);
  }

  /** How the prompts of a run are expanded. */
  static PromptExpansion expansion(GenerationSettings settings) {
    return settings.templates().expand()
        ? templates(settings.templates(), settings.seed())
        : PromptExpansion.NONE;
  }

  private static Map<String, List<String>> readAsDescribed(TemplateSettings settings) {
    Map<String, List<String>> files;
    try {
      files = read(settings.wildcards());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    String found = PromptTemplates.sha256(files);
    if (!found.equals(settings.wildcardsSha256())) {
      throw new IllegalStateException(
          "wanted the wildcard files in "
              + settings.wildcards()
              + " as they were when the job was started, with digest "
              + settings.wildcardsSha256()
              + ", but found "
              + found
              + "; leave them alone while a job runs");
    }
    return files;
  }

  private static Map<String, List<String>> read(String folder) throws IOException {
    Map<String, List<String>> files = new TreeMap<>();
    if (folder.isEmpty()) {
      return files;
    }
    String root = folder.endsWith("/") ? folder : folder + "/";
    for (MatchResult.Metadata file :
        FileSystems.match(root + "**", EmptyMatchTreatment.ALLOW).metadata()) {
      String path = file.resourceId().toString();
      if (path.endsWith(END) && path.startsWith(root)) {
        try (InputStream in = Channels.newInputStream(FileSystems.open(file.resourceId()))) {
          files.put(
              path.substring(root.length(), path.length() - END.length()),
              PromptTemplates.lines(in));
        } catch (IOException e) {
          throw new IOException(
              "the wildcard file " + path + " can't be read: " + e.getMessage(), e);
        }
      }
    }
    return files;
  }
}
