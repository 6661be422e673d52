package rudder.checkpoint.tokenizer.jinja;

import java.util.ArrayList;
import java.util.List;
import rudder.checkpoint.tokenizer.jinja.Values.Tuple;
import rudder.checkpoint.tokenizer.jinja.syntax.TemplateException;
import rudder.checkpoint.tokenizer.jinja.syntax.Text;

/** Python's operators on numbers, strings and lists. */
final class Operators {
    private final Interpreter interpreter;

    Operators(Interpreter interpreter) {
        this.interpreter = interpreter;
    }

    static boolean compares(int line, String operator, Object a, Object b) {
        return switch (operator) {
            case "==" -> Values.equal(a, b);
            case "!=" -> !Values.equal(a, b);
            case "in" -> Values.contains(b, a, line);
            case "not in" -> !Values.contains(b, a, line);
            default -> {
                boolean nan = a instanceof Double x && x.isNaN() || b instanceof Double y && y.isNaN();
                int order = Values.compare(a, b, line);
                yield !nan
                        && switch (operator) {
                            case "<" -> order < 0;
                            case "<=" -> order <= 0;
                            case ">" -> order > 0;
                            default -> order >= 0;
                        };
            }
        };
    }

    Object sign(int line, String operator, Object x) {
        if (!Values.isNumber(x)) {
            throw TemplateException.at(line, "'" + operator + "' wants a number, found " + Values.typeOf(x));
        }
        if (x instanceof Double number) {
            return operator.equals("-") ? -number : number;
        }
        return exact(line, () -> operator.equals("-") ? Math.negateExact(Values.integer(x)) : Values.integer(x));
    }

    Object apply(int line, String operator, Object a, Object b) {
        if (operator.equals("~")) {
            return interpreter.made(line, Values.text(a).plus(Values.text(b)));
        }
        if (Values.isNumber(a) && Values.isNumber(b)) {
            return a instanceof Double || b instanceof Double || operator.equals("/")
                    ? real(line, operator, Values.real(a), Values.real(b))
                    : integer(line, operator, Values.integer(a), Values.integer(b));
        }
        if (operator.equals("+") && a instanceof Text x && b instanceof Text y) {
            return interpreter.made(line, x.plus(y));
        }
        if (operator.equals("+")
                && a instanceof List<?> x
                && b instanceof List<?> y
                && a instanceof Tuple == b instanceof Tuple) {
            var sum = new ArrayList<Object>(x);
            sum.addAll(y);
            interpreter.require(sum.size(), line);
            return a instanceof Tuple ? new Tuple(sum) : sum;
        }
        if (operator.equals("*") && (a instanceof Long || b instanceof Long)) {
            Object repeated = a instanceof Long ? b : a;
            long times = Math.max(0, a instanceof Long n ? n : (Long) b);
            if (repeated instanceof Text text) {
                return repeat(line, text, times);
            }
            if (repeated instanceof List<?> list) {
                return repeat(line, list, times);
            }
        }
        if (operator.equals("%") && a instanceof Text format) {
            return Formats.percent(interpreter, line, format, b);
        }
        throw TemplateException.at(
                line, "cannot compute " + Values.typeOf(a) + " " + operator + " " + Values.typeOf(b));
    }

    /** Refuses a repetition that is too long, before it is made. */
    private void requireTimes(int line, int size, long times) {
        interpreter.require(size > 0 && times > Long.MAX_VALUE / size ? Long.MAX_VALUE : size * times, line);
    }

    private Text repeat(int line, Text text, long times) {
        requireTimes(line, text.length(), times);
        var out = new Text.Builder();
        for (long i = 0; i < times && text.length() > 0; i++) {
            out.add(text);
        }
        return interpreter.made(line, out.build());
    }

    private List<Object> repeat(int line, List<?> list, long times) {
        requireTimes(line, list.size(), times);
        var out = new ArrayList<Object>();
        for (long i = 0; i < times && !list.isEmpty(); i++) {
            out.addAll(list);
        }
        return list instanceof Tuple ? new Tuple(out) : out;
    }

    private static Object real(int line, String operator, double a, double b) {
        if (b == 0 && (operator.equals("/") || operator.equals("//") || operator.equals("%"))) {
            throw TemplateException.at(line, "division by zero");
        }
        return switch (operator) {
            case "+" -> a + b;
            case "-" -> a - b;
            case "*" -> a * b;
            case "/" -> a / b;
            case "//" -> Math.floor(a / b);
            case "%" -> a - b * Math.floor(a / b);
            default -> Math.pow(a, b);
        };
    }

    private static Object integer(int line, String operator, long a, long b) {
        if (b == 0 && (operator.equals("//") || operator.equals("%"))) {
            throw TemplateException.at(line, "division by zero");
        }
        return switch (operator) {
            case "+" -> exact(line, () -> Math.addExact(a, b));
            case "-" -> exact(line, () -> Math.subtractExact(a, b));
            case "*" -> exact(line, () -> Math.multiplyExact(a, b));
            case "//" -> Math.floorDiv(a, b);
            case "%" -> Math.floorMod(a, b);
            default -> b < 0 ? (Object) Math.pow(a, b) : exact(line, () -> power(a, b));
        };
    }

    private static long power(long a, long b) {
        if (a == 0 || a == 1) {
            return b == 0 ? 1 : a;
        }
        if (a == -1) {
            return b % 2 == 0 ? 1 : -1;
        }
        long product = 1;
        for (long i = 0; i < b; i++) {
            product = Math.multiplyExact(product, a);
        }
        return product;
    }

    private interface Exact {
        long compute();
    }

    private static Object exact(int line, Exact x) {
        try {
            return x.compute();
        } catch (ArithmeticException e) {
            throw TemplateException.at(line, "an integer does not fit 64 bits");
        }
    }
}
