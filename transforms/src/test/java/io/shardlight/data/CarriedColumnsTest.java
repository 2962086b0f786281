package io.shardlight.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.HashMap;
import java.util.Iterator;
import java.util.Map;
import java.util.NoSuchElementException;
import org.junit.jupiter.api.Test;

class CarriedColumnsTest {
  private static final Map<String, String> COLUMNS =
      Map.of("topic", "animals", "Ärger", "no", "a", "", "z", "last", "B", "2");

  @Test
  void isTheSameMapInTheOrderOfItsNames() {
    Map<String, String> columns = CarriedColumns.copyOf(COLUMNS);

    assertThat(columns.keySet()).containsExactly("B", "a", "topic", "z", "Ärger");
    assertThat(columns).isEqualTo(COLUMNS).hasSameHashCodeAs(COLUMNS);
    assertThat(COLUMNS).isEqualTo(columns);
    assertThat(columns).hasToString("{B=2, a=, topic=animals, z=last, Ärger=no}");
  }

  @Test
  void findsItsColumnsAndNoOthers() {
    Map<String, String> columns = CarriedColumns.copyOf(COLUMNS);

    COLUMNS.forEach((name, value) -> assertThat(columns).containsEntry(name, value));
    assertThat(columns).doesNotContainKeys("", "b", "zz", "topi", "topics");
    assertThat(columns.get("b")).isNull();
    assertThat(columns.containsKey("b")).isFalse();
  }

  @Test
  void nothingChangesIt() {
    Map<String, String> mutable = new HashMap<>(COLUMNS);
    Map<String, String> columns = CarriedColumns.copyOf(mutable);
    mutable.put("topic", "plants");
    mutable.put("new", "1");

    assertThat(columns).isEqualTo(COLUMNS);
    assertThatThrownBy(() -> columns.put("a", "1"))
        .isInstanceOf(UnsupportedOperationException.class);
    assertThatThrownBy(columns::clear).isInstanceOf(UnsupportedOperationException.class);
    assertThatThrownBy(() -> columns.entrySet().iterator().next().setValue("1"))
        .isInstanceOf(UnsupportedOperationException.class);
  }

  @Test
  void endsAfterTheLast() {
    Iterator<Map.Entry<String, String>> entries =
        CarriedColumns.copyOf(Map.of("a", "1")).entrySet().iterator();
    entries.next();

    assertThat(entries.hasNext()).isFalse();
    assertThatThrownBy(entries::next).isInstanceOf(NoSuchElementException.class);
  }

  @Test
  void isNotCopiedAgain() {
    Map<String, String> columns = CarriedColumns.copyOf(COLUMNS);

    assertThat(CarriedColumns.copyOf(columns)).isSameAs(columns);
    assertThat(CarriedColumns.copyOf(Map.of())).isEmpty();
  }
}
