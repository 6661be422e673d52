package rudder.sweep;

import java.io.File;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.stream.Stream;

/** Spark processes on this machine, started from the jars on the class path: a master, workers, drivers. */
final class Cluster implements AutoCloseable {

    static final List<String> QUICK_START = List.of("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC");
    private static final String CLASS_PATH =
            System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
    private static final String LOOPBACK = InetAddress.getLoopbackAddress().getHostAddress();

    private final Path home; // SPARK_HOME
    private final String classPath;
    private final List<Process> processes = new ArrayList<>();
    private final List<Process> workers = new ArrayList<>();
    private String master;

    /** Jars of tests and of Rudder, and what only Rudder needs: the assembled jar has them, a cluster has not. */
    private static final List<String> NOT_OF_SPARK = List.of(
            "theory",
            "kernel",
            "checkpoint",
            "steering",
            "sweep",
            "api-",
            "pytorch",
            "tokenizers",
            "onnxruntime",
            "tablesaw",
            "xchart",
            "ejml",
            "langchain4j",
            "extjwnl",
            "junit",
            "archunit");

    /** A cluster whose processes have the class path of this one. */
    static Cluster withRudder(Path folder) throws IOException {
        return new Cluster(folder, CLASS_PATH, jar -> true);
    }

    /** A cluster that has Spark alone. */
    static Cluster ofSpark(Path folder) throws IOException {
        return new Cluster(
                folder, folder.resolve("spark").resolve("jars") + File.separator + "*", jar -> NOT_OF_SPARK.stream()
                        .noneMatch(jar::startsWith));
    }

    private Cluster(Path folder, String classPath, Predicate<String> linked) throws IOException {
        this.classPath = classPath;
        home = Files.createDirectories(folder.resolve("spark"));
        var jars = Files.createDirectories(home.resolve("jars"));
        for (var entry : CLASS_PATH.split(File.pathSeparator)) {
            var jar = Path.of(entry);
            var link = jars.resolve(jar.getFileName());
            if (entry.endsWith(".jar") && !Files.exists(link) && linked.test("" + jar.getFileName())) {
                Files.createSymbolicLink(link, jar.toAbsolutePath());
            }
        }
    }

    /** Starts a master at a free port and two workers of one core each. */
    String standalone() throws IOException, InterruptedException {
        int port = freePort();
        start(
                "master",
                "org.apache.spark.deploy.master.Master",
                "--host",
                LOOPBACK,
                "--port",
                "" + port,
                "--webui-port",
                "0");
        master = "spark://" + LOOPBACK + ":" + port;
        awaitPort(port);
        worker();
        worker();
        return master;
    }

    private void worker() throws IOException {
        workers.add(start(
                "worker" + processes.size(),
                "org.apache.spark.deploy.worker.Worker",
                "--host",
                LOOPBACK,
                "--port",
                "0",
                "--webui-port",
                "0",
                "--cores",
                "1",
                "--memory",
                "1g",
                "--work-dir",
                home.resolve("work").toString(),
                master));
    }

    /** The workers that live. */
    List<Process> workers() {
        return workers.stream().filter(Process::isAlive).toList();
    }

    /** The executors of a worker, which starts no other process. */
    static List<ProcessHandle> executors(Process worker) {
        return worker.descendants()
                .filter(process -> process.info().command().orElse("").endsWith("java"))
                .toList();
    }

    /** Starts a process that runs a sweep. */
    Process driver(String master, Path model, Path folder) throws IOException {
        return start("driver" + processes.size(), Driver.class.getName(), master, model.toString(), folder.toString());
    }

    /** Starts a process of any class. */
    Process start(Class<?> main, String... args) throws IOException {
        return start("driver" + processes.size(), main.getName(), args);
    }

    /** Starts spark-submit in client mode. */
    Process submit(String master, Path jar, Path program, Class<?> main, String... args) throws IOException {
        var all = new ArrayList<>(List.of(
                "--master",
                master,
                "--conf",
                "spark.driver.host=" + LOOPBACK,
                "--conf",
                "spark.driver.bindAddress=" + LOOPBACK,
                "--conf",
                "spark.ui.enabled=false",
                "--conf",
                "spark.executor.cores=1",
                "--conf",
                "spark.executor.memory=512m",
                "--conf",
                "spark.executorEnv.OMP_NUM_THREADS=" + Driver.threads(),
                "--conf",
                "spark.executor.extraJavaOptions=" + SweepSession.OPTIONS + " -Dai.djl.offline=true",
                "--jars",
                jar.toString(),
                "--class",
                main.getName(),
                program.toString()));
        all.addAll(List.of(args));
        return start("submit", "org.apache.spark.deploy.SparkSubmit", all.toArray(String[]::new));
    }

    private Process start(String name, String main, String... args) throws IOException {
        var command = new ArrayList<String>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        // those of this JVM open what Spark needs; the agent of coverage stays away
        ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
                .filter(option -> option.startsWith("--add"))
                .forEach(command::add);
        command.addAll(QUICK_START);
        command.addAll(List.of("-Xmx512m", "-Dai.djl.offline=true", "-cp", classPath, main));
        command.addAll(List.of(args));
        var log = home.resolve(name + ".log").toFile();
        var builder = new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log);
        var environment = builder.environment();
        environment.put("SPARK_HOME", home.toString());
        environment.put("SPARK_SCALA_VERSION", "2.13");
        environment.put("SPARK_LOCAL_IP", LOOPBACK);
        environment.put("OMP_WAIT_POLICY", "passive");
        var process = builder.start();
        processes.add(process);
        return process;
    }

    /** Waits until a driver ends well. */
    void finish(Process driver) throws IOException, InterruptedException {
        if (!driver.waitFor(900, TimeUnit.SECONDS) || driver.exitValue() != 0) {
            throw new AssertionError(logs());
        }
    }

    String logs() throws IOException {
        var all = new StringBuilder();
        try (Stream<Path> files = Files.list(home)) {
            for (var file :
                    files.filter(path -> path.toString().endsWith(".log")).toList()) {
                all.append(file.getFileName()).append('\n').append(Files.readString(file));
            }
        }
        return all.toString();
    }

    private static int freePort() throws IOException {
        try (var socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    private void awaitPort(int port) throws IOException, InterruptedException {
        for (int i = 0; i < 600; i++) {
            try {
                new Socket(InetAddress.getLoopbackAddress(), port).close();
                return;
            } catch (IOException e) {
                Thread.sleep(100); // not listening yet
            }
        }
        throw new AssertionError("no master listens at port " + port + ": " + logs());
    }

    @Override
    public void close() throws IOException {
        for (var process : processes) {
            process.descendants().forEach(ProcessHandle::destroyForcibly);
            process.destroyForcibly();
        }
        try (Stream<Path> links = Files.list(home.resolve("jars"))) {
            for (var link : links.toList()) {
                Files.delete(link); // JUnit would warn of each
            }
        }
    }
}
