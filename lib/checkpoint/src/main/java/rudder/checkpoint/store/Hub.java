package rudder.checkpoint.store;

import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpHeaders;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.HttpTimeoutException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import rudder.checkpoint.Checkpoint;

/**
 * A client of the Hugging Face hub, or of a server with the same protocol:
 * {@code ENDPOINT/OWNER/NAME/resolve/REVISION/FILE}.
 *
 * <p>An answer names the commit ({@code x-repo-commit}), a size and a checksum. For a file stored elsewhere these are
 * {@code x-linked-size} and {@code x-linked-etag}; otherwise the length of the answer and {@code etag}. The checksum of
 * a large file is SHA-256, that of a small file is git's SHA-1. This class follows redirections itself, so that the
 * token goes to no server but the endpoint.
 */
final class Hub {

    /** The endpoint unless HF_ENDPOINT names another. */
    static final String DEFAULT_ENDPOINT = "https://huggingface.co";

    static final Pattern COMMIT = Pattern.compile("[0-9a-f]{40}");
    /** Literal addresses only: a name may lead anywhere. */
    private static final Pattern LOOPBACK = Pattern.compile("127(\\.\\d{1,3}){3}|\\[::1\\]");

    /** The file is not read: a token goes to a server only if its user hands it over. */
    private static final String LOGIN =
            " (hf auth login keeps one in ~/.cache/huggingface/token, which Rudder does not read)";

    private static final Pattern COUNT = Pattern.compile("\\d{1,18}");
    private static final int REDIRECTIONS = 10;
    private static final int TRIES = 5;
    private static final int SILENT_TRIES = 2;
    /** Bytes that make a try count as progress; fewer in {@link Patience#silence} count as silence. */
    static final int LEAST = 1 << 14;

    /**
     * The waiting times.
     *
     * @param pause wait before the second try; doubles with each further try
     * @param longest longest wait that a server may ask for
     * @param silence time after which a try fails if fewer than {@link #LEAST} bytes came; after two such tries in a
     *     row the fetch is given up
     */
    record Patience(Duration pause, Duration longest, Duration silence) {
        static final Patience USUAL =
                new Patience(Duration.ofSeconds(1), Duration.ofMinutes(5), Duration.ofSeconds(25));
    }

    /**
     * The server's answer for a file.
     *
     * @param status HTTP status
     * @param headers headers of the last redirection
     * @param body the content, to be closed
     * @param commit the file's commit; null if the server names none
     * @param checksum the file's checksum; null if the server gives none
     * @param size size of a file stored elsewhere; otherwise -1
     */
    record Answer(int status, HttpHeaders headers, InputStream body, String commit, String checksum, long size) {}

    /** A failure that another try cannot mend. */
    static final class PermanentFailure extends IOException {
        private static final long serialVersionUID = 1L;

        PermanentFailure(String message) {
            super(message);
        }
    }

    /** A failure because the server sends nothing, or next to nothing. */
    static final class Silent extends IOException {
        private static final long serialVersionUID = 1L;

        Silent(String message) {
            super(message);
        }
    }

    /** A failure because the server is busy; the wait is zero if the server names none. */
    private static final class Busy extends IOException {
        private static final long serialVersionUID = 1L;
        private final Duration wait;

        Busy(String message, Duration wait) {
            super(message);
            this.wait = wait;
        }
    }

    /** Work that may fail by chance and is then tried again. */
    interface Attempt<T> {
        /** Makes one try. */
        T run() throws IOException;

        /** Returns a number that grows with progress. After progress, failures are counted anew. */
        default long progress() {
            return 0;
        }
    }

    final Patience patience;
    private final URI endpoint;
    private final String token; // never in a message or toString; null: none
    private final Proxies proxies;
    private final HttpClient client;

    /**
     * Makes a client; connects only when something is requested.
     *
     * @param token null: none
     * @throws IllegalArgumentException if the endpoint is not an http(s) address, the token is malformed, or the token
     *     would be sent unencrypted
     */
    Hub(String endpoint, String token, Proxies proxies, Patience patience) {
        this.endpoint = endpoint(endpoint);
        this.token = token == null || token.isBlank() ? null : token.strip();
        if (this.token != null && !this.token.matches("[\\x21-\\x7e]+")) {
            throw new IllegalArgumentException(
                    "HF_TOKEN (not shown) holds characters that no token has: copy it again, or unset it");
        }
        if (this.token != null
                && this.endpoint.getScheme().equals("http")
                && !LOOPBACK.matcher(this.endpoint.getHost()).matches()) {
            throw new IllegalArgumentException("HF_ENDPOINT is " + this.endpoint
                    + ", which would receive HF_TOKEN unencrypted: use https, a loopback address such as 127.0.0.1,"
                    + " or unset HF_TOKEN");
        }
        this.proxies = proxies;
        this.client = proxies.client()
                .followRedirects(HttpClient.Redirect.NEVER)
                .version(HttpClient.Version.HTTP_1_1)
                .connectTimeout(patience.silence)
                .build();
        this.patience = patience;
    }

    private static URI endpoint(String text) {
        try {
            var endpoint = new URI(text.strip().replaceAll("/+$", ""));
            if (endpoint.getHost() != null
                    && List.of("https", "http").contains(endpoint.getScheme())
                    && endpoint.getUserInfo() == null
                    && endpoint.getQuery() == null
                    && endpoint.getFragment() == null) {
                return endpoint;
            }
        } catch (URISyntaxException e) {
            // thrown below, without the value
        }
        throw new IllegalArgumentException(
                "HF_ENDPOINT is not of the form https://HOST (it is not shown, because it may"
                        + " hold a password): set it to a hub's address, or unset it for " + DEFAULT_ENDPOINT);
    }

    /** Returns the hub of the environment: HF_ENDPOINT, HF_TOKEN, HTTPS_PROXY and the other proxy variables. */
    static Hub ofEnvironment() {
        var env = System.getenv();
        return new Hub(endpointOfEnvironment(), env.get("HF_TOKEN"), Proxies.of(env), Patience.USUAL);
    }

    /** Returns HF_ENDPOINT without a slash at its end, or else the standard one. */
    static String endpointOfEnvironment() {
        String chosen = System.getenv().getOrDefault("HF_ENDPOINT", "").strip().replaceAll("/+$", "");
        return chosen.isEmpty() ? DEFAULT_ENDPOINT : chosen;
    }

    /**
     * Returns the commit of a branch, tag or commit of a repository.
     *
     * @throws IOException if the repository or revision does not exist or may not be read, or the server cannot be
     *     reached
     */
    String commit(String repository, String revision) throws IOException {
        String commit = retry(() -> {
            Answer answer = ask("HEAD", repository, revision, Checkpoint.CONFIG, 0);
            answer.body.close();
            if (answer.status != 200) {
                throw refusal(answer, repository, revision, Checkpoint.CONFIG);
            }
            return String.valueOf(answer.commit);
        });
        if (!COMMIT.matcher(commit).matches()) {
            throw new IOException(endpoint + " names no commit of " + repository
                    + ": it is not a Hugging Face hub. Set HF_ENDPOINT to the address of a hub");
        }
        return commit;
    }

    /**
     * Fetches a file of a repository to {@code target} and checks it. Continues an incomplete file of an earlier try.
     *
     * @return the SHA-256 of the file; empty if the repository has no such file
     * @throws IOException if the file may not be read, the server cannot be reached, or size or checksum differ from
     *     the announced ones
     */
    Optional<String> fetch(String repository, String commit, String name, Path target) throws IOException {
        return retry(new Download(this, repository, commit, name, target));
    }

    /** Requests a file's bytes from {@code from} on and follows redirections. */
    Answer ask(String method, String repository, String revision, String file, long from) throws IOException {
        URI address = URI.create(endpoint + "/" + repository + "/resolve/"
                + URLEncoder.encode(revision, StandardCharsets.UTF_8) + "/" + file);
        String commit = null;
        String checksum = null;
        long size = -1;
        for (int hop = 0; hop <= REDIRECTIONS; hop++) {
            boolean ours = isOurs(address);
            HttpResponse<InputStream> response = send(method, address, ours, from);
            HttpHeaders headers = response.headers();
            if (ours) { // another server's etag need not be a checksum of the file
                commit = headers.firstValue("x-repo-commit").orElse(commit);
                checksum = headers.firstValue("x-linked-etag")
                        .or(() -> headers.firstValue("etag"))
                        .orElse(checksum);
                size = headers.firstValue("x-linked-size").isPresent() ? count(headers, "x-linked-size") : size;
            }
            var location = headers.firstValue("location");
            if (response.statusCode() / 100 != 3 || location.isEmpty()) {
                return new Answer(
                        response.statusCode(),
                        headers,
                        response.body(),
                        commit,
                        checksum == null
                                ? null
                                : checksum.replaceFirst("^W/", "").replace("\"", ""),
                        size);
            }
            response.body().close();
            URI next = redirected(address, location.get());
            if (next.getHost() == null
                    || !"https".equals(next.getScheme()) && !next.getScheme().equals(endpoint.getScheme())) {
                throw new PermanentFailure(
                        endpoint + " redirects away from https, wanted https only: set HF_ENDPOINT to another hub");
            }
            address = next;
        }
        throw new PermanentFailure(endpoint + " redirects more than " + REDIRECTIONS
                + " times: try again later, or set HF_ENDPOINT to another hub");
    }

    /**
     * Returns the number in a header, or -1 if there is no such header.
     *
     * @throws PermanentFailure if it is no number of bytes
     */
    long count(HttpHeaders headers, String name) throws PermanentFailure {
        var value = headers.firstValue(name);
        if (value.isPresent() && !COUNT.matcher(value.get()).matches()) {
            throw new PermanentFailure(endpoint + " answers with the header " + name + ": " + shortened(value.get())
                    + ", wanted a number of bytes: try again later, or set HF_ENDPOINT to another hub");
        }
        return value.isPresent() ? Long.parseLong(value.get()) : -1;
    }

    private static String shortened(String text) {
        return text.length() > 40 ? text.substring(0, 40) + "..." : text;
    }

    private URI redirected(URI address, String location) throws PermanentFailure {
        try {
            return address.resolve(new URI(location));
        } catch (URISyntaxException e) {
            throw new PermanentFailure(
                    endpoint + " redirects to what is no address (it is not shown, because it may hold"
                            + " a signature): try again later, or set HF_ENDPOINT to another hub");
        }
    }

    private HttpRequest request(String method, URI address, boolean ours, long from) {
        var request = HttpRequest.newBuilder(address)
                .method(method, HttpRequest.BodyPublishers.noBody())
                .timeout(patience.silence)
                .header("User-Agent", "rudder")
                .header("Accept-Encoding", "identity");
        if (from > 0) {
            request.header("Range", "bytes=" + from + "-");
        }
        if (ours && token != null) {
            request.header("Authorization", "Bearer " + token);
        }
        proxies.authorization(address).ifPresent(user -> request.header("Proxy-Authorization", user));
        return request.build();
    }

    private boolean isOurs(URI address) {
        return address.getScheme().equals(endpoint.getScheme())
                && address.getHost().equalsIgnoreCase(endpoint.getHost())
                && address.getPort() == endpoint.getPort();
    }

    private HttpResponse<InputStream> send(String method, URI address, boolean ours, long from) throws IOException {
        try {
            return client.send(request(method, address, ours, from), BodyHandlers.ofInputStream());
        } catch (HttpTimeoutException e) {
            throw new Silent(address.getHost() + " did not answer for " + patience.silence.toSeconds() + " s");
        } catch (IllegalArgumentException e) { // of an impossible port, or a length that is no number
            throw new PermanentFailure(
                    endpoint + " answers with a malformed header or redirects to a malformed address:"
                            + " try again later, or set HF_ENDPOINT to another hub");
        } catch (InterruptedException e) {
            throw interrupted();
        }
    }

    static InterruptedIOException interrupted() {
        Thread.currentThread().interrupt();
        return new InterruptedIOException("interrupted while fetching from the hub");
    }

    /** Returns the exception for an answer other than success, with advice. */
    IOException refusal(Answer answer, String repository, String revision, String file) {
        String what =
                repository + (COMMIT.matcher(revision).matches() || revision.equals("main") ? "" : "@" + revision);
        String code = answer.headers.firstValue("x-error-code").orElse("");
        String page = endpoint + "/" + repository;
        int status = answer.status;
        if (status == 429 || status >= 500) {
            var busy = new Busy(endpoint + " answers " + status + " for " + file + " of " + what, wait(answer.headers));
            return busy.wait.compareTo(patience.longest) <= 0
                    ? busy
                    : new PermanentFailure(
                            busy.getMessage() + " and asks to wait " + busy.wait.toSeconds() + " s: try again then");
        }
        return new PermanentFailure(what + ": "
                + switch (status) {
                    case 401 ->
                        token == null
                                ? "the hub has no such model, or does not show it without a token. Check the name;"
                                        + " for a gated model accept its licence at " + page
                                        + " and set HF_TOKEN to a token that may read it" + LOGIN
                                : "the hub does not accept HF_TOKEN (not shown), or has no"
                                        + " such model. Check the name, and make a new token with read permission";
                    case 403 ->
                        "the hub does not let you read it with "
                                + (token == null ? "no token: set HF_TOKEN" + LOGIN : "this HF_TOKEN (not shown)")
                                + ". Accept the model's licence at " + page
                                + " with the token's account, and let the token read gated models";
                    case 404 ->
                        code.equals("EntryNotFound")
                                ? "it has no " + file + ", wanted a checkpoint in Hugging Face's layout."
                                        + " If it has GGUF files, download one by hand and give its path"
                                : code.equals("RevisionNotFound")
                                        ? "it has no revision '" + revision + "'. Check it at " + page
                                        : "neither a path here nor a model on " + endpoint + ". Check the name";
                    case 407 ->
                        "the proxy wants a user and a password (407): put user:password@ into HTTPS_PROXY. If the proxy"
                                + " uses Basic authentication, start Java with"
                                + " -Djdk.http.auth.tunneling.disabledSchemes=";
                    default -> endpoint + " answers " + status + " for " + file;
                });
    }

    /** Returns the wait that Retry-After asks for, in seconds or as a date. */
    private static Duration wait(HttpHeaders headers) {
        String after = headers.firstValue("retry-after").orElse("0").strip();
        try {
            return after.matches("\\d{1,9}")
                    ? Duration.ofSeconds(Long.parseLong(after))
                    : Duration.between(
                            ZonedDateTime.now(), ZonedDateTime.parse(after, DateTimeFormatter.RFC_1123_DATE_TIME));
        } catch (DateTimeParseException e) {
            return Duration.ZERO; // like no Retry-After
        }
    }

    private <T> T retry(Attempt<T> attempt) throws IOException {
        long best = attempt.progress();
        int silent = 0;
        for (int failures = 1; ; failures++) {
            IOException failure;
            try {
                return attempt.run();
            } catch (PermanentFailure | InterruptedIOException e) {
                throw e;
            } catch (IOException e) {
                failure = e;
            }
            if (attempt.progress() >= best + LEAST) {
                best = attempt.progress();
                failures = 1;
                silent = 0;
            }
            silent = failure instanceof Silent ? silent + 1 : 0;
            if (failures == TRIES || silent == SILENT_TRIES) {
                String reason =
                        failure.getMessage() == null ? failure.getClass().getSimpleName() : failure.getMessage();
                throw new IOException(
                        "could not fetch from " + endpoint + ": " + reason + " (" + failures
                                + " tries). What has arrived is kept: try again."
                                + " Behind a proxy set HTTPS_PROXY;"
                                + " without a network copy the checkpoint's folder here and give its path",
                        failure);
            }
            Duration pause = patience.pause.multipliedBy(1L << (failures - 1));
            sleep(failure instanceof Busy busy && busy.wait.compareTo(pause) > 0 ? busy.wait : pause);
        }
    }

    private static void sleep(Duration time) throws IOException {
        try {
            Thread.sleep(time.toMillis());
        } catch (InterruptedException e) {
            throw interrupted();
        }
    }

    @Override
    public String toString() {
        return "Hub[" + endpoint + (token == null ? "" : ", with a token") + "]";
    }
}
