package io.shardlight.templates;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import org.junit.jupiter.api.Test;

/** The arrows {@code templates → runners/dataflow → pipeline}, never the other way. */
class DataflowArrowsTest {
  private static final String RUNNERS = "io.shardlight.runners..";
  private static final String TEMPLATES = "io.shardlight.templates..";
  private static final JavaClasses OURS =
      new ClassFileImporter()
          .withImportOption(new ImportOption.DoNotIncludeTests())
          .importPackages("io.shardlight");

  @Test
  void nobodyKnowsTheTemplate() {
    noClasses()
        .that()
        .resideOutsideOfPackage(TEMPLATES)
        .should()
        .dependOnClassesThat()
        .resideInAPackage(TEMPLATES)
        .check(OURS);
  }

  /** Runners are found by ServiceLoader. */
  @Test
  void pipelineKnowsNoRunner() {
    noClasses()
        .that()
        .resideOutsideOfPackages(RUNNERS, TEMPLATES)
        .should()
        .dependOnClassesThat()
        .resideInAPackage(RUNNERS)
        .check(OURS);
  }

  @Test
  void dataflowStaysWithItsRunner() {
    noClasses()
        .that()
        .resideOutsideOfPackage(RUNNERS)
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(
            "org.apache.beam.runners.dataflow..", "com.google.api.services.dataflow..")
        .check(OURS);
  }

  @Test
  void templatesKnowNeitherModelNorEngines() {
    noClasses()
        .that()
        .resideInAPackage(TEMPLATES)
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("io.shardlight.diffusion..", "io.shardlight.engines..", "ai.djl..")
        .check(OURS);
  }
}
