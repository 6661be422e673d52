package rudder;

import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.members;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.junit.jupiter.api.Assertions.assertEquals;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaCodeUnit;
import com.tngtech.archunit.core.domain.JavaField;
import com.tngtech.archunit.core.domain.JavaMember;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.domain.JavaType;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;
import com.tngtech.archunit.library.Architectures.LayeredArchitecture;
import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The arrows between packages, as CONTRIBUTING.md draws them. Only main classes are looked at. */
class ArchitectureTest {

    static final JavaClasses MAIN = new ClassFileImporter()
            .withImportOption(location -> !location.contains("/test-classes/") && !location.contains("-tests.jar"))
            .importPackages("rudder");

    private static final List<String> THEORY =
            List.of("rudder.theory", "rudder.theory.plant", "rudder.theory.control", "rudder.theory.bound");
    private static final List<String> KERNEL = List.of("rudder.kernel");
    private static final List<String> CHECKPOINT = List.of(
            "rudder.checkpoint.text",
            "rudder.checkpoint.format",
            "rudder.checkpoint.tokenizer.jinja.syntax",
            "rudder.checkpoint.tokenizer.jinja",
            "rudder.checkpoint.tokenizer.part",
            "rudder.checkpoint.tokenizer",
            "rudder.checkpoint",
            "rudder.checkpoint.store");
    private static final List<String> STEERING = List.of(
            "rudder.model.engine",
            "rudder.model.transformer",
            "rudder.model.gradient",
            "rudder.model.decoder",
            "rudder.model.plant",
            "rudder.model.memory",
            "rudder.model.pass",
            "rudder.model",
            "rudder.steer",
            "rudder.steer.natural",
            "rudder.steer.rival",
            "rudder.compare");
    private static final String[] INTERNAL = {
        "rudder.model.transformer..",
        "rudder.model.engine..",
        "rudder.model.decoder..",
        "rudder.model.gradient..",
        "rudder.model.pass.."
    };

    private static final List<String> FOUNDATIONS = join(THEORY, join(KERNEL, CHECKPOINT));
    private static final List<String> BELOW_STUDIES = join(FOUNDATIONS, STEERING);
    private static final List<String> BELOW_REPORT = join(BELOW_STUDIES, List.of("rudder.study", "rudder.eval"));
    private static final List<String> ALL = join(
            BELOW_REPORT,
            List.of(
                    "rudder.report",
                    "rudder.experiment.statistics",
                    "rudder.experiment.condition",
                    "rudder.experiment",
                    "rudder.experiment.judge"));

    private static final Pattern PACKAGE = Pattern.compile("(?m)^package ([a-z.]+);");
    private static final Pattern IMPORT = Pattern.compile("(?m)^import (?:static )?([a-z.]+)\\.[A-Z]");

    @Test
    void everyPackageHasItsPlace() {
        var found = MAIN.stream().map(JavaClass::getPackageName).collect(Collectors.toCollection(TreeSet::new));
        assertEquals(new TreeSet<>(ALL), found, "a new package needs its arrows here and in CONTRIBUTING.md");
    }

    @Test
    void aPackageUsesOnlyThoseBelowIt() {
        var rule = layeredArchitecture().consideringOnlyDependenciesInLayers();
        for (var layer : ALL) {
            rule = rule.layer(layer).definedBy(layer);
        }
        rule = eachUsesThoseBefore(rule, THEORY, List.of());
        rule = eachUsesThoseBefore(rule, KERNEL, List.of());
        rule = eachUsesThoseBefore(rule, CHECKPOINT, KERNEL);
        rule = eachUsesThoseBefore(rule, STEERING, FOUNDATIONS);
        // siblings: neither knows the other
        rule = mayUse(rule, "rudder.study", BELOW_STUDIES);
        rule = mayUse(rule, "rudder.eval", BELOW_STUDIES);
        rule = mayUse(rule, "rudder.report", BELOW_REPORT);
        rule = mayUse(rule, "rudder.experiment.statistics", BELOW_STUDIES);
        rule = mayUse(rule, "rudder.experiment.condition", join(BELOW_STUDIES, List.of("rudder.study")));
        var experiment = join(BELOW_REPORT, List.of("rudder.experiment.statistics", "rudder.experiment.condition"));
        rule = mayUse(rule, "rudder.experiment", experiment);
        rule = mayUse(rule, "rudder.experiment.judge", join(experiment, List.of("rudder.experiment")));
        rule.check(MAIN);
    }

    /** An import for a link in Javadoc leaves no trace in a class, and points up all the same. */
    @Test
    void noImportPointsUp() throws IOException {
        var up = new ArrayList<String>();
        for (var file : HouseTest.javaFiles("/src/main/java/")) {
            var source = Files.readString(file);
            for (var chain : List.of(THEORY, CHECKPOINT, STEERING)) {
                int own = chain.indexOf(name(PACKAGE, source).findFirst().orElse(""));
                name(IMPORT, source)
                        .filter(used -> own >= 0 && chain.indexOf(used) > own)
                        .forEach(used -> up.add(Sources.ROOT.relativize(file) + " imports " + used));
            }
        }
        assertEquals(List.of(), up, "wanted a full name in the link");
    }

    private static Stream<String> name(Pattern pattern, String source) {
        return pattern.matcher(source).results().map(match -> match.group(1));
    }

    @Test
    void onlyTheModelKnowsItsTransformerAndEngine() {
        noClasses()
                .that()
                .resideOutsideOfPackage("rudder.model..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(INTERNAL)
                .check(MAIN);
    }

    @Test
    void noUserMeetsATensorOfTheEngine() {
        members()
                .that()
                .areDeclaredInClassesThat(not(resideInAnyPackage(INTERNAL)))
                .should(nameNo("ai.djl.ndarray"))
                .check(MAIN);
    }

    @Test
    void onlyTheStoreUsesTheNetwork() {
        noClasses()
                .that()
                .resideOutsideOfPackage("rudder.checkpoint.store")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("java.net.http..")
                .check(MAIN);
    }

    @Test
    void packagesFormNoCycles() {
        slices().matching("rudder.(**)").should().beFreeOfCycles().check(MAIN);
    }

    private static LayeredArchitecture eachUsesThoseBefore(
            LayeredArchitecture rule, List<String> chain, List<String> below) {
        for (int i = 0; i < chain.size(); i++) {
            rule = mayUse(rule, chain.get(i), join(below, chain.subList(0, i)));
        }
        return rule;
    }

    private static LayeredArchitecture mayUse(LayeredArchitecture rule, String layer, List<String> others) {
        return others.isEmpty()
                ? rule.whereLayer(layer).mayNotAccessAnyLayer()
                : rule.whereLayer(layer).mayOnlyAccessLayers(others.toArray(String[]::new));
    }

    private static List<String> join(List<String> first, List<String> second) {
        return Stream.concat(first.stream(), second.stream()).toList();
    }

    /** Types in the package may stand in no signature that code outside can see; type arguments count. */
    private static ArchCondition<JavaMember> nameNo(String packageName) {
        return new ArchCondition<>("name no type of " + packageName + " where users can see it") {
            @Override
            public void check(JavaMember member, ConditionEvents events) {
                var seen = isExposed(member.getModifiers()) && isExposed(member.getOwner());
                if (seen
                        && signature(member)
                                .anyMatch(type -> type.getPackageName().startsWith(packageName))) {
                    events.add(SimpleConditionEvent.violated(
                            member, member.getFullName() + " in " + member.getSourceCodeLocation()));
                }
            }
        };
    }

    private static Stream<JavaClass> signature(JavaMember member) {
        Stream<? extends JavaType> types = member instanceof JavaField field
                ? Stream.of(field.getType())
                : Stream.concat(
                        Stream.of(((JavaCodeUnit) member).getReturnType()),
                        ((JavaCodeUnit) member).getParameterTypes().stream());
        return types.flatMap(type -> type.getAllInvolvedRawTypes().stream()).map(JavaClass::getBaseComponentType);
    }

    private static boolean isExposed(JavaClass type) {
        return isExposed(type.getModifiers())
                && type.getEnclosingClass().map(ArchitectureTest::isExposed).orElse(true);
    }

    private static boolean isExposed(Set<JavaModifier> modifiers) {
        return modifiers.contains(JavaModifier.PUBLIC) || modifiers.contains(JavaModifier.PROTECTED);
    }
}
