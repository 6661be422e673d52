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
 * The way out of this machine: Java's own properties ({@code https.proxyHost} and its like) where they are set,
 * otherwise the environment's HTTPS_PROXY and HTTP_PROXY with NO_PROXY, in capitals or not, as other programs read
 * them.
 */
final class Proxies extends ProxySelector {

    private final Map<String, URI> byScheme;
    private final List<String> direct;

    private Proxies(Map<String, URI> byScheme, List<String> direct) {
        this.byScheme = byScheme;
        this.direct = direct;
    }

    /**
     * @throws IllegalArgumentException if a proxy is not of the form http://HOST:PORT; its value may hold a password
     *     and is not shown
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
            // said below, without the value
        }
        throw new IllegalArgumentException("the proxy for " + scheme
                + " in the environment is not of the form http://HOST:PORT (it is not shown)");
    }

    /**
     * A client that goes this way. It has no authenticator: with one, Java's client sends no Authorization header of
     * ours.
     */
    HttpClient.Builder client() {
        boolean chosenInJava = Stream.of("https.proxyHost", "http.proxyHost", "java.net.useSystemProxies")
                .anyMatch(key -> System.getProperty(key) != null);
        return HttpClient.newBuilder().proxy(chosenInJava ? ProxySelector.getDefault() : this);
    }

    /** What the proxy on the way to the address wants in Proxy-Authorization, if the environment names a user. */
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
        // the request itself fails and says so
    }
}
