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
    void sweepUsesComparisonsAndWhatTheyMayUse() {
        classes()
                .that()
                .resideInAPackage("rudder.sweep")
                .should()
                .onlyDependOnClassesThat()
                .resideInAnyPackage(
                        "rudder.sweep",
                        "rudder.compare",
                        "rudder.steer",
                        "rudder.model",
                        "rudder.checkpoint.format",
                        "rudder.theory..",
                        "java..",
                        "com.google.gson",
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
                .resideOutsideOfPackage("rudder.sweep")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("rudder.sweep", "org.apache.spark..", "org.apache.hadoop..", "org.apache.parquet..")
                .check(MAIN);
    }
}
