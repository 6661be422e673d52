package rudder.checkpoint.store;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * A hub with one repository, tiny/model, and a second server that keeps its large files; either can be made to fail in
 * any way.
 */
final class FakeHub implements AutoCloseable {

    /** Replaces a proper answer. */
    interface Fault {
        void answer(HttpExchange exchange, byte[] content) throws IOException;

        static Fault status(int status, String... headers) {
            return (exchange, content) -> {
                for (int i = 0; i < headers.length; i += 2) {
                    exchange.getResponseHeaders().set(headers[i], headers[i + 1]);
                }
                exchange.sendResponseHeaders(status, -1);
            };
        }

        /** Sends {@code count} bytes of the requested range, then breaks the connection. */
        static Fault breakingAfter(int count) {
            return (exchange, content) -> {
                byte[] rest = rest(exchange, content, true);
                exchange.getResponseBody().write(rest, 0, Math.min(count, rest.length));
                exchange.getResponseBody().flush();
            };
        }
    }

    final Map<String, byte[]> files = new TreeMap<>();
    final List<String> requests =
            Collections.synchronizedList(new ArrayList<>()); // SERVER METHOD FILE RANGE AUTHORIZATION
    final Map<String, String> commits = new ConcurrentHashMap<>(Map.of("main", "a".repeat(40)));
    private final Map<String, Queue<Fault>> faults = new ConcurrentHashMap<>();
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private final HttpServer hub = start();
    private final HttpServer store = start();

    FakeHub(Path checkpoint) throws IOException {
        try (var all = Files.list(checkpoint)) {
            for (Path file : all.filter(path -> !path.toString().matches(".*(golden.json|npy)"))
                    .toList()) {
                files.put(file.getFileName().toString(), Files.readAllBytes(file));
            }
        }
        hub.createContext("/", exchange -> {
            String path = exchange.getRequestURI().getPath();
            String[] parts = path.split("/"); // "", tiny, model, resolve, revision, file
            String file = parts[parts.length - 1];
            log("hub", exchange, file);
            Fault fault = exchange.getRequestMethod().equals("HEAD") ? next("HEAD") : next("hub " + file);
            byte[] content = files.get(file);
            String commit = commits.values().contains(parts[4]) ? parts[4] : commits.get(parts[4]);
            if (fault != null) {
                fault.answer(exchange, content);
            } else if (!path.startsWith("/tiny/model/") || commit == null || content == null) {
                Fault.status(
                                404,
                                "x-error-code",
                                content == null
                                        ? "EntryNotFound"
                                        : commit == null ? "RevisionNotFound" : "RepoNotFound")
                        .answer(exchange, null);
            } else if (file.endsWith(".safetensors")) {
                Fault.status(
                                302,
                                "x-repo-commit",
                                commit,
                                "x-linked-size",
                                "" + content.length,
                                "x-linked-etag",
                                '"' + sum("SHA-256", content) + '"',
                                "location",
                                address(store) + "/" + file + "?signed=1")
                        .answer(exchange, null);
            } else {
                exchange.getResponseHeaders().set("x-repo-commit", commit);
                exchange.getResponseHeaders().set("etag", '"' + gitSum(content) + '"');
                if (exchange.getRequestMethod().equals("HEAD")) {
                    exchange.sendResponseHeaders(200, -1);
                } else {
                    exchange.getResponseBody().write(rest(exchange, content, true));
                }
            }
            exchange.close();
        });
        store.createContext("/", exchange -> {
            String file = exchange.getRequestURI().getPath().substring(1);
            log("store", exchange, file);
            Fault fault = next("store " + file);
            byte[] content = files.get(file);
            exchange.getResponseHeaders().set("etag", "\"another-sum\"");
            if (fault != null) {
                fault.answer(exchange, content);
            } else {
                exchange.getResponseBody().write(rest(exchange, content, true));
            }
            exchange.close();
        });
    }

    private HttpServer start() throws IOException {
        var server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setExecutor(threads);
        server.start();
        return server;
    }

    private void log(String server, HttpExchange exchange, String file) {
        var headers = exchange.getRequestHeaders();
        requests.add(server + " " + exchange.getRequestMethod() + " " + file
                + (headers.containsKey("Range") ? " " + headers.getFirst("Range") : "")
                + (headers.containsKey("Proxy-Authorization")
                        ? " proxy " + headers.getFirst("Proxy-Authorization")
                        : "")
                + (headers.containsKey("Authorization") ? " " + headers.getFirst("Authorization") : ""));
    }

    private Fault next(String where) {
        var waiting = faults.get(where);
        return waiting == null ? null : waiting.poll();
    }

    /** Sets the next answers at "hub FILE", "store FILE" or "HEAD". */
    void fail(String where, Fault... with) {
        faults.put(where, new ArrayDeque<>(List.of(with)));
    }

    String address() {
        return address(hub);
    }

    String storeAddress() {
        return address(store);
    }

    private static String address(HttpServer server) {
        return "http://127.0.0.1:" + server.getAddress().getPort();
    }

    /** Sends the headers for the requested range and returns its bytes. */
    static byte[] rest(HttpExchange exchange, byte[] content, boolean ranges) throws IOException {
        String range = exchange.getRequestHeaders().getFirst("Range");
        if (range == null || !ranges) {
            exchange.sendResponseHeaders(200, content.length);
            return content;
        }
        int from = Integer.parseInt(range.substring("bytes=".length(), range.length() - 1));
        if (from >= content.length) {
            exchange.getResponseHeaders().set("content-range", "bytes */" + content.length);
            exchange.sendResponseHeaders(416, -1);
            return new byte[0];
        }
        exchange.getResponseHeaders()
                .set("content-range", "bytes " + from + "-" + (content.length - 1) + "/" + content.length);
        exchange.sendResponseHeaders(206, content.length - from);
        return Arrays.copyOfRange(content, from, content.length);
    }

    static String sum(String algorithm, byte[] content) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance(algorithm).digest(content));
        } catch (java.security.NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Returns the checksum that {@code git hash-object} prints. */
    static String gitSum(byte[] content) {
        byte[] head = ("blob " + content.length + "\0").getBytes(StandardCharsets.US_ASCII);
        byte[] all = Arrays.copyOf(head, head.length + content.length);
        System.arraycopy(content, 0, all, head.length, content.length);
        return sum("SHA-1", all);
    }

    @Override
    public void close() {
        hub.stop(0);
        store.stop(0);
        threads.shutdownNow();
    }
}
