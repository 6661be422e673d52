package rudder.checkpoint.tokenizer.jinja;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import rudder.checkpoint.tokenizer.jinja.syntax.TemplateException;
import rudder.checkpoint.tokenizer.jinja.syntax.Text;

/**
 * Python's values as Java's: None is null, then Boolean, Long, Double, {@link Text}, List, {@link Tuple}, Map,
 * {@link Namespace}, {@link Callable} and {@link Undefined}; with Python's truth, equality, order and formats.
 */
final class Values {

    /** The most parts of two values that are compared. */
    private static final int PARTS = 1_000_000;

    private Values() {}

    /** A list that does not change. */
    static class Tuple extends ArrayList<Object> {
        private static final long serialVersionUID = 1;

        Tuple(Collection<?> items) {
            super(items);
        }

        @Override
        public boolean equals(Object other) {
            return other instanceof Tuple && Values.equal(this, other);
        }

        /** Equal tuples have one size; a hash of all parts would take too long for tuples of tuples. */
        @Override
        public int hashCode() {
            return size();
        }
    }

    /** A value that several items share, and these items: a tuple whose parts have names. */
    static final class Group extends Tuple {
        private static final long serialVersionUID = 1;

        Group(Object grouper, List<Object> items) {
            super(Arrays.asList(grouper, items));
        }
    }

    /** Variables that an inner scope may change. */
    record Namespace(Map<String, Object> members) {}

    static boolean truth(Object x) {
        if (x == null || x instanceof Undefined) {
            return false;
        }
        if (x instanceof Boolean flag) {
            return flag;
        }
        if (x instanceof Number number) {
            return number.doubleValue() != 0;
        }
        if (x instanceof Text text) {
            return text.length() > 0;
        }
        return x instanceof Collection<?> items ? !items.isEmpty() : !(x instanceof Map<?, ?> map) || !map.isEmpty();
    }

    /** @throws TemplateException if the values have too many parts, as lists of one list again and again have */
    static boolean equal(Object a, Object b) {
        return equal(a, b, new int[] {PARTS});
    }

    private static boolean equal(Object a, Object b, int[] left) {
        if (--left[0] < 0) {
            throw new TemplateException("the template compares values of more than " + PARTS + " parts");
        }
        if (a == b) {
            return true;
        }
        if (a instanceof Boolean || b instanceof Boolean || a instanceof Number && b instanceof Number) {
            Object x = a instanceof Boolean flag ? (Object) (flag ? 1L : 0L) : a;
            Object y = b instanceof Boolean flag ? (Object) (flag ? 1L : 0L) : b;
            if (x instanceof Long m && y instanceof Long n) {
                return m.equals(n);
            }
            return x instanceof Number m && y instanceof Number n && m.doubleValue() == n.doubleValue();
        }
        if (a instanceof List<?> x && b instanceof List<?> y) {
            if (a instanceof Tuple != b instanceof Tuple || x.size() != y.size()) {
                return false;
            }
            for (int i = 0; i < x.size(); i++) {
                if (!equal(x.get(i), y.get(i), left)) {
                    return false;
                }
            }
            return true;
        }
        if (a instanceof Map<?, ?> x && b instanceof Map<?, ?> y) {
            return x.size() == y.size()
                    && x.entrySet().stream()
                            .allMatch(e -> y.containsKey(e.getKey()) && equal(e.getValue(), y.get(e.getKey()), left));
        }
        return a == null ? b == null : a.equals(b);
    }

    /** Compares two values by Python's order. */
    static int compare(Object a, Object b, int line) {
        if (isNumber(a) && isNumber(b)) {
            return a instanceof Double || b instanceof Double
                    ? Double.compare(real(a), real(b))
                    : Long.compare(integer(a), integer(b));
        }
        if (a instanceof Text x && b instanceof Text y) {
            return x.compareTo(y);
        }
        if (a instanceof List<?> x && b instanceof List<?> y) {
            for (int i = 0; i < Math.min(x.size(), y.size()); i++) {
                if (!equal(x.get(i), y.get(i))) {
                    return compare(x.get(i), y.get(i), line);
                }
            }
            return Integer.compare(x.size(), y.size());
        }
        if (a instanceof Undefined && b instanceof Undefined) {
            return 0;
        }
        throw TemplateException.at(line, "cannot compare " + typeOf(a) + " with " + typeOf(b));
    }

    static boolean isNumber(Object x) {
        return x instanceof Long || x instanceof Double || x instanceof Boolean;
    }

    static double real(Object x) {
        return x instanceof Boolean flag ? (flag ? 1 : 0) : ((Number) x).doubleValue();
    }

    static long integer(Object x) {
        return x instanceof Boolean flag ? (flag ? 1 : 0) : ((Number) x).longValue();
    }

    /** Returns the items to loop over: a string's code points, a dict's keys. */
    static List<Object> items(Object x, int line) {
        if (x instanceof List<?> list) {
            return new ArrayList<>(list);
        }
        if (x instanceof Map<?, ?> map) {
            return new ArrayList<>(map.keySet());
        }
        if (x instanceof Text text) {
            var points = new ArrayList<Object>();
            for (int i = 0; i < text.length(); ) {
                int end = i + Character.charCount(Character.codePointAt(text, i));
                points.add(text.subSequence(i, end));
                i = end;
            }
            return points;
        }
        if (x instanceof Undefined) {
            return List.of();
        }
        throw TemplateException.at(line, typeOf(x) + " cannot be looped over");
    }

    static boolean contains(Object container, Object x, int line) {
        if (container instanceof Text text) {
            if (x instanceof Text part) {
                return text.indexOf(part, 0) >= 0;
            }
            throw TemplateException.at(line, "'in' a string wants a string, found " + typeOf(x));
        }
        if (container instanceof Map<?, ?> map) {
            return map.containsKey(x);
        }
        return items(container, line).stream().anyMatch(item -> equal(item, x));
    }

    /** Returns a dict's values by their names; a key that is no string is refused. */
    static Map<String, Object> named(Map<?, ?> map, int line) {
        var named = new LinkedHashMap<String, Object>();
        map.forEach((key, value) -> {
            if (!(key instanceof Text name)) {
                throw TemplateException.at(line, "a name is " + typeOf(key) + " " + repr(key) + ", wanted a string");
            }
            named.put(name.toString(), value);
        });
        return named;
    }

    /** Computes Python's {@code str}: a string is itself, other values are written down. */
    static Text text(Object x) {
        if (x instanceof Text text) {
            return text;
        }
        var out = new Text.Builder();
        append(out, x, false);
        return out.build();
    }

    /** Computes Python's {@code repr}. */
    static Text repr(Object x) {
        var out = new Text.Builder();
        append(out, x, true);
        return out.build();
    }

    private static void append(Text.Builder out, Object x, boolean quoted) {
        if (x instanceof Text text) {
            out.add(quoted ? quote(text) : text);
        } else if (x instanceof List<?> list) {
            boolean tuple = x instanceof Tuple;
            out.add(tuple ? "(" : "[", false);
            String gap = "";
            for (var item : list) {
                out.add(gap, false);
                append(out, item, true);
                gap = ", ";
            }
            out.add(tuple ? list.size() == 1 ? ",)" : ")" : "]", false);
        } else if (x instanceof Map<?, ?> map) {
            String gap = "{";
            for (var entry : map.entrySet()) {
                out.add(gap, false);
                append(out, entry.getKey(), true);
                out.add(": ", false);
                append(out, entry.getValue(), true);
                gap = ", ";
            }
            out.add(map.isEmpty() ? "{}" : "}", false);
        } else {
            out.add(simple(x), false);
        }
    }

    private static String simple(Object x) {
        if (x == null) {
            return "None";
        }
        if (x instanceof Boolean flag) {
            return flag ? "True" : "False";
        }
        if (x instanceof Double number) {
            return shortest(number);
        }
        return x instanceof Long || x instanceof Undefined ? x.toString() : "<" + typeOf(x) + ">";
    }

    /** Computes Python's {@code repr} of a float: the shortest digits that read back. */
    static String shortest(double x) {
        if (Double.isNaN(x) || Double.isInfinite(x)) {
            return Double.isNaN(x) ? "nan" : x > 0 ? "inf" : "-inf";
        }
        if (x == 0) {
            return 1 / x < 0 ? "-0.0" : "0.0";
        }
        double size = Math.abs(x);
        var exact = new BigDecimal(Double.toString(x)).stripTrailingZeros();
        if (size >= 1e-4 && size < 1e16) {
            String plain = exact.toPlainString();
            return plain.contains(".") ? plain : plain + ".0";
        }
        String digits = exact.unscaledValue().abs().toString();
        int exponent = digits.length() - 1 - exact.scale();
        return (x < 0 ? "-" : "") + digits.charAt(0) + (digits.length() > 1 ? "." + digits.substring(1) : "") + "e"
                + (exponent < 0 ? "-" : "+") + (Math.abs(exponent) < 10 ? "0" : "") + Math.abs(exponent);
    }

    private static Text quote(Text text) {
        String s = text.toString();
        String mark = s.contains("'") && !s.contains("\"") ? "\"" : "'";
        var out = new Text.Builder().add(mark, false);
        out.add(text.map(point -> switch (point) {
            case '\\' -> "\\\\";
            case '\n' -> "\\n";
            case '\r' -> "\\r";
            case '\t' -> "\\t";
            default ->
                point == mark.charAt(0) ? "\\" + mark : isPrintable(point) ? Character.toString(point) : escape(point);
        }));
        return out.add(mark, false).build();
    }

    private static boolean isPrintable(int point) {
        return point == ' '
                || switch (Character.getType(point)) {
                    case Character.CONTROL,
                            Character.FORMAT,
                            Character.SURROGATE,
                            Character.PRIVATE_USE,
                            Character.UNASSIGNED,
                            Character.LINE_SEPARATOR,
                            Character.PARAGRAPH_SEPARATOR,
                            Character.SPACE_SEPARATOR -> false;
                    default -> true;
                };
    }

    private static String escape(int point) {
        return point < 0x100
                ? String.format(Locale.ROOT, "\\x%02x", point)
                : point < 0x10000
                        ? String.format(Locale.ROOT, "\\u%04x", point)
                        : String.format(Locale.ROOT, "\\U%08x", point);
    }

    /** Returns Python's name of a value's type, for messages. */
    static String typeOf(Object x) {
        if (x instanceof Undefined undefined) {
            return undefined.description();
        }
        return x == null
                ? "None"
                : x instanceof Boolean
                        ? "bool"
                        : x instanceof Long
                                ? "int"
                                : x instanceof Double
                                        ? "float"
                                        : x instanceof Text
                                                ? "str"
                                                : x instanceof Tuple
                                                        ? "tuple"
                                                        : x instanceof List
                                                                ? "list"
                                                                : x instanceof Map
                                                                        ? "dict"
                                                                        : x instanceof Namespace
                                                                                ? "namespace"
                                                                                : "function";
    }
}
