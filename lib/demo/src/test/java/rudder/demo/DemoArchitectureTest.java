package rudder.demo;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import org.junit.jupiter.api.Test;

/** The arrows of this module, as CONTRIBUTING.md draws them; those below it are held in lib/steering. */
class DemoArchitectureTest {

    private static final JavaClasses MAIN = new ClassFileImporter()
            .withImportOption(location -> !location.contains("/test-classes/") && !location.contains("-tests.jar"))
            .importPackages("rudder");

    @Test
    void theDemoUsesModelsAndWhatSteersThem() {
        classes()
                .that()
                .resideInAPackage("rudder.demo")
                .should()
                .onlyDependOnClassesThat()
                .resideInAnyPackage(
                        "rudder.demo",
                        "rudder.steer",
                        "rudder.steer.natural",
                        "rudder.model",
                        "rudder.model.plant",
                        "rudder.checkpoint.store",
                        "rudder.checkpoint.text",
                        "rudder.checkpoint.tokenizer",
                        "rudder.theory..",
                        "java..",
                        "com.google.gson",
                        "org.ejml.data",
                        "io.undertow..",
                        "org.xnio..",
                        "org.dflib.jjava..")
                .check(MAIN);
    }

    @Test
    void noOtherPackageNamesTheServer() {
        noClasses()
                .that()
                .resideOutsideOfPackage("rudder.demo")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("rudder.demo..", "io.undertow..", "org.xnio..")
                .check(MAIN);
    }

    @Test
    void theDemoReadsAndWritesNoFileByItself() {
        noClasses()
                .that()
                .resideInAPackage("rudder.demo")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("java.nio.file..", "java.net.http..")
                .orShould()
                .dependOnClassesThat()
                .haveNameMatching("java\\.io\\.File.*")
                .check(MAIN);
    }
}
