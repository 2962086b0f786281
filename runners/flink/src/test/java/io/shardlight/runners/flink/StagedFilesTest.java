package io.shardlight.runners.flink;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class StagedFilesTest {
  @ParameterizedTest
  @ValueSource(
      strings = {
        "flink-runtime-1.19.0.jar",
        "flink-core-1.19.3.jar",
        "flink-rpc-akka-loader-1.19.0.jar",
        "flink-shaded-guava-31.1-jre-17.0.jar",
        "slf4j-api-2.0.16.jar",
        "slf4j-jdk14-2.0.16.jar",
        "beam-runners-direct-java-2.70.0.jar"
      })
  void leavesOutWhatTheClusterHas(String name) {
    assertThat(StagedFiles.isLeftOut(Path.of("/m2", name))).isTrue();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "beam-runners-flink-1.19-2.70.0.jar",
        "shardlight-flink-0.1.0-SNAPSHOT.jar",
        "onnxruntime-1.29.0.jar",
        "commons-io-2.16.1.jar",
        "classes"
      })
  void sendsTheRest(String name) {
    assertThat(StagedFiles.isLeftOut(Path.of("/flink-runtime-1.19.0.jar", name))).isFalse();
  }
}
