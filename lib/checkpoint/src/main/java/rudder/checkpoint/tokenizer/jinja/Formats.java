package rudder.checkpoint.tokenizer.jinja;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.time.LocalDateTime;
import java.time.format.DateTimeFormatter;
import java.time.format.TextStyle;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import rudder.checkpoint.tokenizer.jinja.Values.Tuple;
import rudder.checkpoint.tokenizer.jinja.syntax.TemplateException;
import rudder.checkpoint.tokenizer.jinja.syntax.Text;

/** Formats of values: {@code %}, {@code str.format}, JSON and dates. */
final class Formats {
    private static final Pattern PERCENT = Pattern.compile(
            "%(?:\\(([^()]*)\\))?([-0+ ]*)(\\d*)(\\.\\d*)?(.)?", Pattern.DOTALL); // an absent kind is an error
    private static final Pattern FIELD = Pattern.compile("\\{\\{|\\}\\}|\\{(\\w*)(?:!([rs]))?(?::([^{}]*))?\\}|[{}]");
    private static final Pattern SPEC =
            Pattern.compile("(?:(?<fill>.)?(?<align>[<>^=]))?(?<sign>[-+ ]?)(?<zero>0?)(?<width>\\d*)(?<comma>,?)"
                    + "(?:\\.(?<precision>\\d+))?(?<kind>[sdf]?)");

    /** Digits of a width or a precision. */
    private static final int WIDEST = 4;

    private Formats() {}

    /**
     * Computes {@code format % values}.
     *
     * @param given a tuple of values, or one value
     */
    static Text percent(Interpreter interpreter, int line, Text format, Object given) {
        List<?> values = given instanceof Tuple tuple ? tuple : Collections.singletonList(given);
        var out = new Text.Builder();
        Matcher field = PERCENT.matcher(format);
        int from = 0;
        int next = 0;
        while (field.find()) {
            out.add(format.subSequence(from, field.start()));
            from = field.end();
            if (field.group().equals("%%")) {
                out.add("%", false);
                continue;
            }
            Object value;
            if (field.group(1) != null) {
                if (!(given instanceof Map<?, ?> map) || !map.containsKey(Text.ofTemplate(field.group(1)))) {
                    throw TemplateException.at(line, "'%' finds no value named '" + field.group(1) + "'");
                }
                value = map.get(Text.ofTemplate(field.group(1)));
            } else if (next < values.size()) {
                value = values.get(next++);
            } else {
                throw TemplateException.at(line, "'%' wants more values than the " + values.size() + " it is given");
            }
            int width = field.group(3).isEmpty() ? 0 : digits(line, field.group(3));
            int precision = field.group(4) == null
                    ? -1
                    : digits(line, "0" + field.group(4).substring(1));
            out.add(converted(line, field.group(), field.group(5), field.group(2), width, precision, value));
        }
        boolean mayBeLeft = given instanceof Map || given instanceof List && !(given instanceof Tuple);
        if (next < values.size() && !mayBeLeft && !(given instanceof Undefined)) {
            throw TemplateException.at(
                    line, "'%' is given " + values.size() + " values, but the format has only " + next + " fields");
        }
        return interpreter.made(
                line, out.add(format.subSequence(from, format.length())).build());
    }

    /**
     * Writes a value into a field of {@code %}.
     *
     * @param precision -1 if there is none
     */
    private static Text converted(
            int line, String field, String kind, String flags, int width, int precision, Object value) {
        boolean left = flags.contains("-");
        switch (kind == null ? "" : kind) {
            case "s", "r":
                Text text = kind.equals("s") ? Values.text(value) : Values.repr(value);
                return padded("", shortened(text, precision), width, left ? '<' : '>', " ");
            case "d", "i", "f":
                requireFinite(line, "'%" + kind + "'", value);
                String sign;
                String digits;
                if (kind.equals("f")) {
                    sign = sign(isNegative(value), flags);
                    digits = fixed(Values.real(value), precision < 0 ? 6 : precision);
                } else {
                    BigInteger whole = whole(value);
                    sign = sign(whole.signum() < 0, flags);
                    digits = whole.abs().toString();
                    digits = "0".repeat(Math.max(0, precision - digits.length())) + digits;
                }
                char align = left ? '<' : flags.contains("0") ? '=' : '>';
                return padded(sign, Text.ofTemplate(digits), width, align, align == '=' ? "0" : " ");
            default:
                throw TemplateException.at(line, "the format '" + field + "' is not supported");
        }
    }

    private static void requireFinite(int line, String where, Object value) {
        if (!Values.isNumber(value) || value instanceof Double x && (x.isNaN() || x.isInfinite())) {
            throw TemplateException.at(
                    line, where + " wants a finite number, found " + Values.typeOf(value) + " " + Values.repr(value));
        }
    }

    private static Text shortened(Text text, int precision) {
        return precision < 0 || text.points() <= precision ? text : text.subSequence(0, text.offset(precision));
    }

    private static String sign(boolean negative, String flags) {
        return negative ? "-" : flags.contains("+") ? "+" : flags.contains(" ") ? " " : "";
    }

    private static boolean isNegative(Object number) {
        return number instanceof Double x ? x < 0 || 1 / x < 0 : Values.integer(number) < 0;
    }

    private static BigInteger whole(Object number) {
        return number instanceof Double x
                ? new BigDecimal(x).toBigInteger()
                : BigInteger.valueOf(Values.integer(number));
    }

    /** Reads a width or a precision. */
    private static int digits(int line, String number) {
        if (number.length() > WIDEST) {
            throw TemplateException.at(
                    line, "a format has the width " + number + ", wanted at most " + WIDEST + " digits");
        }
        return Integer.parseInt(number);
    }

    /** Writes the size of a number with so many decimals, without its sign. */
    private static String fixed(double x, int digits) {
        return new BigDecimal(Math.abs(x))
                .setScale(digits, RoundingMode.HALF_EVEN)
                .toPlainString();
    }

    /** Fills a text up to a width; an align of {@code =} fills between the sign and the rest. */
    private static Text padded(String sign, Text text, int width, char align, String fill) {
        int missing = Math.max(0, width - sign.length() - text.points());
        int left = align == '<' || align == '=' ? 0 : align == '^' ? missing / 2 : missing;
        int inner = align == '=' ? missing : 0;
        return Text.ofTemplate(fill.repeat(left) + sign + fill.repeat(inner))
                .plus(text)
                .plus(Text.ofTemplate(fill.repeat(missing - left - inner)));
    }

    /** Computes {@code text.format(...)}: fields by place or name, with fill, width and precision. */
    static Text braces(Callable.Call call, Text format) {
        var out = new Text.Builder();
        Matcher field = FIELD.matcher(format);
        int from = 0;
        int next = 0;
        boolean places = false; // whether a field names its place
        while (field.find()) {
            out.add(format.subSequence(from, field.start()));
            from = field.end();
            String found = field.group();
            if (found.equals("{{") || found.equals("}}")) {
                out.add(format.subSequence(field.start(), field.start() + 1));
                continue;
            }
            if (field.group(1) == null) {
                throw call.error("a single '" + found + "' or an unsupported field in the format string");
            }
            String name = field.group(1).isEmpty() ? Integer.toString(next++) : field.group(1);
            Object value;
            if (name.matches("[0-9]+")) {
                places |= !field.group(1).isEmpty();
                if (places && next > 0) {
                    throw call.error("the format string mixes '{}' with fields that name their place");
                }
                int place = name.length() < 9 ? Integer.parseInt(name) : Integer.MAX_VALUE;
                if (place >= call.positional().size()) {
                    throw call.error("there is no argument " + name);
                }
                value = call.positional().get(place);
            } else if (call.named().containsKey(name)) {
                value = call.named().get(name);
            } else {
                throw call.error("there is no argument '" + name + "'");
            }
            if (field.group(2) != null) {
                value = field.group(2).equals("r") ? Values.repr(value) : Values.text(value);
            }
            String spec = field.group(3) == null ? "" : field.group(3);
            out.add(spec.isEmpty() ? Values.text(value) : specified(call, spec, value));
        }
        return call.interpreter()
                .made(
                        call.line(),
                        out.add(format.subSequence(from, format.length())).build());
    }

    /** Writes a value by a format such as {@code >8.2f}: a string, an integer or a float, each by its own rules. */
    private static Text specified(Callable.Call call, String spec, Object value) {
        Matcher parts = SPEC.matcher(spec);
        if (!parts.matches()) {
            throw call.error("the format '" + spec + "' is not supported");
        }
        String kind = parts.group("kind");
        String fill = parts.group("fill");
        String align = parts.group("align");
        boolean zero = !parts.group("zero").isEmpty();
        boolean comma = !parts.group("comma").isEmpty();
        int width = parts.group("width").isEmpty() ? 0 : digits(call.line(), parts.group("width"));
        int precision = parts.group("precision") == null ? -1 : digits(call.line(), parts.group("precision"));
        if (fill == null) {
            fill = zero ? "0" : " ";
        }
        if (value instanceof Text text) {
            if (!kind.isEmpty() && !kind.equals("s")
                    || comma
                    || !parts.group("sign").isEmpty()
                    || "=".equals(align)) {
                throw call.error("the format '" + spec + "' does not suit a string");
            }
            return padded("", shortened(text, precision), width, align == null ? '<' : align.charAt(0), fill);
        }
        requireFinite(call.line(), "the format '" + spec + "'", value);
        boolean real = value instanceof Double;
        boolean suits = kind.equals("f") || kind.equals(real ? "" : "d") || kind.isEmpty();
        if (!suits || precision >= 0 && !kind.equals("f") || comma && zero) {
            throw call.error("the format '" + spec + "' of " + Values.typeOf(value) + " is not supported");
        }
        String digits = kind.equals("f")
                ? fixed(Values.real(value), precision < 0 ? 6 : precision)
                : real
                        ? Values.shortest(Math.abs(Values.real(value)))
                        : whole(value).abs().toString();
        if (comma) {
            digits = digits.replaceAll("(?<=\\d)(?=(\\d{3})+(?!\\d))(?<!\\.\\d{0,300})", ",");
        }
        String sign = sign(isNegative(value), parts.group("sign"));
        return padded(sign, Text.ofTemplate(digits), width, align == null ? zero ? '=' : '>' : align.charAt(0), fill);
    }

    /**
     * Writes a value as Python's {@code json.dumps} does, with non-ASCII characters as they are.
     *
     * @param indent spaces a level, or a string; null for one line
     */
    static Text json(Callable.Call call, Object value, Text indent, String comma, String colon, boolean sorted) {
        var out = new Text.Builder();
        json(call, out, value, indent, comma, colon, sorted, "\n");
        return call.interpreter().made(call.line(), out.build());
    }

    private static void json(
            Callable.Call call,
            Text.Builder out,
            Object value,
            Text indent,
            String comma,
            String colon,
            boolean sorted,
            String newline) {
        call.interpreter().require(out.length(), call.line());
        if (newline.length() > 4000) {
            throw call.error("a value is nested too deep");
        }
        String inner = newline + (indent == null ? " " : indent); // grows one level deeper, shown only with an indent
        String gap = indent == null ? "" : inner;
        String end = indent == null ? "" : newline;
        if (value instanceof Map<?, ?> map) {
            var keys = new java.util.ArrayList<Object>(map.keySet());
            if (sorted) {
                keys.sort((a, b) -> Values.compare(a, b, call.line()));
            }
            String before = "{";
            for (var key : keys) {
                out.add(before + gap, false);
                string(out, key instanceof Text text ? text : Text.ofTemplate(scalar(call, key)));
                out.add(colon, false);
                json(call, out, map.get(key), indent, comma, colon, sorted, inner);
                before = comma;
            }
            out.add(map.isEmpty() ? "{}" : end + "}", false);
        } else if (value instanceof List<?> list) {
            String before = "[";
            for (var item : list) {
                out.add(before + gap, false);
                json(call, out, item, indent, comma, colon, sorted, inner);
                before = comma;
            }
            out.add(list.isEmpty() ? "[]" : end + "]", false);
        } else if (value instanceof Text text) {
            string(out, text);
        } else {
            out.add(scalar(call, value), false);
        }
    }

    private static String scalar(Callable.Call call, Object value) {
        if (value == null || value instanceof Boolean) {
            return value == null ? "null" : value.toString();
        }
        if (value instanceof Double x && (x.isNaN() || x.isInfinite())) {
            return x.isNaN() ? "NaN" : x > 0 ? "Infinity" : "-Infinity";
        }
        if (value instanceof Long || value instanceof Double) {
            return Values.text(value).toString();
        }
        throw call.error(Values.typeOf(value) + " cannot be written as JSON");
    }

    private static void string(Text.Builder out, Text text) {
        out.add("\"", false);
        out.add(text.map(point -> switch (point) {
            case '"' -> "\\\"";
            case '\\' -> "\\\\";
            case '\n' -> "\\n";
            case '\r' -> "\\r";
            case '\t' -> "\\t";
            case '\b' -> "\\b";
            case '\f' -> "\\f";
            default -> point < 0x20 ? String.format(Locale.ROOT, "\\u%04x", point) : Character.toString(point);
        }));
        out.add("\"", false);
    }

    /** Writes a date as Python's {@code strftime} does. */
    static String date(Callable.Call call, LocalDateTime now, String format) {
        var out = new StringBuilder();
        for (int i = 0; i < format.length(); i++) {
            char c = format.charAt(i);
            if (c != '%' || i + 1 == format.length()) {
                out.append(c);
                continue;
            }
            char kind = format.charAt(++i);
            boolean bare = kind == '-' && i + 1 < format.length();
            String part = part(call, now, bare ? format.charAt(++i) : kind);
            out.append(bare ? part.replaceFirst("^0+(?=.)", "") : part);
        }
        return out.toString();
    }

    private static String part(Callable.Call call, LocalDateTime now, char kind) {
        return switch (kind) {
            case 'd', 'H', 'I', 'j', 'm', 'M', 'p', 'S', 'y', 'Y' ->
                now.format(DateTimeFormatter.ofPattern(
                        Map.of(
                                        'd', "dd", 'H', "HH", 'I', "hh", 'j', "DDD", 'm', "MM", 'M', "mm", 'p', "a",
                                        'S', "ss", 'y', "yy", 'Y', "yyyy")
                                .get(kind),
                        Locale.US));
            case 'a', 'A' ->
                now.getDayOfWeek().getDisplayName(kind == 'a' ? TextStyle.SHORT : TextStyle.FULL, Locale.US);
            case 'b', 'B' -> now.getMonth().getDisplayName(kind == 'b' ? TextStyle.SHORT : TextStyle.FULL, Locale.US);
            case 'F' -> date(call, now, "%Y-%m-%d");
            case 'T' -> date(call, now, "%H:%M:%S");
            case 'D' -> date(call, now, "%m/%d/%y");
            case 'w' -> Integer.toString(now.getDayOfWeek().getValue() % 7);
            case 'u' -> Integer.toString(now.getDayOfWeek().getValue());
            case 'e' -> String.format(Locale.ROOT, "%2d", now.getDayOfMonth());
            case '%' -> "%";
            default -> throw call.error("the date format '%" + kind + "' is not supported");
        };
    }
}
