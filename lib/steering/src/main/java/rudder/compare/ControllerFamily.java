package rudder.compare;

import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.function.BiFunction;
import java.util.function.DoubleFunction;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import rudder.steer.ControllerFactory;
import rudder.theory.control.Controller;

/**
 * Controllers of one kind with different parameters, from which a {@link GridSearch} chooses.
 *
 * @param name what tables call the kind
 * @param candidates different names each, which tell the parameters
 */
public record ControllerFamily(String name, List<ControllerFactory> candidates) {

    /** @throws IllegalArgumentException if there is no candidate, or two have one name */
    public ControllerFamily {
        candidates = List.copyOf(candidates);
        var names = new HashSet<String>();
        for (var candidate : candidates) {
            if (!names.add(candidate.name())) {
                throw new IllegalArgumentException("two candidates of the family '" + name + "' are called '"
                        + candidate.name() + "': name their parameters");
            }
        }
        if (candidates.isEmpty()) {
            throw new IllegalArgumentException("the family '" + name + "' has no candidate, wanted at least one");
        }
    }

    /** One parameter. A candidate is made when it first steers, and kept. */
    public static ControllerFamily of(String name, double[] grid, DoubleFunction<Controller> controller) {
        return new ControllerFamily(
                name,
                Arrays.stream(grid)
                        .mapToObj(x -> ControllerFactory.once(label(name, x), () -> controller.apply(x)))
                        .toList());
    }

    /** Two parameters, every combination. A candidate is made when it first steers, and kept. */
    public static ControllerFamily of(
            String name, double[] first, double[] second, BiFunction<Double, Double, Controller> controller) {
        return new ControllerFamily(
                name,
                Arrays.stream(first)
                        .boxed()
                        .flatMap(x -> Arrays.stream(second)
                                .mapToObj(y -> ControllerFactory.once(label(name, x, y), () -> controller.apply(x, y))))
                        .toList());
    }

    /** A controller made for each prompt, of two parameters, every combination. */
    public static ControllerFamily perPrompt(
            String name, double[] first, double[] second, BiFunction<Double, Double, ControllerFactory> factory) {
        return new ControllerFamily(
                name,
                Arrays.stream(first)
                        .boxed()
                        .flatMap(x -> Arrays.stream(second)
                                .mapToObj(y -> factory.apply(x, y).named(label(name, x, y))))
                        .toList());
    }

    private static String label(String family, double... parameters) {
        return family
                + Arrays.stream(parameters)
                        .mapToObj(x -> x == Math.rint(x) ? " " + (long) x : " " + x)
                        .collect(Collectors.joining());
    }

    /**
     * The first so many candidates.
     *
     * @throws IllegalArgumentException if there are fewer, or none is asked for
     */
    public ControllerFamily first(int count) {
        if (count > candidates.size()) {
            throw new IllegalArgumentException(count + " of the " + candidates.size() + " candidates of the family '"
                    + name + "', wanted 1.." + candidates.size());
        }
        return new ControllerFamily(name, candidates.subList(0, count));
    }

    /**
     * The candidate of a name.
     *
     * @throws IllegalArgumentException if there is none
     */
    public ControllerFactory candidate(String name) {
        return candidates.stream()
                .filter(candidate -> candidate.name().equals(name))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("there is no candidate '" + name + "' in the family '"
                        + this.name + "', there are " + names().toList()));
    }

    /**
     * The candidates that differ from one in the last parameter alone, itself among them: of a block and a strength,
     * that block's at every strength.
     *
     * @throws IllegalArgumentException if there is no candidate of that name
     */
    public List<ControllerFactory> sweep(String name) {
        var common = candidate(name).name().substring(0, name.lastIndexOf(' ') + 1);
        return candidates.stream()
                .filter(candidate -> candidate.name().startsWith(common))
                .toList();
    }

    /** The candidates' names. */
    Stream<String> names() {
        return candidates.stream().map(ControllerFactory::name);
    }

    @Override
    public String toString() {
        return "ControllerFamily[" + name + ", " + candidates.size() + " candidates]";
    }
}
