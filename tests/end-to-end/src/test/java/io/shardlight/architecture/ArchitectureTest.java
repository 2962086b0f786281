package io.shardlight.architecture;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.importer.ImportOption.DoNotIncludeTests;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/** The arrows between the rooms of the house, never the other way. */
@AnalyzeClasses(packages = "io.shardlight", importOptions = DoNotIncludeTests.class)
class ArchitectureTest {
  private static final String PIPELINE = "io.shardlight.pipeline..";
  private static final String TRANSFORMS = "io.shardlight.transforms..";
  private static final String DATA = "io.shardlight.data..";
  private static final String DIFFUSION = "io.shardlight.diffusion..";
  private static final String GRAPH = "io.shardlight.diffusion.graph..";
  private static final String ENGINES = "io.shardlight.engines..";

  @ArchTest
  static final ArchRule diffusionKnowsNeitherPipelineNorBeamNorEngines =
      noClasses()
          .that()
          .resideInAPackage(DIFFUSION)
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              PIPELINE, TRANSFORMS, DATA, ENGINES, "org.apache.beam..", "org.apache.avro..");

  @ArchTest
  static final ArchRule transformsKnowNeitherPipelineNorEngines =
      noClasses()
          .that()
          .resideInAnyPackage(TRANSFORMS, DATA)
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(PIPELINE, ENGINES);

  @ArchTest
  static final ArchRule dataKnowsNoTransforms =
      noClasses()
          .that()
          .resideInAPackage(DATA)
          .should()
          .dependOnClassesThat()
          .resideInAPackage(TRANSFORMS);

  @ArchTest
  static final ArchRule enginesSeeOfOursTheGraphOnly =
      classes()
          .that()
          .resideInAPackage(ENGINES)
          .should()
          .onlyDependOnClassesThat()
          .resideInAnyPackage(
              "java..",
              "ai.djl..",
              "ai.onnxruntime..",
              "ai.onnx..",
              "com.google.protobuf..",
              "com.google.errorprone.annotations..",
              "org.jspecify..",
              "org.slf4j..",
              GRAPH,
              ENGINES);

  @ArchTest
  static final ArchRule onnxNamesStayInTheirEngine =
      noClasses()
          .that()
          .resideOutsideOfPackages(
              "io.shardlight.engines.onnxruntime..", "io.shardlight.benchmarks..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              "ai.onnx..", "ai.onnxruntime..", "ai.djl.onnxruntime..", "org.tribuo..");

  @ArchTest
  static final ArchRule beamStopsAtTransforms =
      noClasses()
          .that()
          .resideOutsideOfPackages(TRANSFORMS, DATA, PIPELINE)
          .should()
          .dependOnClassesThat()
          .resideInAPackage("org.apache.beam..");

  @ArchTest
  static final ArchRule theGraphDependsOnNothingOfOurs =
      noClasses()
          .that()
          .resideInAPackage(GRAPH)
          .should()
          .dependOnClassesThat(
              com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage(
                      "io.shardlight..")
                  .and(
                      com.tngtech.archunit.core.domain.JavaClass.Predicates.resideOutsideOfPackage(
                          GRAPH)));

  @ArchTest
  static final ArchRule schedulersAndRandomnessArePureArithmetic =
      noClasses()
          .that()
          .resideInAnyPackage("..diffusion.scheduler..", "..diffusion.random..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("ai.djl..", "..diffusion.model..", "..diffusion.weights..");

  @ArchTest
  static final ArchRule namesSayWhatThingsAre =
      noClasses()
          .should()
          .haveSimpleNameEndingWith("Utils")
          .orShould()
          .haveSimpleNameEndingWith("Util")
          .orShould()
          .haveSimpleNameEndingWith("Helper")
          .orShould()
          .haveSimpleNameEndingWith("Manager")
          .orShould()
          .haveSimpleNameEndingWith("Impl");
}
