package io.shardlight.gallery;

import static org.assertj.core.api.Assertions.assertThat;

import java.awt.image.BufferedImage;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SheetLayoutTest {
  private static List<Picture> pictures(int count, int side) {
    return Collections.nCopies(
        count, Picture.of(new BufferedImage(side, side, BufferedImage.TYPE_INT_RGB)));
  }

  @ParameterizedTest
  @CsvSource({"1, 1, 1", "4, 4, 1", "8, 4, 2", "12, 4, 3", "40, 8, 5", "100, 12, 9"})
  void fillsARectangleOfPleasantShape(int count, int columns, int rows) {
    SheetLayout layout = SheetLayout.of(pictures(count, 256), 41, 37);

    assertThat(layout.columns()).isEqualTo(columns);
    assertThat(layout.rows()).isEqualTo(rows);
  }

  @Test
  void cellsNeitherOverlapNorLeaveTheSheet() {
    for (int count = 1; count <= ContactSheet.MOST; count++) {
      SheetLayout layout = SheetLayout.of(pictures(count, 128), 41, 37);
      for (int i = 0; i < count; i++) {
        assertThat(layout.x(i) + layout.cellWidth() + SheetLayout.MARGIN)
            .isLessThanOrEqualTo(layout.width());
        assertThat(
                layout.y(i)
                    + layout.cellHeight()
                    + layout.captionHeight()
                    + layout.footerHeight()
                    + SheetLayout.MARGIN)
            .isLessThanOrEqualTo(layout.height());
        if (i >= layout.columns()) {
          assertThat(layout.y(i) - layout.y(i - layout.columns()))
              .isEqualTo(layout.cellHeight() + layout.captionHeight() + SheetLayout.GAP);
        } else if (i > 0) {
          assertThat(layout.x(i) - layout.x(i - 1)).isEqualTo(layout.cellWidth() + SheetLayout.GAP);
        }
      }
    }
  }

  @Test
  void nothingToShowIsASmallSheet() {
    SheetLayout layout = SheetLayout.of(List.of(), 41, 37);

    assertThat(layout.width()).isPositive();
    assertThat(layout.height()).isBetween(1, 200);
  }
}
