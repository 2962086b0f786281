package io.shardlight.gallery;

import java.awt.Color;
import java.awt.Font;
import java.awt.Graphics2D;
import java.awt.font.FontRenderContext;
import java.awt.font.LineBreakMeasurer;
import java.awt.font.TextAttribute;
import java.awt.font.TextLayout;
import java.text.AttributedString;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Draws text of any script with the machine's fonts, broken into lines and cut where it must. */
final class Lettering {
  static final int LINE_HEIGHT = 17;

  private static final Logger LOG = LoggerFactory.getLogger(Lettering.class);
  private static final int SIZE = 12;
  private static final int ASCENT = 12;
  private static final FontRenderContext CONTEXT = new FontRenderContext(null, true, true);

  private final Font font;

  private Lettering(Font font) {
    this.font = font;
  }

  /** The lettering of this machine; empty if it has no font, or not what Java needs to draw one. */
  static Optional<Lettering> find() {
    try {
      Lettering lettering = new Lettering(new Font(Font.SANS_SERIF, Font.PLAIN, SIZE));
      return lettering.layout("a").getAdvance() > 0 ? Optional.of(lettering) : Optional.empty();
    } catch (RuntimeException | Error e) {
      // Without fonts or without FreeType, Java throws whatever it stumbles over: InternalError,
      // NullPointerException, UnsatisfiedLinkError. What fails for another reason fails again soon.
      LOG.info("No font on this machine, so the contact sheet has no text ({})", e.toString());
      return Optional.empty();
    }
  }

  /**
   * Breaks text between words where it can, and ends it with an ellipsis if it is too long.
   *
   * @param widthPixels at least that of a few letters
   */
  List<String> lines(String text, int widthPixels, int most) {
    String left = text.replaceAll("[\\s\\p{Cntrl}]+", " ").strip();
    List<String> lines = new ArrayList<>();
    while (!left.isEmpty() && lines.size() < most) {
      boolean last = lines.size() == most - 1;
      int end = last ? left.length() : lineEnd(left, widthPixels);
      lines.add(last ? cut(left, widthPixels) : left.substring(0, end).strip());
      left = left.substring(end).strip();
    }
    return lines;
  }

  private int lineEnd(String text, int widthPixels) {
    AttributedString styled = new AttributedString(text, Map.of(TextAttribute.FONT, font));
    LineBreakMeasurer measurer = new LineBreakMeasurer(styled.getIterator(), CONTEXT);
    return measurer.nextOffset(widthPixels);
  }

  /** The text, or as much of its beginning as fits before an ellipsis. */
  private String cut(String text, int widthPixels) {
    // More letters than that fit no line; measuring them all would take its time.
    String start = text.length() > widthPixels ? text.substring(0, widthPixels) : text;
    if (start.length() == text.length() && layout(text).getAdvance() <= widthPixels) {
      return text;
    }
    int end = start.length();
    while (end > 1) {
      end = start.offsetByCodePoints(end, -1);
      String shorter = start.substring(0, end).strip() + "…";
      if (layout(shorter).getAdvance() <= widthPixels) {
        return shorter;
      }
    }
    return "…";
  }

  private TextLayout layout(String text) {
    return new TextLayout(text, font, CONTEXT);
  }

  /** Draws a line, from the right if its script runs that way. */
  void draw(Graphics2D graphics, String line, int x, int y, int widthPixels, Color color) {
    TextLayout layout = layout(line);
    float left = layout.isLeftToRight() ? x : x + widthPixels - layout.getAdvance();
    graphics.setColor(color);
    layout.draw(graphics, left, y + ASCENT);
  }
}
