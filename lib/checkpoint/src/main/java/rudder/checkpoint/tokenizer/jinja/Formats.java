package rudder.checkpoint.tokenizer.jinja;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.time.LocalDateTime;
import java.time.format.DateTimeFormatter;
import java.time.format.TextStyle;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import rudder.checkpoint.tokenizer.jinja.syntax.TemplateException;
import rudder.checkpoint.tokenizer.jinja.syntax.Text;

/** Formats of values: {@code %}, {@code str.format}, JSON and dates. */
final class Formats {
    private static final Pattern PERCENT =
            Pattern.compile("%(?:\\((\\w+)\\))?([-0+ ]*)(\\d*)(?:\\.(\\d+))?([a-zA-Z%])");
    private static final Pattern FIELD = Pattern.compile("\\{\\{|\\}\\}|\\{(\\w*)(?:!([rs]))?(?::([^{}]*))?\\}|[{}]");
    private static final Pattern SPEC = Pattern.compile("(?:(.)?([<>^]))?(0?)(\\d*)(,?)(?:\\.(\\d+))?([sdf]?)");

    /** Digits of a width or a precision. */
    private static final int WIDEST = 4;

    private Formats() {}

    /** Computes {@code format % values}. */
    static Text percent(Interpreter interpreter, int line, Text format, List<?> values) {
        var out = new Text.Builder();
        Matcher field = PERCENT.matcher(format);
        int from = 0;
        int next = 0;
        while (field.find()) {
            out.add(format.subSequence(from, field.start()));
            from = field.end();
            if (field.group(5).equals("%")) {
                out.add("%", false);
                continue;
            }
            Object value;
            if (field.group(1) != null) {
                if (values.size() != 1
                        || !(values.get(0) instanceof Map<?, ?> map)
                        || !map.containsKey(Text.ofTemplate(field.group(1)))) {
                    throw TemplateException.at(line, "'%' finds no value named '" + field.group(1) + "'");
                }
                value = map.get(Text.ofTemplate(field.group(1)));
            } else if (next < values.size()) {
                value = values.get(next++);
            } else {
                throw TemplateException.at(line, "'%' wants more values than the " + values.size() + " it is given");
            }
            Text shown = converted(line, field.group(5), field.group(4), value);
            int width = field.group(3).isEmpty() ? 0 : digits(line, field.group(3));
            boolean left = field.group(2).contains("-");
            String fill = field.group(2).contains("0") && !left ? "0" : " ";
            out.add(padded(shown, width, left ? '<' : '>', fill));
        }
        return interpreter.made(
                line, out.add(format.subSequence(from, format.length())).build());
    }

    private static Text converted(int line, String kind, String precision, Object value) {
        switch (kind) {
            case "s", "r":
                Text text = kind.equals("s") ? Values.text(value) : Values.repr(value);
                return precision == null || text.points() <= digits(line, precision)
                        ? text
                        : text.subSequence(0, text.offset(digits(line, precision)));
            case "d", "i", "f":
                if (!Values.isNumber(value)) {
                    throw TemplateException.at(line, "'%" + kind + "' wants a number, found " + Values.typeOf(value));
                }
                return Text.ofTemplate(
                        kind.equals("f")
                                ? fixed(Values.real(value), precision == null ? 6 : digits(line, precision))
                                : Long.toString(value instanceof Double x ? x.longValue() : Values.integer(value)));
            default:
                throw TemplateException.at(line, "the format '%" + kind + "' is not supported");
        }
    }

    /** Reads a width or a precision. */
    private static int digits(int line, String number) {
        if (number.length() > WIDEST) {
            throw TemplateException.at(
                    line, "a format has the width " + number + ", wanted at most " + WIDEST + " digits");
        }
        return Integer.parseInt(number);
    }

    static String fixed(double x, int digits) {
        return new BigDecimal(x).setScale(digits, RoundingMode.HALF_EVEN).toPlainString();
    }

    private static Text padded(Text text, int width, char align, String fill) {
        int missing = width - text.points();
        if (missing <= 0) {
            return text;
        }
        int left = align == '<' ? 0 : align == '^' ? missing / 2 : missing;
        return Text.ofTemplate(fill.repeat(left)).plus(text).plus(Text.ofTemplate(fill.repeat(missing - left)));
    }

    /** Computes {@code text.format(...)}: fields by place or name, with fill, width and precision. */
    static Text braces(Callable.Call call, Text format) {
        var out = new Text.Builder();
        Matcher field = FIELD.matcher(format);
        int from = 0;
        int next = 0;
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
            Text shown = "r".equals(field.group(2)) ? Values.repr(value) : Values.text(value);
            out.add(field.group(3) == null ? shown : specified(call, field.group(3), value, shown));
        }
        return call.interpreter()
                .made(
                        call.line(),
                        out.add(format.subSequence(from, format.length())).build());
    }

    private static Text specified(Callable.Call call, String spec, Object value, Text shown) {
        Matcher parts = SPEC.matcher(spec);
        if (!parts.matches()) {
            throw call.error("the format '" + spec + "' is not supported");
        }
        boolean number = Values.isNumber(value)
                && !(value instanceof Boolean && parts.group(7).isEmpty());
        Text text = shown;
        if (parts.group(7).equals("f") || parts.group(6) != null && value instanceof Double) {
            text = Text.ofTemplate(
                    fixed(Values.real(value), parts.group(6) == null ? 6 : digits(call.line(), parts.group(6))));
        } else if (parts.group(6) != null && text.points() > digits(call.line(), parts.group(6))) {
            text = text.subSequence(0, text.offset(digits(call.line(), parts.group(6))));
        }
        if (!parts.group(5).isEmpty()) {
            text = Text.ofTemplate(text.toString().replaceAll("(?<=\\d)(?=(\\d{3})+(?!\\d))(?<!\\.\\d{0,300})", ","));
        }
        int width = parts.group(4).isEmpty() ? 0 : digits(call.line(), parts.group(4));
        char align =
                parts.group(2) == null ? (number ? '>' : '<') : parts.group(2).charAt(0);
        String fill = parts.group(1) != null ? parts.group(1) : parts.group(3).isEmpty() ? " " : "0";
        return padded(text, width, align, fill);
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
