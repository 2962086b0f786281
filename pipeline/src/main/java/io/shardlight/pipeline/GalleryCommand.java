package io.shardlight.pipeline;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.shardlight.data.DatasetPaths;
import io.shardlight.data.ObjectStore;
import io.shardlight.gallery.DatasetGallery;
import io.shardlight.gallery.GallerySummary;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Draws contact sheet and page of a dataset. */
final class GalleryCommand implements Command {
  private static final OptionCatalog CATALOG =
      OptionCatalog.of(DatasetOption.class, JsonOption.class, TerminalOptions.class);

  @Override
  public String name() {
    return "gallery";
  }

  @Override
  public String summary() {
    return "draw contact sheet and page of a dataset";
  }

  @Override
  public String help() {
    return HelpText.of(
        "./shardlight gallery DATASET [--json]",
        "Draws "
            + DatasetPaths.GALLERY
            + ", one page to look through all images and filter them by words, which needs nothing"
            + " else and can be passed on, and "
            + DatasetPaths.CONTACT_SHEET
            + ", some of them on one picture. Older ones are replaced. generate does it by itself"
            + " for up to "
            + DatasetGallery.AT_END_OF_JOB
            + " images. Of a dataset that is not finished it shows the shards that are complete."
            + " DATASET is a local directory or gs://bucket/folder.",
        CATALOG,
        "./shardlight gallery out");
  }

  @Override
  public int run(List<String> words, Console console) {
    DatasetLine dataset = DatasetLine.parse(words, CATALOG);
    CommandLine line = dataset.line();
    if (line.isSet("help")) {
      console.out().print(help());
      return DONE;
    }
    List<String> problems = new ArrayList<>(line.problems());
    Optional<String> value = line.usable(DatasetOption.NAME);
    value.flatMap(v -> FileChecks.datasetToDraw(v, dataset.buckets())).ifPresent(problems::add);
    if (!problems.isEmpty() || value.isEmpty()) {
      return refuse(problems, console);
    }

    String root = FileChecks.root(value.get());
    try {
      ObjectStore store = dataset.open(root);
      boolean finished = store.exists(DatasetPaths.SUCCESS);
      GallerySummary summary = DatasetGallery.of(store, finished).draw();
      if (line.isSet("json")) {
        console.out().println(json(summary, root, finished));
      } else {
        lines(summary, root, finished).forEach(console.out()::println);
      }
      return DONE;
    } catch (IOException e) {
      throw new UncheckedIOException("cannot draw the gallery of " + root, e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      console.err().println("Interrupted; the older gallery, if there was one, is still there.");
      return FAILED;
    }
  }

  private static List<String> lines(GallerySummary summary, String root, boolean finished) {
    List<String> lines = new ArrayList<>();
    lines.add(RunSummary.count(summary.images(), "image", "images") + " drawn");
    if (summary.missing() > 0) {
      lines.add(
          RunSummary.count(summary.missing(), "image is", "images are")
              + " missing or damaged; the page says which");
    }
    if (summary.failed() > 0) {
      lines.add(RunSummary.count(summary.failed(), "image", "images") + " could not be made");
    }
    if (summary.blocked() > 0) {
      lines.add(RunSummary.count(summary.blocked(), "image was", "images were") + " blocked");
    }
    // What was blocked has been flagged too, and is not there to be blurred.
    long blurred = summary.flagged() - summary.blocked();
    if (blurred > 0) {
      lines.add(RunSummary.count(blurred, "image is", "images are") + " flagged and blurred");
    }
    if (!finished) {
      lines.add("The dataset is not finished: this is what its complete shards hold");
    }
    if (!summary.captions()) {
      lines.add("The contact sheet has no text, as this machine has no font");
    }
    lines.add("Contact sheet: " + root + "/" + DatasetPaths.CONTACT_SHEET);
    lines.add("Gallery: " + root + "/" + DatasetPaths.GALLERY);
    return lines;
  }

  private static ObjectNode json(GallerySummary summary, String root, boolean finished) {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.put("dataset", root);
    json.put("finished", finished);
    json.put("images", summary.images());
    json.put("failed", summary.failed());
    json.put("blocked", summary.blocked());
    json.put("flagged", summary.flagged());
    json.put("missing", summary.missing());
    json.put("gallery", root + "/" + DatasetPaths.GALLERY);
    json.put("gallery_bytes", summary.pageBytes());
    json.put("contact_sheet", root + "/" + DatasetPaths.CONTACT_SHEET);
    json.put("contact_sheet_images", summary.sheet());
    json.put("contact_sheet_has_text", summary.captions());
    return json;
  }
}
