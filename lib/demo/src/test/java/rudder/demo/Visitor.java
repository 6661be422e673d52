package rudder.demo;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.function.Consumer;
import java.util.stream.Stream;

/** A page without a browser: sends what the page sends. */
final class Visitor {

    private final HttpClient client =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    private final String address;
    private final String mark = UUID.randomUUID().toString();

    Visitor(String address) {
        this.address = address;
    }

    /** The settings of a request; tests change some. */
    JsonObject wish() {
        var wish = new JsonObject();
        wish.addProperty("visitor", mark);
        wish.addProperty("concept", "ocean");
        wish.addProperty("strength", 1);
        wish.addProperty("law", "lqr");
        wish.addProperty("other", "none");
        wish.addProperty("positions", "end");
        wish.addProperty("prompt", "the sea");
        wish.addProperty("chat", false);
        wish.addProperty("sampled", true);
        wish.addProperty("seed", 3);
        wish.addProperty("tokens", 8);
        return wish;
    }

    HttpResponse<String> get(String name) throws IOException, InterruptedException {
        return client.send(
                HttpRequest.newBuilder(URI.create(address + name)).build(), HttpResponse.BodyHandlers.ofString());
    }

    HttpResponse<String> post(String name, JsonObject body) throws IOException, InterruptedException {
        return client.send(request(name, body.toString()), HttpResponse.BodyHandlers.ofString());
    }

    private HttpRequest request(String name, String body) {
        return HttpRequest.newBuilder(URI.create(address + name))
                .POST(HttpRequest.BodyPublishers.ofString(body))
                .build();
    }

    /** Opens a stream of events. Closing the stream closes the connection, as a page that goes does. */
    Stream<JsonObject> open(String name, JsonObject body) throws IOException, InterruptedException {
        return client.send(request(name, body.toString()), HttpResponse.BodyHandlers.ofLines())
                .body()
                .filter(line -> line.startsWith("data: "))
                .map(line -> JsonParser.parseString(line.substring("data: ".length()))
                        .getAsJsonObject());
    }

    /** Reads a stream to its end; {@code seen} hears each event when it comes. */
    List<JsonObject> read(String name, JsonObject body, Consumer<JsonObject> seen)
            throws IOException, InterruptedException {
        var all = new ArrayList<JsonObject>();
        try (var events = open(name, body)) {
            events.forEach(event -> {
                seen.accept(event);
                all.add(event);
            });
        }
        return all;
    }

    List<JsonObject> write(JsonObject wish) throws IOException, InterruptedException {
        return read("write", wish, event -> {});
    }

    static List<JsonObject> ofType(String type, List<JsonObject> events) {
        return events.stream()
                .filter(event -> event.get("type").getAsString().equals(type))
                .toList();
    }

    static JsonObject last(List<JsonObject> events) {
        return events.get(events.size() - 1);
    }

    /** Numbers of a list; null is NaN. */
    static double[] numbers(JsonArray array) {
        var numbers = new double[array.size()];
        for (int i = 0; i < numbers.length; i++) {
            numbers[i] = array.get(i).isJsonNull() ? Double.NaN : array.get(i).getAsDouble();
        }
        return numbers;
    }
}
