package io.shardlight.flink;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import org.junit.jupiter.api.Test;

/** The arrows from and to the runners: {@code runners/* → pipeline}, never the other way. */
class RunnersArchitectureTest {
  private static final String RUNNERS = "io.shardlight.runners..";
  private static final JavaClasses OURS =
      new ClassFileImporter()
          .withImportOption(new ImportOption.DoNotIncludeTests())
          .importPackages("io.shardlight");

  /** They are found by ServiceLoader. */
  @Test
  void nobodyKnowsARunner() {
    noClasses()
        .that()
        .resideOutsideOfPackage(RUNNERS)
        .should()
        .dependOnClassesThat()
        .resideInAPackage(RUNNERS)
        .check(OURS);
  }

  @Test
  void runnersKnowThePipelineOnly() {
    noClasses()
        .that()
        .resideInAPackage(RUNNERS)
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(
            "io.shardlight.transforms..",
            "io.shardlight.data..",
            "io.shardlight.diffusion..",
            "io.shardlight.engines..",
            "ai.djl..")
        .check(OURS);
  }

  @Test
  void flinkStaysWithItsRunner() {
    noClasses()
        .that()
        .resideOutsideOfPackage("io.shardlight.runners.flink..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("org.apache.flink..", "org.apache.beam.runners.flink..")
        .check(OURS);
  }
}
