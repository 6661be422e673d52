package rudder.demo;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.undertow.Handlers;
import io.undertow.Undertow;
import io.undertow.UndertowOptions;
import io.undertow.server.HttpHandler;
import io.undertow.server.HttpServerExchange;
import io.undertow.server.handlers.BlockingHandler;
import io.undertow.util.Headers;
import io.undertow.util.HttpString;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.stream.Stream;
import org.xnio.Options;

/** Serves the page and its requests. Answers nothing without the token, and reads and writes no file. */
final class PageServer implements AutoCloseable {

    private static final String PAGE = "/rudder/demo/page/";
    private static final Map<String, String> TYPES = Map.of(
            "html", "text/html; charset=utf-8",
            "css", "text/css; charset=utf-8",
            "js", "text/javascript; charset=utf-8",
            "json", "application/json",
            "svg", "image/svg+xml");
    private static final List<String> FILES =
            List.of("index.html", "style.css", "main.js", "charts.js", "scenes.json", "icon.svg");
    private static final String D3 = "d3.js";
    /** Where JupyterHub, as on Binder, serves this user; names the variable of the environment. */
    static final String HUB = "JUPYTERHUB_SERVICE_PREFIX";

    /** Everything comes from this server; nothing inline runs, whatever a visitor types. */
    private static final Map<String, String> HEADERS = Map.of(
            "Content-Security-Policy",
            "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data: blob:;"
                    + " base-uri 'none'; form-action 'none'",
            "Referrer-Policy",
            "no-referrer", // the address holds the token
            "X-Content-Type-Options",
            "nosniff",
            "Cache-Control",
            "no-store",
            "X-Accel-Buffering",
            "no");

    /** Loggers that would otherwise say on every start that they start; held, or their level is lost. */
    private static final List<Logger> QUIET = Stream.of("io.undertow", "org.xnio", "org.jboss.threads")
            .map(Logger::getLogger)
            .toList();

    private static final long MOST_BYTES = 256 * 1024;
    private static final int REQUESTS = 24;
    private static final int SILENCE = 30_000; // milliseconds after which a client that reads nothing is given up
    private static final long BEAT = 1_000; // milliseconds between signs of life
    private static final int VISITOR = 64; // characters of a page's own mark

    private static final int BAD_REQUEST = 400;
    private static final int FORBIDDEN = 403;
    private static final int NOT_FOUND = 404;
    private static final int TOO_MANY = 429;

    private final Laboratory laboratory;
    private final DemoOptions options;
    private final Line line;
    private final Undertow server;
    private final byte[] d3;

    PageServer(Laboratory laboratory, DemoOptions options, Line line) throws IOException {
        this.laboratory = laboratory;
        this.options = options;
        this.line = line;
        d3 = webJar("d3", "dist/d3.min.js");
        QUIET.forEach(logger -> logger.setLevel(Level.WARNING));
        server = Undertow.builder()
                .addHttpListener(options.port(), options.host())
                .setIoThreads(1)
                .setWorkerThreads(REQUESTS)
                .setWorkerOption(Options.THREAD_DAEMON, true)
                .setSocketOption(Options.WRITE_TIMEOUT, SILENCE)
                .setServerOption(UndertowOptions.MAX_ENTITY_SIZE, MOST_BYTES)
                .setServerOption(UndertowOptions.NO_REQUEST_TIMEOUT, SILENCE)
                .setServerOption(UndertowOptions.REQUEST_PARSE_TIMEOUT, SILENCE)
                .setHandler(Handlers.requestLimitingHandler(
                        REQUESTS, REQUESTS, new BlockingHandler(errorsAsAnswers(this::answer))))
                .build();
        try {
            server.start();
        } catch (RuntimeException e) {
            throw new IOException(
                    "cannot listen at " + options.host() + ":" + options.port() + " (" + e.getMessage()
                            + "): choose another port, or 0 for any free one",
                    e);
        }
    }

    /** Returns the port at which this listens. */
    int port() {
        return ((InetSocketAddress) server.getListenerInfo().get(0).getAddress()).getPort();
    }

    /** Reads a file of a WebJar, whose folder has the version in its name. */
    private static byte[] webJar(String name, String file) throws IOException {
        var version = new Properties();
        try (var in =
                PageServer.class.getResourceAsStream("/META-INF/maven/org.webjars.npm/" + name + "/pom.properties")) {
            if (in == null) {
                throw new IOException("the WebJar " + name + " is not on the class path, wanted beside this one");
            }
            version.load(in);
        }
        return resource("/META-INF/resources/webjars/" + name + "/" + version.getProperty("version") + "/" + file);
    }

    private static byte[] resource(String name) throws IOException {
        try (var in = PageServer.class.getResourceAsStream(name)) {
            if (in == null) {
                throw new IOException("there is no resource " + name + " on the class path");
            }
            return in.readAllBytes();
        }
    }

    private HttpHandler errorsAsAnswers(HttpHandler next) {
        return exchange -> {
            HEADERS.forEach((name, value) -> exchange.getResponseHeaders().put(new HttpString(name), value));
            try {
                next.handleRequest(exchange);
            } catch (IllegalArgumentException | IllegalStateException e) {
                refuse(exchange, BAD_REQUEST, e.getMessage());
            }
        };
    }

    private static void refuse(HttpServerExchange exchange, int status, String why) throws IOException {
        exchange.setStatusCode(status);
        reply(exchange, Job.error(why));
    }

    private static void reply(HttpServerExchange exchange, JsonObject json) throws IOException {
        send(exchange, TYPES.get("json"), json.toString().getBytes(StandardCharsets.UTF_8));
    }

    private static void send(HttpServerExchange exchange, String type, byte[] bytes) throws IOException {
        exchange.getResponseHeaders().put(Headers.CONTENT_TYPE, type);
        exchange.setResponseContentLength(bytes.length);
        exchange.getOutputStream().write(bytes);
        exchange.getOutputStream().close();
    }

    /** Returns the path behind the token; empty without the right token. */
    private Optional<String> behindToken(HttpServerExchange exchange) {
        String path = exchange.getRelativePath();
        if (isToken(exchange.getRequestHeaders().getFirst(DemoOptions.HEADER))) {
            return Optional.of(path.substring(1));
        }
        int end = path.indexOf('/', 1);
        return end > 0 && isToken(path.substring(1, end)) ? Optional.of(path.substring(end + 1)) : Optional.empty();
    }

    private boolean isToken(String given) {
        byte[] wanted = options.token().getBytes(StandardCharsets.UTF_8);
        return given != null && MessageDigest.isEqual(given.getBytes(StandardCharsets.UTF_8), wanted);
    }

    private void answer(HttpServerExchange exchange) throws IOException, InterruptedException {
        var name = behindToken(exchange);
        if (name.isEmpty()) {
            refuse(
                    exchange,
                    FORBIDDEN,
                    "the address lacks the demo's token: copy the whole address, as it was printed");
            return;
        }
        switch (exchange.getRequestMethod() + " " + name.get()) {
            case "GET " -> file(exchange, "index.html");
            case "GET " + D3 -> send(exchange, TYPES.get("js"), d3);
            case "GET about" -> reply(exchange, about());
            case "POST write" -> write(exchange, body(exchange));
            case "POST measure" -> measure(exchange, body(exchange));
            case "POST turn" -> turn(exchange, body(exchange));
            case "POST disturb" -> disturb(exchange, body(exchange));
            case "POST stop" -> stop(exchange, body(exchange));
            case "POST java" -> java(exchange, body(exchange));
            default -> {
                if (exchange.getRequestMethod().toString().equals("GET") && FILES.contains(name.get())) {
                    file(exchange, name.get());
                } else {
                    refuse(exchange, NOT_FOUND, "there is no such page");
                }
            }
        }
    }

    private static void file(HttpServerExchange exchange, String name) throws IOException {
        send(exchange, TYPES.get(name.substring(name.lastIndexOf('.') + 1)), resource(PAGE + name));
    }

    private static Fields body(HttpServerExchange exchange) throws IOException {
        return Fields.parse(new String(exchange.getInputStream().readAllBytes(), StandardCharsets.UTF_8));
    }

    /** What the page needs to know before it can ask for anything. */
    private JsonObject about() {
        var model = laboratory.model();
        var about = new JsonObject();
        about.addProperty("model", model.name());
        about.addProperty("blocks", model.horizon());
        about.addProperty("chat", laboratory.chats());
        about.addProperty("tokens", options.tokens());
        about.addProperty("characters", options.characters());
        Optional.ofNullable(System.getenv(HUB))
                .ifPresent(hub -> about.addProperty("notebooks", hub + "lab/tree/notebooks/"));
        var concepts = new JsonArray();
        Concepts.NAMES.forEach(concepts::add);
        about.add("concepts", concepts);
        var laws = new JsonArray();
        Arrays.stream(Law.values()).forEach(law -> {
            var one = new JsonObject();
            one.addProperty("id", law.id);
            one.addProperty("title", law.title);
            one.addProperty("atOneBlock", law.atOneBlock);
            law.usualBlock(model.horizon()).ifPresent(block -> one.addProperty("block", block));
            laws.add(one);
        });
        about.add("laws", laws);
        return about;
    }

    private void write(HttpServerExchange exchange, Fields fields) throws IOException, InterruptedException {
        var wish = Wish.of(fields, laboratory.model(), options);
        stream(exchange, new Job(fields.text("visitor", VISITOR), job -> {
            var measured = new ArrayList<MeasuredConcept>();
            for (var concept : wish.concepts()) {
                measured(job, concept, wish.law());
                measured.add(measured(job, concept, wish.other()));
            }
            var scribe = new Scribe(laboratory.model(), wish, measured, job::send);
            job.writes(scribe);
            var texts = scribe.write();
            var done = Job.event("done");
            done.addProperty("steered", texts.get(0).text());
            done.addProperty("other", texts.get(1).text());
            done.addProperty("steeredBy", texts.get(0).controller());
            done.addProperty("otherBy", texts.get(1).controller());
            return done;
        }));
    }

    private void measure(HttpServerExchange exchange, Fields fields) throws IOException, InterruptedException {
        var concept = Wish.wanted(fields, "concept", "strength", options);
        stream(exchange, new Job(fields.text("visitor", VISITOR), job -> {
            measured(job, concept, Law.NONE);
            return Job.event("done");
        }));
    }

    private MeasuredConcept measured(Job job, Wish.Wanted concept, Law law) throws IOException {
        return laboratory.measure(concept.set(), law, fraction -> {
            var event = Job.event("measuring");
            event.addProperty("concept", concept.set().name());
            event.addProperty("fraction", fraction);
            job.send(event);
        });
    }

    private void turn(HttpServerExchange exchange, Fields fields) throws IOException {
        var strengths = new ArrayList<Double>();
        strengths.add(fields.number("strength", Wish.LEAST, Wish.MOST));
        if (fields.has("secondStrength")) {
            strengths.add(fields.number("secondStrength", Wish.LEAST, Wish.MOST));
        }
        writing(fields).ifPresent(scribe -> scribe.turn(strengths));
        reply(exchange, Job.event("turned"));
    }

    private void disturb(HttpServerExchange exchange, Fields fields) throws IOException {
        writing(fields).ifPresent(Scribe::disturb);
        reply(exchange, Job.event("disturbed"));
    }

    private void stop(HttpServerExchange exchange, Fields fields) throws IOException {
        line.find(fields.text("job", VISITOR)).ifPresent(line::leave);
        reply(exchange, Job.event("stopping"));
    }

    /** Returns what writes for a job; empty if it has ended, which a page learns a moment later. */
    private Optional<Scribe> writing(Fields fields) {
        return line.find(fields.text("job", VISITOR)).map(Job::scribe);
    }

    private void java(HttpServerExchange exchange, Fields fields) throws IOException {
        var json = Job.event("java");
        var model = laboratory.model();
        json.addProperty("text", JavaText.of(Wish.of(fields, model, options), model));
        reply(exchange, json);
    }

    /** Puts a job in the line and streams its events until the last one, as server-sent events. */
    private void stream(HttpServerExchange exchange, Job job) throws IOException, InterruptedException {
        if (!line.join(job)) {
            refuse(exchange, TOO_MANY, "the line is full: others wait already, try again in a minute");
            return;
        }
        exchange.getResponseHeaders().put(Headers.CONTENT_TYPE, "text/event-stream; charset=utf-8");
        var first = Job.event("job");
        first.addProperty("job", job.id);
        try {
            write(exchange, first);
            for (JsonObject event = first; !Job.isLast(event); ) {
                var ahead = line.ahead(job);
                if (ahead.isPresent()) {
                    var place = Job.event("place");
                    place.addProperty("ahead", ahead.get());
                    write(exchange, place);
                }
                event = job.next(BEAT);
                if (event == null) {
                    event = Job.event("alive"); // so that a page that has gone is noticed
                }
                write(exchange, event);
            }
        } finally {
            line.leave(job); // the page has gone, or the job has ended
        }
        exchange.getOutputStream().close();
    }

    private static void write(HttpServerExchange exchange, JsonObject event) throws IOException {
        exchange.getOutputStream().write(("data: " + event + "\n\n").getBytes(StandardCharsets.UTF_8));
        exchange.getOutputStream().flush();
    }

    @Override
    public void close() {
        server.stop();
    }
}
