package io.shardlight.engines.pjrt.client;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import org.junit.jupiter.api.Test;

class ClientArchitectureTest {
  private static final String CLIENT = "io.shardlight.engines.pjrt.client..";

  @Test
  void clientKnowsNothingOfShardlight() {
    JavaClasses all =
        new ClassFileImporter()
            .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
            .importPackages("io.shardlight.engines.pjrt.client");

    classes()
        .that()
        .resideInAPackage(CLIENT)
        .should()
        .onlyDependOnClassesThat()
        .resideInAnyPackage(CLIENT, "java..", "com.sun.jna..", "org.jspecify..")
        .check(all);
  }
}
