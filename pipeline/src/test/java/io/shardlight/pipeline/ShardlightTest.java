package io.shardlight.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ShardlightTest {
  private final Path home;

  ShardlightTest(@TempDir Path home) {
    this.home = home;
  }

  @Test
  void tellsItsVersion() {
    Terminal terminal = Terminal.at(home);

    assertThat(terminal.run("--version")).isZero();

    assertThat(terminal.out()).matches("shardlight [0-9]+\\.[0-9]+\\.[0-9]+(-SNAPSHOT)?\\R");
  }

  @Test
  void withoutCommandExplainsItself() {
    Terminal terminal = Terminal.at(home);

    assertThat(terminal.run()).isEqualTo(2);

    assertThat(terminal.errLines()).contains("Usage: ./shardlight COMMAND --name=value ...");
    assertThat(terminal.out()).isEmpty();
  }

  @Test
  void unknownCommandListsWhatThereIs() {
    Terminal terminal = Terminal.at(home);

    assertThat(terminal.run("genrate", "--input=x")).isEqualTo(2);

    assertThat(terminal.errLines())
        .containsExactly(
            "'genrate': no such command; did you mean generate? there are: generate, plan, stage,"
                + " gallery, verify, tokenize, devices");
  }

  @Test
  void wrongOptionsGiveStatusTwoAndALineEach() {
    Terminal terminal = Terminal.at(home);

    assertThat(terminal.run("generate", "--input=" + home + "/none.txt", "--steps=x")).isEqualTo(2);

    assertThat(terminal.out()).isEmpty();
    assertThat(terminal.errLines())
        .hasSize(4)
        .anyMatch(line -> line.startsWith("--steps=x: "))
        .anyMatch(line -> line.startsWith("--input=" + home + "/none.txt: no such file; "))
        .anyMatch(line -> line.startsWith("--output: missing"))
        .last()
        .isEqualTo("Nothing was started. ./shardlight generate --help explains.");
  }
}
