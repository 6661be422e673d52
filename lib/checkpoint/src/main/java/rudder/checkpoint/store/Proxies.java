package rudder.checkpoint.store;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.ProxySelector;
import java.net.SocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Selects the proxy for an address. Java's own properties ({@code https.proxyHost} for instance) come first, if they
 * are set; otherwise the environment variables HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY, in upper or lower case.
 */
final class Proxies extends ProxySelector {

    private final Map<String, URI> byScheme;
    private final List<String> direct;

    private Proxies(Map<String, URI> byScheme, List<String> direct) {
        this.byScheme = byScheme;
        this.direct = direct;
    }

    /**
     * Reads the variables of an environment.
     *
     * @throws IllegalArgumentException if a proxy is not of the form http://HOST:PORT; the message does not show it,
     *     because it may hold a password
     */
    static Proxies of(Map<String, String> env) {
        var byScheme = new HashMap<String, URI>();
        for (String scheme : List.of("https", "http")) {
            variable(env, scheme + "_proxy")
                    .or(() -> variable(env, "all_proxy"))
                    .ifPresent(value -> byScheme.put(scheme, proxy(scheme, value)));
        }
        var direct = Stream.of(variable(env, "no_proxy")
                        .orElse("")
                        .toLowerCase(Locale.ROOT)
                        .split(","))
                .map(String::strip)
                .filter(host -> !host.isEmpty())
                .map(host -> host.replaceFirst("^\\*?\\.", ""))
                .toList();
        return new Proxies(byScheme, direct);
    }

    private static Optional<String> variable(Map<String, String> env, String name) {
        return Stream.of(name, name.toUpperCase(Locale.ROOT))
                .map(env::get)
                .filter(value -> value != null && !value.isBlank())
                .findFirst();
    }

    private static URI proxy(String scheme, String value) {
        try {
            URI proxy = URI.create(value.contains("://") ? value : "http://" + value);
            if (proxy.getHost() != null && "http".equals(proxy.getScheme())) {
                return proxy;
            }
        } catch (IllegalArgumentException e) {
            // thrown below, without the value
        }
        throw new IllegalArgumentException("the proxy for " + scheme
                + " in the environment is not of the form http://HOST:PORT (it is not shown):"
                + " correct the variable, or unset it");
    }

    /**
     * Returns a client that uses these proxies. It has no authenticator, because Java's client would then drop our
     * Authorization header.
     */
    HttpClient.Builder client() {
        boolean chosenInJava = Stream.of("https.proxyHost", "http.proxyHost", "java.net.useSystemProxies")
                .anyMatch(key -> System.getProperty(key) != null);
        return HttpClient.newBuilder().proxy(chosenInJava ? ProxySelector.getDefault() : this);
    }

    /** Returns the value of Proxy-Authorization for an address, if its proxy has a user. */
    Optional<String> authorization(URI address) {
        URI proxy = byScheme.get(address.getScheme());
        return proxy == null || proxy.getUserInfo() == null || select(address).contains(Proxy.NO_PROXY)
                ? Optional.empty()
                : Optional.of("Basic "
                        + Base64.getEncoder().encodeToString(proxy.getUserInfo().getBytes(StandardCharsets.UTF_8)));
    }

    @Override
    public List<Proxy> select(URI address) {
        URI proxy = byScheme.get(address.getScheme());
        String host = address.getHost().toLowerCase(Locale.ROOT);
        if (proxy == null
                || direct.stream().anyMatch(end -> end.equals("*") || host.equals(end) || host.endsWith("." + end))) {
            return List.of(Proxy.NO_PROXY);
        }
        return List.of(new Proxy(
                Proxy.Type.HTTP, new InetSocketAddress(proxy.getHost(), proxy.getPort() < 0 ? 80 : proxy.getPort())));
    }

    @Override
    public void connectFailed(URI address, SocketAddress proxy, IOException e) {
        // the request itself reports the failure
    }
}
