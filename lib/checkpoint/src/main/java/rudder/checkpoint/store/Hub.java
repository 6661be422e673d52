package rudder.checkpoint.store;

import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpHeaders;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;
import java.util.Optional;
import java.util.regex.Pattern;
import rudder.checkpoint.Checkpoint;

/**
 * Files of models on the Hugging Face hub, or on a server that answers as it does:
 * {@code ENDPOINT/OWNER/NAME/resolve/REVISION/FILE}.
 *
 * <p>An answer names the commit ({@code x-repo-commit}), and a size and a checksum: {@code x-linked-size} and
 * {@code x-linked-etag} of a file that is kept elsewhere, otherwise the answer's own length and {@code etag}. The
 * checksum is SHA-256 of a large file, git's SHA-1 of a small one. Redirections are followed here, not by Java's
 * client, so that the token goes to the endpoint and to no other server.
 */
final class Hub {

    /** The endpoint unless HF_ENDPOINT names another. */
    static final String DEFAULT_ENDPOINT = "https://huggingface.co";

    private static final Pattern COMMIT = Pattern.compile("[0-9a-f]{40}");
    private static final int REDIRECTIONS = 10;
    private static final int TRIES = 5;

    /**
     * How long to wait.
     *
     * @param pause before the second try; twice as long before each further one
     * @param longest that a server may ask for
     * @param silence after which a server is taken for gone
     */
    record Patience(Duration pause, Duration longest, Duration silence) {
        static final Patience USUAL =
                new Patience(Duration.ofSeconds(1), Duration.ofMinutes(5), Duration.ofSeconds(60));
    }

    /**
     * What the server says of a file, and the stream that follows.
     *
     * @param commit null if it names none
     * @param checksum null if it gives none
     * @param size of the whole file where it is linked, otherwise -1
     */
    record Answer(int status, HttpHeaders headers, InputStream body, String commit, String checksum, long size) {}

    /** What no other try can mend. */
    static final class PermanentFailure extends IOException {
        private static final long serialVersionUID = 1L;

        PermanentFailure(String message) {
            super(message);
        }
    }

    /** A server that is too busy, and says for how long or does not. */
    private static final class Busy extends IOException {
        private static final long serialVersionUID = 1L;
        private final Duration wait;

        Busy(String message, Duration wait) {
            super(message);
            this.wait = wait;
        }
    }

    /** Something that may fail by chance. */
    interface Attempt<T> {
        T run() throws IOException;

        /** Grows while failures may be forgiven. */
        default long progress() {
            return 0;
        }
    }

    final Patience patience;
    private final URI endpoint;
    private final String token; // in no message and no toString; null for none
    private final Proxies proxies;
    private final HttpClient client;

    /**
     * @param token null for none
     * @throws IllegalArgumentException if the endpoint is no http(s) address, the token is malformed, or it would
     *     travel in clear
     */
    Hub(String endpoint, String token, Proxies proxies, Patience patience) {
        this.endpoint = URI.create(endpoint.strip().replaceAll("/+$", ""));
        String scheme = String.valueOf(this.endpoint.getScheme());
        if (this.endpoint.getHost() == null
                || !scheme.equals("https") && !scheme.equals("http")
                || this.endpoint.getUserInfo() != null) {
            throw new IllegalArgumentException(
                    "HF_ENDPOINT is not of the form https://HOST: set it to a hub's address, or unset it for "
                            + DEFAULT_ENDPOINT);
        }
        this.token = token == null || token.isBlank() ? null : token.strip();
        if (this.token != null && !this.token.matches("[\\x21-\\x7e]+")) {
            throw new IllegalArgumentException(
                    "HF_TOKEN holds characters that no token has (it is not shown): copy it again, or unset it");
        }
        if (this.token != null && scheme.equals("http") && !isThisMachine(this.endpoint.getHost())) {
            throw new IllegalArgumentException("HF_ENDPOINT is " + this.endpoint
                    + ", where HF_TOKEN would travel in clear: use https, or unset HF_TOKEN");
        }
        this.proxies = proxies;
        this.client = proxies.client()
                .followRedirects(HttpClient.Redirect.NEVER)
                .version(HttpClient.Version.HTTP_1_1)
                .connectTimeout(Duration.ofSeconds(30))
                .build();
        this.patience = patience;
    }

    private static boolean isThisMachine(String host) {
        return host.equals("localhost") || host.startsWith("127.") || host.equals("[::1]");
    }

    /** The hub that the environment names: HF_ENDPOINT, HF_TOKEN, HTTPS_PROXY and its like. */
    static Hub ofEnvironment() {
        var env = System.getenv();
        String chosen = env.getOrDefault("HF_ENDPOINT", "");
        return new Hub(
                chosen.isBlank() ? DEFAULT_ENDPOINT : chosen, env.get("HF_TOKEN"), Proxies.of(env), Patience.USUAL);
    }

    /**
     * The commit that a branch, tag or commit of a repository names.
     *
     * @throws IOException if there is no such repository or revision, it may not be read, or the server cannot be
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
                    + ": it does not answer as the hub does. Set HF_ENDPOINT to a hub's" + " address");
        }
        return commit;
    }

    /**
     * A file of a repository, whole and checked, under the target's name; what an earlier try left is continued.
     *
     * @return its SHA-256, or nothing if the repository has no such file
     * @throws IOException if it may not be read, the server cannot be reached, or what it sends is not what it
     *     announced
     */
    Optional<String> fetch(String repository, String commit, String name, Path target) throws IOException {
        return retry(new Download(this, repository, commit, name, target));
    }

    /** One request through its redirections, for the file's bytes from {@code from} on. */
    Answer ask(String method, String repository, String revision, String file, long from) throws IOException {
        URI address = URI.create(endpoint + "/" + repository + "/resolve/"
                + URLEncoder.encode(revision, StandardCharsets.UTF_8) + "/" + file);
        String commit = null;
        String checksum = null;
        long size = -1;
        for (int hop = 0; hop <= REDIRECTIONS; hop++) {
            boolean ours = isOurs(address);
            HttpResponse<InputStream> response = send(request(method, address, ours, from));
            HttpHeaders headers = response.headers();
            if (ours) { // another server's etag is a checksum of its own making
                commit = headers.firstValue("x-repo-commit").orElse(commit);
                checksum = headers.firstValue("x-linked-etag")
                        .or(() -> headers.firstValue("etag"))
                        .orElse(checksum);
                size = headers.firstValueAsLong("x-linked-size").orElse(size);
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
            URI next = address.resolve(location.get());
            if (next.getHost() == null
                    || !"https".equals(next.getScheme()) && !next.getScheme().equals(endpoint.getScheme())) {
                throw new PermanentFailure(endpoint + " redirects away from https: nothing is fetched from there");
            }
            address = next;
        }
        throw new PermanentFailure(endpoint + " redirects more than " + REDIRECTIONS + " times");
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

    private HttpResponse<InputStream> send(HttpRequest request) throws IOException {
        try {
            return client.send(request, BodyHandlers.ofInputStream());
        } catch (InterruptedException e) {
            throw interrupted();
        }
    }

    static InterruptedIOException interrupted() {
        Thread.currentThread().interrupt();
        return new InterruptedIOException("interrupted while fetching from the hub");
    }

    /** What an answer other than success means, and what to do. */
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
                                ? "the hub has no such model, or shows it only to those it knows. Check the name; for a gated model accept its"
                                        + " licence at " + page + " and set HF_TOKEN to a token that may read it"
                                : "the hub does not accept HF_TOKEN (not shown), or has no"
                                        + " such model. Check the name, and make a new token that may read";
                    case 403 ->
                        "it may not be read with "
                                + (token == null ? "no token: set HF_TOKEN" : "this HF_TOKEN (not shown)")
                                + ". Accept the model's licence at " + page
                                + " with the token's account, and let the token read gated models";
                    case 404 ->
                        code.equals("EntryNotFound")
                                ? "it has no " + file + ", so it is no checkpoint in Hugging Face's layout"
                                : code.equals("RevisionNotFound")
                                        ? "it has no revision '" + revision + "'"
                                        : "neither a path here nor a model on " + endpoint + ". Check the name";
                    case 407 ->
                        "the proxy wants to know who asks (407): put user:password@ into HTTPS_PROXY, and start Java with"
                                + " -Djdk.http.auth.tunneling.disabledSchemes= if it wants them as Basic";
                    default -> endpoint + " answers " + status + " for " + file;
                });
    }

    /** Retry-After: seconds, or a date. */
    private static Duration wait(HttpHeaders headers) {
        String after = headers.firstValue("retry-after").orElse("0").strip();
        try {
            return after.matches("\\d{1,9}")
                    ? Duration.ofSeconds(Long.parseLong(after))
                    : Duration.between(
                            ZonedDateTime.now(), ZonedDateTime.parse(after, DateTimeFormatter.RFC_1123_DATE_TIME));
        } catch (DateTimeParseException e) {
            return Duration.ZERO; // as if it had said nothing
        }
    }

    private <T> T retry(Attempt<T> attempt) throws IOException {
        long best = attempt.progress();
        for (int failures = 1; ; failures++) {
            IOException failure;
            try {
                return attempt.run();
            } catch (PermanentFailure | InterruptedIOException e) {
                throw e;
            } catch (IOException e) {
                failure = e;
            }
            if (attempt.progress() > best) {
                best = attempt.progress();
                failures = 1;
            }
            if (failures == TRIES) {
                String reason =
                        failure.getMessage() == null ? failure.getClass().getSimpleName() : failure.getMessage();
                throw new IOException(
                        "could not fetch from " + endpoint + ": " + reason + " (" + TRIES
                                + " tries). What has arrived is kept: try again."
                                + " Behind a proxy set HTTPS_PROXY; without a network copy the checkpoint's folder here and give its path",
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
