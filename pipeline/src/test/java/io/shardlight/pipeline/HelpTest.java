package io.shardlight.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.Method;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.apache.beam.sdk.options.PipelineOptionsFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HelpTest {
  private final Path home;

  HelpTest(@TempDir Path home) {
    this.home = home;
  }

  @Test
  void everyGetterOfGenerateIsDescribed() {
    List<String> getters =
        Arrays.stream(GenerateOptions.class.getDeclaredMethods())
            .filter(m -> m.getParameterCount() == 0)
            .map(OptionSpec::nameOf)
            .toList();

    assertThat(getters).isNotEmpty();
    assertThat(GenerateCommand.CATALOG.names()).containsAll(getters);
  }

  @Test
  void helpListsEveryOptionWithItsDefault() {
    String help = new GenerateCommand().help();

    for (OptionSpec spec : GenerateCommand.CATALOG.specs()) {
      assertThat(help).contains("\n  --" + spec.name());
      if (spec.kind() != OptionSpec.Kind.SWITCH) {
        assertThat(
                spec.required()
                    || spec.defaultValue().isPresent()
                    || !spec.limits().defaultText().isEmpty())
            .as("default of %s", spec.name())
            .isTrue();
      }
    }
    assertThat(help)
        .contains("Default: the model's own, else 7.5.")
        .contains("Default: the model's own.");
    assertThat(help.lines()).allMatch(line -> line.length() <= HelpText.WIDTH);
  }

  @Test
  void defaultsAreWhatBeamGives() throws ReflectiveOperationException {
    GenerateOptions options = PipelineOptionsFactory.create().as(GenerateOptions.class);

    for (Method getter : GenerateOptions.class.getDeclaredMethods()) {
      if (getter.getParameterCount() > 0) {
        continue;
      }
      OptionSpec spec = GenerateCommand.CATALOG.find(OptionSpec.nameOf(getter)).orElseThrow();
      Object value = getter.invoke(options);
      assertThat(value == null ? null : value.toString())
          .as(spec.name())
          .isEqualTo(spec.defaultValue().orElse(null));
    }
  }

  @Test
  void everyExampleIsAcceptedByItsOption() {
    for (OptionSpec spec : GenerateCommand.CATALOG.specs()) {
      if (!spec.limits().example().isEmpty()) {
        assertThat(spec.problem(spec.limits().example())).as(spec.name()).isEmpty();
      }
      spec.defaultValue()
          .ifPresent(value -> assertThat(spec.problem(value)).as(spec.name()).isEmpty());
    }
  }

  @Test
  void optionsOfBeamThatHelpListsExist() {
    assertThat(BeamOptionNames.all()).contains("runner", "targetParallelism");
  }

  @Test
  void oursDoNotHideBeams() {
    Set<String> beams = BeamOptionNames.all();

    for (Method method : GenerateOptions.class.getDeclaredMethods()) {
      if (method.getParameterCount() == 0) {
        assertThat(beams).doesNotContain(OptionSpec.nameOf(method));
      }
    }
  }

  @Test
  void everyCommandHasHelp() {
    Terminal whole = Terminal.at(home);
    assertThat(whole.run("--help")).isZero();

    for (String command :
        List.of("generate", "plan", "stage", "gallery", "verify", "tokenize", "devices")) {
      assertThat(whole.out()).contains("\n  " + command + " ");
      Terminal first = Terminal.at(home);
      assertThat(first.run(command, "--help")).isZero();
      assertThat(Terminal.at(home).run(command, "--help=true")).isZero();
      assertThat(Terminal.at(home).run(command, "--nonsense", "-h")).isZero();
      Terminal second = Terminal.at(home);
      assertThat(second.run("help", command)).isZero();
      assertThat(first.out()).startsWith("Usage: ./shardlight " + command).isEqualTo(second.out());
      assertThat(first.errLines()).isEmpty();
    }
  }

  @Test
  void wrapsAtWidth() {
    assertThat(HelpText.wrap("one two three", 7)).containsExactly("one two", "three");
    assertThat(HelpText.wrap("unbreakable", 4)).containsExactly("unbreakable");
  }
}
