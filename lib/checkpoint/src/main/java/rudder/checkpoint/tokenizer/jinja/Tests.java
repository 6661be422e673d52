package rudder.checkpoint.tokenizer.jinja;

import java.util.List;
import java.util.Map;
import rudder.checkpoint.tokenizer.jinja.syntax.TemplateException;
import rudder.checkpoint.tokenizer.jinja.syntax.Text;

/** Jinja's tests: {@code x is defined} and the like. */
final class Tests {

    private Tests() {}

    /** Returns whether the first argument passes a test, given the other arguments. */
    static boolean holds(String name, Callable.Call call) {
        Object x = call.positional().get(0);
        return switch (name) {
            case "defined" -> !(x instanceof Undefined);
            case "undefined" -> x instanceof Undefined;
            case "none" -> x == null;
            case "boolean" -> x instanceof Boolean;
            case "true" -> Boolean.TRUE.equals(x);
            case "false" -> Boolean.FALSE.equals(x);
            case "integer" -> x instanceof Long;
            case "float" -> x instanceof Double;
            case "number" -> Values.isNumber(x);
            case "string" -> x instanceof Text;
            case "mapping" -> x instanceof Map;
            case "sequence" -> x instanceof List || x instanceof Text || x instanceof Map || x instanceof Undefined;
            case "iterable" -> x instanceof List || x instanceof Text || x instanceof Map || x instanceof Undefined;
            case "callable" -> x instanceof Callable;
            case "odd", "even" -> Math.floorMod(whole(call), 2L) == (name.equals("odd") ? 1 : 0);
            case "divisibleby" -> {
                long by = call.integer(1, "num", null);
                if (by == 0) {
                    throw call.error("division by zero");
                }
                yield Math.floorMod(whole(call), by) == 0;
            }
            case "lower" -> Strings.isLower(Values.text(x));
            case "upper" -> Strings.isUpper(Values.text(x));
            case "in" -> Values.contains(call.require(1, "seq"), x, call.line());
            case "eq", "equalto", "==" -> Values.equal(x, call.require(1, "other"));
            case "ne", "!=" -> !Values.equal(x, call.require(1, "other"));
            case "lt", "lessthan", "<" -> Operators.compares(call.line(), "<", x, call.require(1, "other"));
            case "le", "<=" -> Operators.compares(call.line(), "<=", x, call.require(1, "other"));
            case "gt", "greaterthan", ">" -> Operators.compares(call.line(), ">", x, call.require(1, "other"));
            case "ge", ">=" -> Operators.compares(call.line(), ">=", x, call.require(1, "other"));
            case "sameas" ->
                x == call.require(1, "other") || x instanceof Boolean && x.equals(call.require(1, "other"));
            case "escaped" -> false;
            default -> throw TemplateException.at(call.line(), "there is no test '" + name + "'");
        };
    }

    private static long whole(Callable.Call call) {
        if (call.positional().get(0) instanceof Long number) {
            return number;
        }
        throw call.error(
                "wants an integer, found " + Values.typeOf(call.positional().get(0)));
    }
}
