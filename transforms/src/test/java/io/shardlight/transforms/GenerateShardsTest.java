package io.shardlight.transforms;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.shardlight.data.Example;
import io.shardlight.data.ExamplePlanner;
import io.shardlight.data.GenerationSettings;
import io.shardlight.data.Overrides;
import io.shardlight.data.Prompt;
import io.shardlight.data.PromptSource;
import io.shardlight.data.RunIdentity;
import io.shardlight.data.RunProcess;
import io.shardlight.data.RunScope;
import io.shardlight.data.Sampling;
import io.shardlight.data.ShardKey;
import io.shardlight.data.ShardReport;
import io.shardlight.data.TestSettings;
import io.shardlight.diffusion.graph.DeviceFault;
import io.shardlight.diffusion.scheduler.SchedulerKind;
import io.shardlight.transforms.FaultyDevices.Kind;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.beam.sdk.options.PipelineOptionsFactory;
import org.apache.beam.sdk.transforms.DoFn.OutputReceiver;
import org.apache.beam.sdk.util.SerializableUtils;
import org.apache.beam.sdk.values.KV;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The function by itself, as a runner has it that tries bundles again. */
class GenerateShardsTest {
  private static final GenerationSettings SETTINGS =
      TestSettings.builder().sampling(new Sampling(SchedulerKind.DDIM, 2, 1, 8, 8)).build();

  private final FakeTime time = new FakeTime();
  private final List<ShardReport> reports = new ArrayList<>();
  private final Path folder;

  GenerateShardsTest(@TempDir Path folder) {
    this.folder = folder;
  }

  @AfterEach
  void letGo() {
    time.release();
  }

  @Test
  void aFunctionWhoseDevicesWereLostGoesOnWithFreshOnes() throws Exception {
    FakeDevices fakes = FakeDevices.withSlots(2);
    GenerateShards.GenerateFn one =
        function(FaultyDevices.of(fakes, time).at(0, Kind.LOST).at(1, Kind.HANGS));
    // As on the threads of one worker, which get copies.
    GenerateShards.GenerateFn other = SerializableUtils.clone(one);
    one.setup(PipelineOptionsFactory.create());
    other.setup(PipelineOptionsFactory.create());

    assertThatThrownBy(() -> generate(one)).isInstanceOf(DeviceFault.Lost.class);
    one.teardown();
    assertThatThrownBy(() -> generate(other))
        .isInstanceOf(DeviceFault.Lost.class)
        .hasMessageContaining("the devices must draw 2 images");
    generate(other);
    generate(other);
    other.teardown();

    assertThat(reports).extracting(ShardReport::alreadyPresent).containsExactly(false, true);
    assertThat(fakes.log().loads).hasValue(3);
    assertThat(fakes.log().open).as("the one with the stuck call").hasValue(1);
  }

  private GenerateShards.GenerateFn function(GeneratorFactory devices) {
    RunIdentity run = new RunIdentity("run", RunProcess.current());
    return SerializableUtils.clone(
        new GenerateShards.GenerateFn(
            GenerateShards.with(devices, SETTINGS, folder.toString(), run, RunScope.INCREMENTAL)
                .timedBy(time)));
  }

  @SuppressWarnings("unchecked")
  private void generate(GenerateShards.GenerateFn function) throws Exception {
    List<Example> examples = new ArrayList<>();
    for (int line = 1; line <= 3; line++) {
      PromptSource source = new PromptSource("p.txt", line);
      new ExamplePlanner(SETTINGS)
          .plan(
              new Prompt(source, Prompt.defaultId(source), "a fox", Overrides.NONE, Map.of()),
              examples::add);
    }
    OutputReceiver<ShardReport> receiver =
        (OutputReceiver<ShardReport>)
            Proxy.newProxyInstance(
                getClass().getClassLoader(),
                new Class<?>[] {OutputReceiver.class},
                (proxy, method, arguments) -> {
                  reports.add((ShardReport) arguments[0]);
                  return null;
                });
    function.generate(KV.of(new ShardKey(0, examples.get(0).shape()), examples), receiver);
  }
}
