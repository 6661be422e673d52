package rudder.demo;

import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.regex.Pattern;
import rudder.theory.Check;

/**
 * Where a demo listens, and how much work it accepts.
 *
 * @param host the address to listen at; the standard is 127.0.0.1, which no other machine can reach
 * @param port 0 for any free one
 * @param token first part of every address, without which nothing is served; a proxy may send it in the header
 *     {@value #HEADER} instead
 * @param tokens the most tokens of a text
 * @param characters the most characters of a prompt, and of each side of a visitor's own concept
 * @param waiting the most visitors that may wait while a text is written
 */
public record DemoOptions(String host, int port, String token, int tokens, int characters, int waiting) {

    /** Name of the header that a proxy may send in place of the token in the address. */
    public static final String HEADER = "X-Rudder-Token";

    private static final int TOKEN_BYTES = 24;
    private static final Pattern TOKEN = Pattern.compile("[0-9A-Za-z_-]{16,}");
    private static final int PORTS = 65_535;

    /** @throws IllegalArgumentException naming the option that is out of range */
    public DemoOptions {
        Check.given("the host", host);
        Check.that(port >= 0 && port <= PORTS, "the port is %d, wanted 0 (any free one) to %d", port, PORTS);
        Check.that(
                TOKEN.matcher(Check.given("the token", token)).matches(),
                "the token is '%s', wanted 16 or more letters, digits, - and _, since it is a part of the address",
                token);
        Check.that(tokens > 0, "%d tokens at most, wanted at least 1", tokens);
        Check.that(characters > 0, "%d characters at most, wanted at least 1", characters);
        Check.that(waiting >= 0, "%d visitors may wait, wanted 0 or more", waiting);
    }

    /** Returns the standard: this machine alone, any free port, a random token, 120 tokens, four waiting visitors. */
    public static DemoOptions standard() {
        byte[] random = new byte[TOKEN_BYTES];
        new SecureRandom().nextBytes(random);
        return new DemoOptions("127.0.0.1", 0, HexFormat.of().formatHex(random), 120, 4_000, 4);
    }

    /** Returns the same options with another host; {@code 0.0.0.0} lets other machines in. */
    public DemoOptions withHost(String host) {
        return new DemoOptions(host, port, token, tokens, characters, waiting);
    }

    /** Returns the same options with another port. */
    public DemoOptions withPort(int port) {
        return new DemoOptions(host, port, token, tokens, characters, waiting);
    }

    /** Returns the same options with another token. */
    public DemoOptions withToken(String token) {
        return new DemoOptions(host, port, token, tokens, characters, waiting);
    }
}
