package io.shardlight.templates;

import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** Prints {@code metadata.json}, or with an image's name the container spec of its template. */
public final class PrintMetadata {
  private static final String IMAGE = "--image=";

  private PrintMetadata() {}

  /** Takes nothing, or {@code --image=REGION-docker.pkg.dev/PROJECT/REPOSITORY/NAME:TAG}. */
  public static void main(String[] words) {
    System.exit(
        run(
            List.of(words),
            new PrintStream(System.out, true, StandardCharsets.UTF_8),
            new PrintStream(System.err, true, StandardCharsets.UTF_8)));
  }

  static int run(List<String> words, PrintStream out, PrintStream err) {
    if (words.isEmpty()) {
      out.print(TemplateMetadata.text(TemplateMetadata.json()));
      return 0;
    }
    String image = words.get(0).startsWith(IMAGE) ? words.get(0).substring(IMAGE.length()) : "";
    if (words.size() > 1 || image.isBlank()) {
      err.println(
          "takes nothing or --image=NAME, but got "
              + String.join(" ", words)
              + "; give the image that launches the job, for example"
              + " --image=us-central1-docker.pkg.dev/my-project/shardlight/cpu:1");
      return 2;
    }
    if (!image.matches("[^@]+(:[^/:@]+|@sha256:[0-9a-f]{64})") || image.endsWith(":latest")) {
      err.println(
          IMAGE
              + image
              + ": workers that start later must get the same image, which has no tag of its own"
              + " here; give one, as in "
              + image.replaceFirst(":latest$", "")
              + ":1, or a digest");
      return 2;
    }
    out.print(TemplateMetadata.text(TemplateMetadata.containerSpec(image)));
    return 0;
  }
}
