package rudder.checkpoint.tokenizer.jinja;

import java.util.List;
import java.util.Map;
import rudder.checkpoint.tokenizer.jinja.syntax.TemplateException;
import rudder.checkpoint.tokenizer.jinja.syntax.Text;

/** A function that a template may call. */
@FunctionalInterface
interface Callable {

    Object call(Call call);

    /**
     * What a function is called with, by Python's rules for positional and named arguments.
     *
     * @param function name for error messages
     */
    record Call(
            Interpreter interpreter, int line, String function, List<Object> positional, Map<String, Object> named) {

        /** Returns the argument at a place or of a name, or the default if it is missing. */
        Object get(int place, String name, Object otherwise) {
            if (place < positional.size()) {
                return positional.get(place);
            }
            return named.getOrDefault(name, otherwise);
        }

        Object require(int place, String name) {
            if (place >= positional.size() && !named.containsKey(name)) {
                throw error("the argument '" + name + "' is missing");
            }
            return get(place, name, null);
        }

        /** Refuses more positional arguments, and names that are none of these. */
        Call only(int most, String... names) {
            if (positional.size() > most) {
                throw error("found " + positional.size() + " arguments, wanted at most " + most);
            }
            for (var name : named.keySet()) {
                if (!List.of(names).contains(name)) {
                    throw error("there is no argument '" + name + "', there are " + List.of(names));
                }
            }
            return this;
        }

        Text text(int place, String name) {
            if (require(place, name) instanceof Text text) {
                return text;
            }
            throw error(
                    "the argument '" + name + "' is " + Values.typeOf(get(place, name, null)) + ", wanted a string");
        }

        int integer(int place, String name, Integer otherwise) {
            Object value = otherwise == null ? require(place, name) : get(place, name, (long) otherwise);
            if (value instanceof Long number && number == number.intValue()) {
                return number.intValue();
            }
            throw error("the argument '" + name + "' is " + Values.repr(value) + ", wanted an integer");
        }

        boolean flag(int place, String name, boolean otherwise) {
            return Values.truth(get(place, name, otherwise));
        }

        TemplateException error(String message) {
            return TemplateException.at(line, "'" + function + "': " + message);
        }
    }
}
