package io.shardlight.gallery;

import java.util.List;
import java.util.Objects;

/**
 * Where things lie on a contact sheet, in pixels.
 *
 * @param cellWidth room for a picture, as wide as the widest
 * @param cellHeight as high as the highest
 * @param captionHeight below each picture; 0 without text
 * @param footerHeight 0 without text
 */
record SheetLayout(
    int pictures, int columns, int cellWidth, int cellHeight, int captionHeight, int footerHeight) {
  static final int MARGIN = 28;
  static final int GAP = 16;

  /** Narrower captions say nothing. */
  private static final int MIN_CELL_WIDTH = 112;

  private static final int MAX_COLUMNS = 12;

  /** As many as fit one row without further thought. */
  private static final int ONE_ROW = 5;

  /** Width to height that looks well on a page. */
  private static final double SHAPE = 1.6;

  /** Lays out pictures in their order, row by row, in as full a rectangle as there is. */
  static SheetLayout of(List<Picture> pictures, int captionHeight, int footerHeight) {
    int width = pictures.stream().mapToInt(Picture::width).max().orElse(0);
    int height = pictures.stream().mapToInt(Picture::height).max().orElse(0);
    SheetLayout best = null;
    double bestPenalty = Double.POSITIVE_INFINITY;
    int fewest = Math.min(pictures.size(), 3);
    int most = Math.min(pictures.size(), MAX_COLUMNS);
    for (int columns = Math.max(1, fewest); columns <= Math.max(1, most); columns++) {
      SheetLayout layout =
          new SheetLayout(
              pictures.size(),
              columns,
              Math.max(width, MIN_CELL_WIDTH),
              height,
              captionHeight,
              footerHeight);
      double penalty = layout.penalty();
      if (best == null || penalty < bestPenalty) {
        best = layout;
        bestPenalty = penalty;
      }
    }
    return Objects.requireNonNull(best);
  }

  private double penalty() {
    if (pictures <= ONE_ROW) {
      return rows();
    }
    double shape = Math.abs(Math.log((double) width() / height() / SHAPE));
    double empty = (double) (rows() * columns - pictures) / pictures;
    return shape + 2 * empty;
  }

  int rows() {
    return (pictures + columns - 1) / columns;
  }

  int width() {
    return 2 * MARGIN + columns * (cellWidth + GAP) - GAP;
  }

  int height() {
    return 2 * MARGIN + rows() * (cellHeight + captionHeight + GAP) - GAP + footerHeight;
  }

  /** Left edge of a cell. */
  int x(int index) {
    return MARGIN + index % columns * (cellWidth + GAP);
  }

  /** Upper edge of a cell. */
  int y(int index) {
    return MARGIN + index / columns * (cellHeight + captionHeight + GAP);
  }
}
