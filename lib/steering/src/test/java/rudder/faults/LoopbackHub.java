package rudder.faults;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import javax.net.ServerSocketFactory;
import javax.net.ssl.SSLContext;
import rudder.checkpoint.format.Checksums;

/**
 * A hub with the repository tiny/model that writes its answers byte for byte itself, so that it can also write what no
 * proper server would.
 */
final class LoopbackHub implements AutoCloseable {

    static final String COMMIT = "a".repeat(40);

    /** A request as it came. */
    record Request(String method, String path, Map<String, String> headers) {
        String file() {
            return path.substring(path.lastIndexOf('/') + 1).replaceFirst("\\?.*", "");
        }

        int from() {
            String range = headers.getOrDefault("range", "bytes=0-");
            return Integer.parseInt(range.substring("bytes=".length(), range.length() - 1));
        }
    }

    /** Writes an answer; the connection is closed behind it. */
    interface Answer {
        void write(Request request, OutputStream out) throws IOException, InterruptedException;
    }

    final Map<String, byte[]> files = new TreeMap<>();
    final List<Request> requests = Collections.synchronizedList(new ArrayList<>());
    volatile Answer answer = this::proper;
    private final String scheme;
    private final ServerSocket server;

    /** Serves the files of a folder, but for those that only tests read. */
    LoopbackHub(Path folder) throws IOException {
        this(folder, "http", ServerSocketFactory.getDefault());
    }

    /** Serves them encrypted, under the context's certificate. */
    LoopbackHub(Path folder, SSLContext context) throws IOException {
        this(folder, "https", context.getServerSocketFactory());
    }

    private LoopbackHub(Path folder, String scheme, ServerSocketFactory sockets) throws IOException {
        this.scheme = scheme;
        server = sockets.createServerSocket(0, 50, InetAddress.getLoopbackAddress());
        try (var all = Files.list(folder)) {
            for (Path file : all.filter(path -> !path.toString().matches(".*(golden.json|npy)"))
                    .toList()) {
                files.put(file.getFileName().toString(), Files.readAllBytes(file));
            }
        }
        var thread = new Thread(this::accept, "loopback hub");
        thread.setDaemon(true);
        thread.start();
    }

    String address() {
        return scheme + "://127.0.0.1:" + server.getLocalPort();
    }

    private void accept() {
        while (!server.isClosed()) {
            try {
                Socket socket = server.accept();
                var thread = new Thread(() -> serve(socket), "loopback answer");
                thread.setDaemon(true);
                thread.start();
            } catch (IOException e) {
                return; // closed
            }
        }
    }

    private void serve(Socket socket) {
        try (socket) {
            var in = new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.ISO_8859_1));
            String first = in.readLine();
            if (first == null) {
                return;
            }
            var headers = new TreeMap<String, String>();
            for (String line; (line = in.readLine()) != null && !line.isEmpty(); ) {
                int colon = line.indexOf(':');
                headers.put(
                        line.substring(0, colon).toLowerCase(java.util.Locale.ROOT),
                        line.substring(colon + 1).strip());
            }
            String[] words = first.split(" ");
            var request = new Request(words[0], words[1], headers);
            requests.add(request);
            answer.write(request, socket.getOutputStream());
            socket.getOutputStream().flush();
        } catch (IOException e) {
            // the client has gone, as a killed or a refusing one does
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Answers as a hub does. */
    void proper(Request request, OutputStream out) throws IOException {
        out.write(head(request).getBytes(StandardCharsets.ISO_8859_1));
        if (!request.method.equals("HEAD")) {
            out.write(body(request));
        }
    }

    byte[] body(Request request) {
        byte[] content = files.getOrDefault(request.file(), new byte[0]);
        int from = Math.min(request.from(), content.length);
        return java.util.Arrays.copyOfRange(content, from, content.length);
    }

    /** Returns the lines before the content of a proper answer. */
    String head(Request request) {
        byte[] content = files.get(request.file());
        if (content == null) {
            return head("404 Not Found", "x-error-code: EntryNotFound", "content-length: 0");
        }
        int from = Math.min(request.from(), content.length);
        return head(
                from == 0 ? "200 OK" : "206 Partial Content",
                "x-repo-commit: " + COMMIT,
                "etag: \"" + sha256(content) + "\"",
                "content-length: " + (content.length - from),
                "content-range: bytes " + from + "-" + (content.length - 1) + "/" + content.length);
    }

    static String head(String status, String... headers) {
        return "HTTP/1.1 " + status + "\r\n" + String.join("\r\n", headers) + "\r\nconnection: close\r\n\r\n";
    }

    static String sha256(byte[] content) {
        var digest = Checksums.sha256();
        digest.update(content);
        return Checksums.hex(digest);
    }

    @Override
    public void close() throws IOException {
        server.close();
    }
}
