package rudder.checkpoint;

import com.google.gson.JsonElement;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.zip.GZIPInputStream;

/** Reference numbers made by another program, by path: {@code golden.at("prompts", 0, "ids").ints()}. */
public record Golden(String name, JsonElement json) {

    public static Golden of(String name) {
        try (var in = new GZIPInputStream(Golden.class.getResourceAsStream("/goldens/" + name + ".json.gz"))) {
            return new Golden(name, JsonParser.parseReader(new InputStreamReader(in, StandardCharsets.UTF_8)));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public Golden at(Object... path) {
        JsonElement at = json;
        for (Object step : path) {
            at = step instanceof Integer i
                    ? at.getAsJsonArray().get(i)
                    : at.getAsJsonObject().get((String) step);
            if (at == null) {
                throw new IllegalArgumentException(name + " has no " + Arrays.toString(path));
            }
        }
        return new Golden(name, at);
    }

    public double number() {
        return json.getAsDouble();
    }

    public String text() {
        return json.getAsString();
    }

    public List<Golden> list() {
        return json.getAsJsonArray().asList().stream()
                .map(element -> new Golden(name, element))
                .toList();
    }

    public double[] numbers() {
        return list().stream().mapToDouble(Golden::number).toArray();
    }

    public double[][] rows() {
        return list().stream().map(Golden::numbers).toArray(double[][]::new);
    }

    public int[] ints() {
        return list().stream().mapToInt(element -> element.json.getAsInt()).toArray();
    }

    /** Returns numbers in double precision. */
    public static double[] doubles(float... values) {
        var all = new double[values.length];
        Arrays.setAll(all, i -> values[i]);
        return all;
    }

    /** |x - y| / |y|. */
    public static double relative(double[] x, double[] y) {
        double difference = 0;
        double norm = 0;
        for (int i = 0; i < y.length; i++) {
            difference += (x[i] - y[i]) * (x[i] - y[i]);
            norm += y[i] * y[i];
        }
        return Math.sqrt(difference / norm);
    }
}
