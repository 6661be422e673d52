package rudder.sweep;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import org.junit.jupiter.api.Test;

/** The arrows of this module, as CONTRIBUTING.md draws them; those below it are held in lib/steering. */
class SweepArchitectureTest {

    private static final JavaClasses MAIN = new ClassFileImporter()
            .withImportOption(location -> !location.contains("/test-classes/") && !location.contains("-tests.jar"))
            .importPackages("rudder");

    @Test
    void sweepUsesStudiesAndWhatTheyMayUse() {
        classes()
                .that()
                .resideInAPackage("rudder.sweep")
                .should()
                .onlyDependOnClassesThat()
                .resideInAnyPackage(
                        "rudder.sweep",
                        "rudder.sweep.unit",
                        "rudder.study",
                        "rudder.eval",
                        "rudder.compare",
                        "rudder.steer",
                        "rudder.steer.rival",
                        "rudder.model",
                        "rudder.model.plant",
                        "rudder.checkpoint.format",
                        "rudder.checkpoint.text",
                        "rudder.checkpoint.tokenizer",
                        "rudder.theory..",
                        "java..",
                        "com.google.gson",
                        "org.ejml.data",
                        "scala..",
                        "org.apache.spark..",
                        "org.apache.hadoop..",
                        "org.apache.parquet..")
                .check(MAIN);
    }

    @Test
    void unitsKnowModelsAndNoComparison() {
        classes()
                .that()
                .resideInAPackage("rudder.sweep.unit")
                .should()
                .onlyDependOnClassesThat()
                .resideInAnyPackage(
                        "rudder.sweep.unit",
                        "rudder.model",
                        "rudder.checkpoint.format",
                        "rudder.theory",
                        "java..",
                        "scala..",
                        "org.apache.spark..",
                        "org.apache.hadoop..",
                        "org.apache.parquet..")
                .check(MAIN);
    }

    @Test
    void noOtherPackageNamesTheCluster() {
        noClasses()
                .that()
                .resideOutsideOfPackage("rudder.sweep..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(
                        "rudder.sweep..", "org.apache.spark..", "org.apache.hadoop..", "org.apache.parquet..")
                .check(MAIN);
    }
}
