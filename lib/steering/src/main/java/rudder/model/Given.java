package rudder.model;

import java.util.List;

/** Refuses arguments that are missing, in a sentence that says what to give. */
final class Given {

    private Given() {}

    /** Returns the argument; throws if it is null. */
    static <T> T one(String what, T argument) {
        if (argument == null) {
            throw new IllegalArgumentException(what + " is null: give one");
        }
        return argument;
    }

    /** Returns the list; throws if it or one of its elements is null. */
    static <T> List<T> each(String what, List<T> arguments) {
        if (arguments == null) {
            throw new IllegalArgumentException("the list of " + what + "s is null: give a list");
        }
        for (int i = 0; i < arguments.size(); i++) {
            if (arguments.get(i) == null) {
                throw new IllegalArgumentException(what + " " + (i + 1) + " of " + arguments.size()
                        + " is null: give one, or leave it out of the list");
            }
        }
        return arguments;
    }

    /** Returns the list; throws if it is empty, or if it or one of its elements is null. */
    static <T> List<T> some(String what, List<T> arguments) {
        if (each(what, arguments).isEmpty()) {
            throw new IllegalArgumentException("the list of " + what + "s is empty: give at least one " + what);
        }
        return arguments;
    }
}
