package io.shardlight.gallery;

import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.Rectangle;
import java.awt.RenderingHints;
import java.awt.TexturePaint;
import java.awt.geom.RoundRectangle2D;
import java.awt.image.BufferedImage;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * One picture of many: each at its own size, up to a limit, with its prompt below, and the
 * parameters at the foot. The same pictures and texts give the same bytes on one machine; on
 * another the fonts may differ.
 */
final class ContactSheet {
  /** A picture and the prompt that made it. */
  record Entry(Picture picture, String prompt) {}

  /** No more pictures than that. */
  static final int MOST = 100;

  private static final int FEW = 40;
  private static final int LARGE = 256;
  private static final int SMALL = 160;

  private static final Color GROUND = new Color(0x16181c);
  private static final Color EMPTY = new Color(0x202329);
  private static final Color PROMPT = new Color(0xd3d6db);
  private static final Color FOOTER = new Color(0x8d939d);
  private static final int CORNER = 10;
  private static final int PROMPT_LINES = 2;
  private static final int ABOVE_PROMPT = 7;
  private static final int ABOVE_FOOTER = 20;

  private ContactSheet() {}

  /** Evenly over all, the first among them; all if they are few. */
  static <T> List<T> choose(List<T> all) {
    int count = Math.min(all.size(), MOST);
    return IntStream.range(0, count)
        .mapToObj(i -> all.get((int) ((long) i * all.size() / count)))
        .toList();
  }

  /** The longest side of a picture, in pixels, when there are so many. */
  static int longestSide(int pictures) {
    return pictures <= FEW ? LARGE : SMALL;
  }

  /**
   * @param entries with pictures of at most {@link #longestSide}
   * @param parameters left in the foot
   * @param counts right in the foot
   */
  static Picture draw(
      List<Entry> entries, String parameters, String counts, Optional<Lettering> lettering) {
    SheetLayout layout =
        SheetLayout.of(
            entries.stream().map(Entry::picture).toList(),
            lettering.isPresent() ? ABOVE_PROMPT + PROMPT_LINES * Lettering.LINE_HEIGHT : 0,
            lettering.isPresent() ? ABOVE_FOOTER + Lettering.LINE_HEIGHT : 0);
    BufferedImage sheet =
        new BufferedImage(layout.width(), layout.height(), BufferedImage.TYPE_INT_RGB);
    Graphics2D graphics = sheet.createGraphics();
    try {
      graphics.setRenderingHint(RenderingHints.KEY_ANTIALIASING, RenderingHints.VALUE_ANTIALIAS_ON);
      graphics.setColor(GROUND);
      graphics.fillRect(0, 0, layout.width(), layout.height());
      for (int i = 0; i < entries.size(); i++) {
        Entry entry = entries.get(i);
        place(graphics, entry.picture(), layout, i);
        if (lettering.isPresent()) {
          caption(graphics, lettering.get(), entry.prompt(), layout, i);
        }
      }
      lettering.ifPresent(text -> foot(graphics, text, parameters, counts, layout));
    } finally {
      graphics.dispose();
    }
    return Picture.of(sheet);
  }

  /** In the middle of its cell, pixel for pixel but for its round corners. */
  private static void place(Graphics2D graphics, Picture picture, SheetLayout layout, int index) {
    int x = layout.x(index) + (layout.cellWidth() - picture.width()) / 2;
    int y = layout.y(index) + (layout.cellHeight() - picture.height()) / 2;
    if (picture.width() < layout.cellWidth() || picture.height() < layout.cellHeight()) {
      graphics.setColor(EMPTY);
      graphics.fill(
          new RoundRectangle2D.Float(
              layout.x(index),
              layout.y(index),
              layout.cellWidth(),
              layout.cellHeight(),
              CORNER,
              CORNER));
    }
    graphics.setPaint(
        new TexturePaint(
            picture.toImage(), new Rectangle(x, y, picture.width(), picture.height())));
    graphics.fill(
        new RoundRectangle2D.Float(x, y, picture.width(), picture.height(), CORNER, CORNER));
  }

  private static void caption(
      Graphics2D graphics, Lettering text, String prompt, SheetLayout layout, int index) {
    int y = layout.y(index) + layout.cellHeight() + ABOVE_PROMPT;
    for (String line : text.lines(prompt, layout.cellWidth(), PROMPT_LINES)) {
      text.draw(graphics, line, layout.x(index), y, layout.cellWidth(), PROMPT);
      y += Lettering.LINE_HEIGHT;
    }
  }

  private static void foot(
      Graphics2D graphics, Lettering text, String parameters, String counts, SheetLayout layout) {
    int width = layout.width() - 2 * SheetLayout.MARGIN;
    int y = layout.height() - SheetLayout.MARGIN - Lettering.LINE_HEIGHT;
    String whole = String.join("   ", parameters, counts);
    for (String line : text.lines(whole, width, 1)) {
      text.draw(graphics, line, SheetLayout.MARGIN, y, width, FOOTER);
    }
  }
}
