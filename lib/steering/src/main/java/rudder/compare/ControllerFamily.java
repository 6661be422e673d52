package rudder.compare;

import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.function.BiFunction;
import java.util.function.DoubleFunction;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import rudder.steer.ControllerFactory;
import rudder.theory.control.Controller;

/**
 * Controllers of one kind with different parameters, the candidates of a {@link GridSearch}.
 *
 * @param name of the kind, shown in tables
 * @param candidates with different names, which state the parameters
 */
public record ControllerFamily(String name, List<ControllerFactory> candidates) {

    /** @throws IllegalArgumentException if there is no candidate, or two candidates have the same name */
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

    /** Returns a family of one parameter. A candidate is made once, when it first steers. */
    public static ControllerFamily of(String name, double[] grid, DoubleFunction<Controller> controller) {
        return new ControllerFamily(
                name,
                Arrays.stream(grid)
                        .mapToObj(x -> ControllerFactory.once(label(name, x), () -> controller.apply(x)))
                        .toList());
    }

    /** Returns a family of every combination of two parameters. A candidate is made once, when it first steers. */
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

    /** Returns a family of every combination of two parameters, whose controllers are made for each prompt. */
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

    /** Returns the arms that a search tries: the unsteered model, then every candidate of every family. */
    public static ControllerFactory[] arms(ControllerFamily... families) {
        return behindUnsteered(Stream.of(families).flatMap(family -> family.candidates().stream()));
    }

    /**
     * Returns the arms that an evaluation compares: the unsteered model, then one candidate of each family under the
     * family's name.
     *
     * @param best chooses a family's candidate
     */
    public static ControllerFactory[] chosen(
            Function<ControllerFamily, ControllerFactory> best, ControllerFamily... families) {
        return behindUnsteered(
                Stream.of(families).map(family -> best.apply(family).named(family.name())));
    }

    private static ControllerFactory[] behindUnsteered(Stream<ControllerFactory> arms) {
        return Stream.concat(Stream.of(ControllerFactory.of(Controller.none())), arms)
                .toArray(ControllerFactory[]::new);
    }

    /**
     * Returns the family of the first {@code count} candidates.
     *
     * @throws IllegalArgumentException if count is not in 1..number of candidates
     */
    public ControllerFamily first(int count) {
        if (count < 1 || count > candidates.size()) {
            throw new IllegalArgumentException(count + " of the " + candidates.size() + " candidates of the family '"
                    + name + "', wanted 1.." + candidates.size());
        }
        return new ControllerFamily(name, candidates.subList(0, count));
    }

    /**
     * Returns the candidate of a name.
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
     * Returns the candidates that differ from one candidate in the last parameter alone, that candidate included. If
     * the parameters are block and strength, these are the candidates of its block at every strength.
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
