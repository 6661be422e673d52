package rudder.demo;

import java.io.IOException;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.function.UnaryOperator;
import rudder.checkpoint.store.ModelStore;
import rudder.model.LanguageModel;
import rudder.theory.Check;

/**
 * A page on which a visitor steers a model and sees its feedback loop block by block, token by token.
 *
 * <pre>{@code
 * rudder.demo.Demo.open(model)   // JJava shows the page in a frame under the cell
 * }</pre>
 *
 * <p>The server listens at 127.0.0.1 alone unless {@link DemoOptions} say otherwise, and answers nothing without the
 * token in its address. Visitors write one after another. Their texts stay in memory, and go when the page goes.
 */
public final class Demo implements AutoCloseable {

    private static final String USAGE = "usage: rudder.demo.Demo [--model NAME] [--host 127.0.0.1] [--port 0]";
    private static final String TOKEN = "RUDDER_DEMO_TOKEN"; // not an argument, which other users could read
    private static final int FRAME = 1000; // pixels

    private final Line line;
    private final PageServer server;
    private final DemoOptions options;

    private Demo(LanguageModel model, DemoOptions options) throws IOException {
        this.options = options;
        var laboratory = new Laboratory(model);
        line = new Line(options.waiting());
        line.join(new Job(
                "demo",
                job -> { // so that the first visitor need not wait for it
                    laboratory.measure(Concepts.packed(Laboratory.REGULATED), fraction -> {});
                    return Job.event("done");
                }));
        try {
            server = new PageServer(laboratory, options, line);
        } catch (IOException | RuntimeException e) {
            line.close();
            throw e;
        }
    }

    /**
     * Opens a demo of a model, on a free port of this machine.
     *
     * @throws IOException if no port can be opened
     */
    public static Demo open(LanguageModel model) throws IOException {
        return open(model, DemoOptions.standard());
    }

    /**
     * Opens a demo of a model. The model stays the caller's: close it after the demo.
     *
     * @throws IOException if the port cannot be opened
     */
    public static Demo open(LanguageModel model, DemoOptions options) throws IOException {
        return new Demo(Check.given("the model", model), Check.given("the options", options));
    }

    /** Returns the page's address, with the token. */
    public String address() {
        return "http://" + options.host() + ":" + server.port() + path();
    }

    private String path() {
        return "/" + options.token() + "/";
    }

    /**
     * Returns HTML that shows the page in a frame. Under JupyterHub the frame goes through jupyter-server-proxy, which
     * must be installed there. A notebook's {@code display(demo.frame(), "text/html")} shows it.
     */
    public String frame() {
        return frame(System.getenv());
    }

    String frame(Map<String, String> environment) {
        String source = Optional.ofNullable(environment.get(PageServer.HUB))
                .map(prefix -> prefix + "proxy/" + server.port() + path())
                .orElseGet(this::address);
        return "<iframe title=\"Rudder: a live demo\" src=\"" + source + "\" width=\"100%\" height=\"" + FRAME
                + "\" style=\"border:0\"></iframe>";
    }

    /** Ends all texts that are being written, and closes the port. The model stays open. */
    @Override
    public void close() {
        line.close();
        server.close();
    }

    @Override
    public String toString() {
        return "Demo[" + address() + "]";
    }

    /**
     * Loads a model and serves it until the process is ended: {@value #USAGE}. The token is that of the environment
     * variable {@value #TOKEN}, or else a random one. If the model does not load or the port does not open, prints why
     * and exits with 1.
     */
    public static void main(String[] arguments) throws InterruptedException {
        String name = ModelStore.names().get(0);
        var options = DemoOptions.standard();
        String token = System.getenv(TOKEN);
        if (token != null && !token.isBlank()) {
            options = options.withToken(token);
        }
        for (int i = 0; i < arguments.length; i += 2) {
            if (i + 1 == arguments.length) {
                fail("there is no value behind " + arguments[i]);
            }
            String value = arguments[i + 1];
            try {
                UnaryOperator<DemoOptions> change =
                        switch (arguments[i]) {
                            case "--model" -> same -> same;
                            case "--host" -> given -> given.withHost(value);
                            case "--port" -> given -> given.withPort(Integer.parseInt(value));
                            default -> throw new IllegalArgumentException("there is no option " + arguments[i]);
                        };
                options = change.apply(options);
            } catch (IllegalArgumentException e) {
                fail(e.getMessage());
            }
            name = arguments[i].equals("--model") ? value : name;
        }
        try (var model = LanguageModel.load(name);
                var demo = open(model, options)) {
            System.out.println("The demo of " + model.name() + " is at " + demo.address());
            var ended = new CountDownLatch(1);
            Runtime.getRuntime().addShutdownHook(new Thread(demo::close));
            ended.await();
        } catch (IOException | IllegalArgumentException | IllegalStateException e) { // the model or the port
            System.err.println(e.getMessage());
            System.exit(1);
        }
    }

    private static void fail(String why) {
        System.err.println(why + "\n" + USAGE);
        System.exit(2);
    }
}
