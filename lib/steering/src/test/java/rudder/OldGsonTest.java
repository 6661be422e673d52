package rudder;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.tngtech.archunit.core.domain.AccessTarget;
import com.tngtech.archunit.core.domain.JavaAccess;
import java.io.File;
import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import rudder.checkpoint.Golden;

/**
 * The class path of the IJava kernel begins with Gson 2.8.5. The build puts that jar into target/old; the property
 * rudder.old names another folder.
 */
class OldGsonTest {

    private static final Path OLD = Path.of(System.getProperty("rudder.old", "target/old"), "gson-2.8.5.jar");
    private static final String GSON = "com.google.gson.";

    @BeforeAll
    static void hasTheJar() {
        Assumptions.assumeTrue(
                Files.exists(OLD) || System.getProperty("surefire.test.class.path") != null,
                "skipped, no " + OLD + ": Maven's build fetches it");
        assertTrue(Files.exists(OLD), "there is no " + OLD);
    }

    @Test
    void everyMemberOfGsonThatRudderUsesIsInTheOldOneToo() throws IOException {
        var missing = new TreeSet<String>();
        int used = 0;
        try (var loader = new URLClassLoader(new URL[] {OLD.toUri().toURL()}, ClassLoader.getPlatformClassLoader())) {
            var tests = List.of(place(OldGsonTest.class), place(Golden.class)); // of this module, and of checkpoint
            for (var type : ArchitectureTest.MAIN) {
                var source = type.getSource().orElseThrow().getUri().toString().replace("file:///", "file:/");
                if (tests.stream().anyMatch(source::startsWith)) {
                    continue;
                }
                for (var access : type.getAccessesFromSelf()) {
                    if (access.getTargetOwner().getName().startsWith(GSON)) {
                        used++;
                        if (!exists(loader, access)) {
                            missing.add(access.getTarget().getFullName());
                        }
                    }
                }
            }
        }
        assertTrue(used > 100, "found " + used + " uses of Gson");
        assertEquals(List.of(), List.copyOf(missing));
    }

    private static String place(Class<?> type) {
        var place = type.getProtectionDomain().getCodeSource().getLocation().toString();
        return place.endsWith(".jar") ? "jar:" + place : place;
    }

    private static boolean exists(ClassLoader loader, JavaAccess<?> access) {
        try {
            var owner = loader.loadClass(access.getTargetOwner().getName());
            var target = access.getTarget();
            if (target instanceof AccessTarget.FieldAccessTarget) {
                return Arrays.stream(owner.getFields())
                        .anyMatch(field -> field.getName().equals(target.getName()));
            }
            var wanted = ((AccessTarget.CodeUnitAccessTarget) target)
                    .getRawParameterTypes().stream().map(type -> type.getName()).toList();
            return (target instanceof AccessTarget.ConstructorCallTarget
                            ? Stream.of(owner.getDeclaredConstructors())
                            : Stream.concat(Stream.of(owner.getMethods()), Stream.of(Object.class.getMethods()))
                                    .filter(method -> method.getName().equals(target.getName())))
                    .anyMatch(unit -> wanted.equals(Arrays.stream(unit.getParameterTypes())
                            .map(Class::getName)
                            .toList()));
        } catch (ClassNotFoundException e) {
            return false;
        }
    }

    /** {@link OldGsonProgram} reads and writes every kind of JSON that notebooks do. */
    @Test
    void everyKindOfJsonIsReadAndWrittenWithTheOldGsonFirst(@TempDir Path folder) throws Exception {
        var paths = new ArrayList<String>();
        paths.add(OLD.toAbsolutePath().toString());
        for (var path : System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"))
                .split(File.pathSeparator)) {
            paths.add(Path.of(path).toAbsolutePath().toString());
        }
        var command = List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx512m",
                "-XX:TieredStopAtLevel=1",
                "--add-modules",
                "jdk.incubator.vector",
                "-Dai.djl.offline=true",
                "-cp",
                String.join(File.pathSeparator, paths),
                "rudder.eval.OldGsonProgram",
                folder.toString());
        var builder = new ProcessBuilder(command).redirectErrorStream(true);
        builder.environment().put("OMP_WAIT_POLICY", "passive");
        var process = builder.redirectOutput(folder.resolve("output").toFile()).start();
        assertTrue(process.waitFor(180, TimeUnit.SECONDS), "still runs after 180 s");
        var output = Files.readString(folder.resolve("output"), StandardCharsets.UTF_8);
        assertEquals(0, process.exitValue(), output);
        assertTrue(output.contains("gson of gson-2.8.5.jar"), output);
        assertFalse(output.contains("Exception"), output);
    }
}
