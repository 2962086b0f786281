package io.shardlight.architecture;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideOutsideOfPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideOutsideOfPackages;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import org.junit.jupiter.api.Test;

/** The arrows between the rooms of the house, never the other way. */
class ArchitectureTest {
  private static final JavaClasses OURS =
      new ClassFileImporter()
          .withImportOption(new ImportOption.DoNotIncludeTests())
          .importPackages("io.shardlight");

  private static final String PIPELINE = "io.shardlight.pipeline..";
  private static final String TRANSFORMS = "io.shardlight.transforms..";
  private static final String PROMPTS = "io.shardlight.prompts..";
  private static final String GALLERY = "io.shardlight.gallery..";
  private static final String VERIFY = "io.shardlight.verify..";
  private static final String PARQUET = "io.shardlight.parquet..";
  private static final String IMAGES = "io.shardlight.images..";
  private static final String MODELS = "io.shardlight.models..";
  private static final String DATA = "io.shardlight.data..";
  private static final String DIFFUSION = "io.shardlight.diffusion..";
  private static final String GRAPH = "io.shardlight.diffusion.graph..";
  private static final String ENGINES = "io.shardlight.engines..";

  @Test
  void diffusionKnowsNeitherPipelineNorBeamNorEngines() {
    noClasses()
        .that()
        .resideInAPackage(DIFFUSION)
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(
            PIPELINE,
            TRANSFORMS,
            PROMPTS,
            GALLERY,
            VERIFY,
            MODELS,
            DATA,
            ENGINES,
            "org.apache.beam..",
            "org.apache.avro..",
            "com.google.cloud..",
            "com.google.auth..")
        .check(OURS);
  }

  @Test
  void transformsKnowNeitherPipelineNorEngines() {
    noClasses()
        .that()
        .resideInAnyPackage(TRANSFORMS, PROMPTS, GALLERY, VERIFY, IMAGES, PARQUET, MODELS, DATA)
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(PIPELINE, ENGINES)
        .check(OURS);
  }

  /** Engines are found by ServiceLoader. */
  @Test
  void pipelineNamesNoEngine() {
    noClasses()
        .that()
        .resideInAPackage(PIPELINE)
        .should()
        .dependOnClassesThat()
        .resideInAPackage(ENGINES)
        .check(OURS);
  }

  @Test
  void dataKnowsNoTransforms() {
    noClasses()
        .that()
        .resideInAPackage(DATA)
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(TRANSFORMS, PROMPTS, GALLERY, VERIFY, IMAGES, MODELS)
        .check(OURS);
  }

  /** Files are cut into records wherever they come from; the libraries for it stay here. */
  @Test
  void promptFilesKnowNoTransforms() {
    noClasses()
        .that()
        .resideInAPackage(PROMPTS)
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(TRANSFORMS, GALLERY, "org.apache.beam..", "ai.djl..")
        .check(OURS);
    noClasses()
        .that()
        .resideOutsideOfPackage(PROMPTS)
        .should()
        .dependOnClassesThat()
        .resideInAPackage("de.siegmar..")
        .check(OURS);
  }

  /** Prompt files and manifests share what does without Hadoop; it knows of neither. */
  @Test
  void parquetStaysWithItsFiles() {
    noClasses()
        .that()
        .resideOutsideOfPackages(PROMPTS, PARQUET)
        .should()
        .dependOnClassesThat()
        .resideInAPackage("org.apache.parquet..")
        .check(OURS);
    noClasses()
        .that()
        .resideInAPackage(PARQUET)
        .should()
        .dependOnClassesThat(
            resideInAPackage("io.shardlight..").and(resideOutsideOfPackage(PARQUET)))
        .check(OURS);
  }

  /** Encoders of files take pixels and texts, whoever has them. */
  @Test
  void imageFilesKnowNothingOfOurs() {
    noClasses()
        .that()
        .resideInAPackage(IMAGES)
        .should()
        .dependOnClassesThat(
            resideInAPackage("io.shardlight..").and(resideOutsideOfPackage(IMAGES)))
        .check(OURS);
  }

  /** A dataset is all it needs; java.awt stays with it and with the encoders. */
  @Test
  void galleryKnowsDatasetsOnly() {
    noClasses()
        .that()
        .resideInAPackage(GALLERY)
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(
            PIPELINE, TRANSFORMS, PROMPTS, DIFFUSION, ENGINES, "org.apache.beam..", "ai.djl..")
        .check(OURS);
    noClasses()
        .that()
        .resideOutsideOfPackages(GALLERY, IMAGES)
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("java.awt..", "javax.imageio..", "com.luciad..")
        .check(OURS);
  }

  /** It compares a dataset with what jobs would write, and runs none; no job depends on it. */
  @Test
  void verificationRunsNoJob() {
    noClasses()
        .that()
        .resideInAPackage(VERIFY)
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(PROMPTS, ENGINES, "org.apache.beam..", "ai.djl..")
        .check(OURS);
    noClasses()
        .that()
        .resideOutsideOfPackages(VERIFY, PIPELINE)
        .should()
        .dependOnClassesThat()
        .resideInAPackage(VERIFY)
        .check(OURS);
  }

  @Test
  void enginesSeeOfOursTheGraphOnly() {
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
            "com.sun.jna..",
            "com.google.protobuf..",
            "com.google.errorprone.annotations..",
            "org.jspecify..",
            "org.slf4j..",
            GRAPH,
            ENGINES)
        .check(OURS);
  }

  /** StableHLO and devices stay in the engine, the C API behind its client. */
  @Test
  void pjrtNamesStayInTheirEngine() {
    noClasses()
        .that()
        .resideOutsideOfPackage("io.shardlight.engines.pjrt..")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("io.shardlight.engines.pjrt..")
        .check(OURS);
    noClasses()
        .that()
        .resideOutsideOfPackage("io.shardlight.engines.pjrt.client..")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("com.sun.jna..")
        .check(OURS);
    noClasses()
        .that()
        .resideInAPackage("io.shardlight.engines.pjrt.client..")
        .should()
        .dependOnClassesThat(
            resideInAPackage("io.shardlight..")
                .and(resideOutsideOfPackage("io.shardlight.engines.pjrt.client..")))
        .check(OURS);
  }

  @Test
  void onnxNamesStayInTheirEngine() {
    noClasses()
        .that()
        .resideOutsideOfPackages(
            "io.shardlight.engines.onnxruntime..", "io.shardlight.benchmarks..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("ai.onnx..", "ai.onnxruntime..", "ai.djl.onnxruntime..", "org.tribuo..")
        .check(OURS);
  }

  /** Files and their hashes are all that staging knows of a model; it runs none. */
  @Test
  void stagingKnowsNoNetworks() {
    noClasses()
        .that()
        .resideInAPackage(MODELS)
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(
            TRANSFORMS, PROMPTS, GALLERY, VERIFY, IMAGES, "org.apache.beam..", "ai.djl..")
        .check(OURS);
    noClasses()
        .that()
        .resideInAnyPackage("..diffusion.hub..", "..diffusion.transfer..")
        .should()
        .dependOnClassesThat(
            resideInAPackage("io.shardlight..")
                .and(resideOutsideOfPackages("..diffusion.hub..", "..diffusion.transfer..")))
        .check(OURS);
  }

  /** Whoever uses a dataset sees an ObjectStore, wherever its objects lie. */
  @Test
  void bucketsAreKnownWhereDatasetsAreStored() {
    noClasses()
        .that()
        .resideOutsideOfPackage(DATA)
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(
            "com.google.cloud..", "com.google.api..", "org.apache.beam.sdk.extensions.gcp..")
        .check(OURS);
  }

  @Test
  void beamStopsAtTransforms() {
    noClasses()
        .that()
        .resideOutsideOfPackages(TRANSFORMS, DATA, PIPELINE)
        .should()
        .dependOnClassesThat()
        .resideInAPackage("org.apache.beam..")
        .check(OURS);
  }

  @Test
  void theGraphDependsOnNothingOfOurs() {
    noClasses()
        .that()
        .resideInAPackage(GRAPH)
        .should()
        .dependOnClassesThat(resideInAPackage("io.shardlight..").and(resideOutsideOfPackage(GRAPH)))
        .check(OURS);
  }

  @Test
  void schedulersAndRandomnessArePureArithmetic() {
    noClasses()
        .that()
        .resideInAnyPackage("..diffusion.scheduler..", "..diffusion.random..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("ai.djl..", "..diffusion.model..", "..diffusion.weights..")
        .check(OURS);
  }

  @Test
  void namesSayWhatThingsAre() {
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
        .haveSimpleNameEndingWith("Impl")
        .check(OURS);
  }

  @Test
  void allRoomsAreLookedAt() {
    assertThat(OURS.stream().map(c -> c.getPackageName()))
        .contains(
            "io.shardlight.pipeline",
            "io.shardlight.transforms",
            "io.shardlight.prompts",
            "io.shardlight.gallery",
            "io.shardlight.verify",
            "io.shardlight.images",
            "io.shardlight.parquet",
            "io.shardlight.models",
            "io.shardlight.data",
            "io.shardlight.diffusion",
            "io.shardlight.diffusion.graph",
            "io.shardlight.diffusion.hub",
            "io.shardlight.diffusion.transfer",
            "io.shardlight.diffusion.model",
            "io.shardlight.engines.onnxruntime",
            "io.shardlight.engines.pjrt",
            "io.shardlight.engines.pjrt.client");
  }
}
