package rudder.checkpoint.tokenizer.jinja;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import rudder.checkpoint.tokenizer.jinja.Values.Group;
import rudder.checkpoint.tokenizer.jinja.Values.Tuple;
import rudder.checkpoint.tokenizer.jinja.syntax.TemplateException;
import rudder.checkpoint.tokenizer.jinja.syntax.Text;

/** Jinja's filters: {@code x | trim} and the like. */
final class Filters {
    private static final Pattern WORD = Pattern.compile("\\w+", Pattern.UNICODE_CHARACTER_CLASS);

    private Filters() {}

    /** Applies a filter to the first argument, with the others. */
    static Object apply(String name, Callable.Call call) {
        Object x = call.positional().get(0);
        return switch (name) {
            case "trim" -> trim(call, x);
            case "tojson" -> json(call, x);
            case "length", "count" -> length(call, x);
            case "default", "d" ->
                x instanceof Undefined || call.flag(2, "boolean", false) && !Values.truth(x)
                        ? call.get(1, "default_value", Text.EMPTY)
                        : x;
            case "join" -> join(call, x);
            case "map" -> map(call, x);
            case "select", "reject" -> filtered(call, x, 1, name.equals("select"), item -> item);
            case "selectattr", "rejectattr" -> {
                String attribute = Values.text(call.require(1, "attribute")).toString();
                yield filtered(call, x, 2, name.equals("selectattr"), item -> attribute(call, item, attribute));
            }
            case "items" -> {
                if (x instanceof Undefined) {
                    yield List.of();
                }
                yield x instanceof Map<?, ?> map
                        ? Members.pairs(map)
                        : fail(call, "wants a dict, found " + Values.typeOf(x));
            }
            case "first", "last" -> {
                var items = Values.items(x, call.line());
                yield items.isEmpty()
                        ? new Undefined("the " + name + " item of nothing")
                        : items.get(name.equals("first") ? 0 : items.size() - 1);
            }
            case "list" -> Values.items(x, call.line());
            case "string", "safe" -> Values.text(x);
            case "escape", "e", "forceescape" -> escape(x);
            case "upper" -> Strings.upper(Values.text(x));
            case "lower" -> Strings.lower(Values.text(x));
            case "title" -> title(Values.text(x));
            case "capitalize" -> Strings.capitalize(Values.text(x));
            case "replace" ->
                Strings.replace(
                        call, Values.text(x), call.text(1, "old"), call.text(2, "new"), call.integer(3, "count", -1));
            case "format" ->
                Formats.percent(
                        call.interpreter(),
                        call.line(),
                        Values.text(x),
                        call.named().isEmpty()
                                ? new Tuple(call.positional()
                                        .subList(1, call.positional().size()))
                                : named(call));
            case "round" -> round(call, x);
            case "int" -> integer(call, x);
            case "float" -> real(call, x);
            case "abs" -> x instanceof Double number ? (Object) Math.abs(number) : (Object) Math.abs(whole(call, x));
            case "dictsort" -> dictsort(call, x);
            case "unique" -> unique(call, x);
            case "sort" -> sort(call, x);
            case "reverse" -> reverse(call, x);
            case "indent" -> indent(call, Values.text(x));
            case "sum" -> sum(call, x);
            case "min", "max" -> extreme(call, x, name.equals("max"));
            case "batch" -> batch(call, x);
            case "attr" ->
                Members.attribute(call.line(), x, call.text(1, "name").toString());
            case "wordcount" -> WORD.matcher(Values.text(x)).results().count();
            case "groupby" -> groupBy(call, x);
            default -> throw TemplateException.at(call.line(), "there is no filter '" + name + "'");
        };
    }

    private static Object fail(Callable.Call call, String message) {
        throw call.error(message);
    }

    private static Text trim(Callable.Call call, Object x) {
        Object set = call.get(1, "chars", null);
        String characters = set == null ? null : Values.text(set).toString();
        return Values.text(x)
                .strip(true, true, point -> characters == null ? Text.isSpace(point) : characters.indexOf(point) >= 0);
    }

    /** Writes JSON as transformers does: {@code json.dumps} with non-ASCII characters as they are. */
    private static Text json(Callable.Call call, Object x) {
        boolean ascii = call.flag(1, "ensure_ascii", false);
        Object indent = call.get(2, "indent", null);
        if (ascii) {
            throw call.error("'ensure_ascii' is not supported");
        }
        Text step =
                indent == null ? null : indent instanceof Text text ? text : spaces(call, call.integer(2, "indent", 0));
        String comma = step == null ? ", " : ",";
        String colon = ": ";
        if (call.get(3, "separators", null) instanceof List<?> pair && pair.size() == 2) {
            comma = pair.get(0).toString();
            colon = pair.get(1).toString();
        }
        return Formats.json(call, x, step, comma, colon, call.flag(4, "sort_keys", false));
    }

    private static long length(Callable.Call call, Object x) {
        if (x instanceof Text text) {
            return text.points();
        }
        return x instanceof Map<?, ?> map
                ? map.size()
                : Values.items(x, call.line()).size();
    }

    private static Text join(Callable.Call call, Object x) {
        Text separator = Values.text(call.get(1, "d", Text.EMPTY));
        Object attribute = call.get(2, "attribute", null);
        var out = new Text.Builder();
        boolean first = true;
        for (var item : Values.items(x, call.line())) {
            Object shown = attribute == null ? item : attribute(call, item, attribute.toString());
            out.add(first ? Text.EMPTY : separator).add(Values.text(shown));
            call.interpreter().require(out.length(), call.line());
            first = false;
        }
        return call.interpreter().made(call.line(), out.build());
    }

    /** Returns the attribute or item at a path such as {@code a.b.0}. */
    private static Object attribute(Callable.Call call, Object x, String path) {
        Object at = x;
        for (String step : path.split("\\.")) {
            at = step.matches("\\d{1,9}")
                    ? Members.item(call.line(), at, Long.parseLong(step))
                    : Members.item(call.line(), at, Text.ofTemplate(step));
        }
        return at;
    }

    private static List<Object> map(Callable.Call call, Object x) {
        var out = new ArrayList<Object>();
        if (call.named().containsKey("attribute")) {
            String path = Values.text(call.named().get("attribute")).toString();
            for (var item : Values.items(x, call.line())) {
                Object found = attribute(call, item, path);
                out.add(
                        found instanceof Undefined && call.named().containsKey("default")
                                ? call.named().get("default")
                                : found);
            }
            return out;
        }
        String name = call.text(1, "filter").toString();
        for (var item : Values.items(x, call.line())) {
            out.add(apply(name, inner(call, name, item, 2)));
        }
        return out;
    }

    /** Returns the call of a filter or test on one item, with the arguments from a place on. */
    private static Callable.Call inner(Callable.Call call, String name, Object item, int from) {
        var positional = new ArrayList<Object>();
        positional.add(item);
        positional.addAll(call.positional()
                .subList(
                        Math.min(from, call.positional().size()),
                        call.positional().size()));
        return new Callable.Call(call.interpreter(), call.line(), name, positional, call.named());
    }

    private static List<Object> filtered(
            Callable.Call call, Object x, int at, boolean wanted, Function<Object, Object> tested) {
        Predicate<Object> test = Values::truth;
        if (call.positional().size() > at) {
            String name = call.text(at, "test").toString();
            test = item -> Tests.holds(name, inner(call, name, item, at + 1));
        }
        var out = new ArrayList<Object>();
        for (var item : Values.items(x, call.line())) {
            if (test.test(tested.apply(item)) == wanted) {
                out.add(item);
            }
        }
        return out;
    }

    private static Map<Object, Object> named(Callable.Call call) {
        var map = new LinkedHashMap<Object, Object>();
        call.named().forEach((name, value) -> map.put(Text.ofTemplate(name), value));
        return map;
    }

    private static Text escape(Object x) {
        return Values.text(x).map(point -> switch (point) {
            case '&' -> "&amp;";
            case '<' -> "&lt;";
            case '>' -> "&gt;";
            case '"' -> "&#34;";
            case '\'' -> "&#39;";
            default -> Character.toString(point);
        });
    }

    /** Maps to upper case behind white space, hyphens and opening brackets, to lower case elsewhere. */
    private static Text title(Text text) {
        boolean[] begins = {true};
        return text.map(point -> {
            String mapped = begins[0]
                    ? Character.toString(point).toUpperCase(java.util.Locale.ROOT)
                    : Character.toString(point).toLowerCase(java.util.Locale.ROOT);
            begins[0] = Text.isSpace(point) || "-({[<".indexOf(point) >= 0;
            return mapped;
        });
    }

    private static Object round(Callable.Call call, Object x) {
        int digits = call.integer(1, "precision", 0);
        String method =
                Values.text(call.get(2, "method", Text.ofTemplate("common"))).toString();
        if (!Values.isNumber(x) || Math.abs(digits) > 300) {
            throw call.error("wants a number, found " + Values.repr(x));
        }
        var rounding =
                switch (method) {
                    case "common" -> RoundingMode.HALF_EVEN;
                    case "ceil" -> RoundingMode.CEILING;
                    case "floor" -> RoundingMode.FLOOR;
                    default -> throw call.error("the method is '" + method + "', wanted common, ceil or floor");
                };
        if (x instanceof Long && method.equals("common")) {
            return digits >= 0
                    ? x
                    : new BigDecimal((Long) x).setScale(digits, rounding).longValue();
        }
        double value = Values.real(x);
        return Double.isNaN(value) || Double.isInfinite(value)
                ? value
                : new BigDecimal(value).setScale(digits, rounding).doubleValue();
    }

    private static Object integer(Callable.Call call, Object x) {
        Object otherwise = call.get(1, "default", 0L);
        if (x instanceof Double number) {
            return number.isNaN() || number.isInfinite() ? otherwise : (Object) number.longValue();
        }
        if (Values.isNumber(x)) {
            return Values.integer(x);
        }
        String text = x instanceof Text t ? t.toString().strip().replace("_", "") : "";
        try {
            return text.matches("[-+]?\\d+")
                    ? (Object) Long.parseLong(text)
                    : text.isEmpty() ? otherwise : (Object) (long) Double.parseDouble(text);
        } catch (NumberFormatException e) {
            return otherwise; // Jinja's own rule: what is no number is the default
        }
    }

    private static Object real(Callable.Call call, Object x) {
        try {
            return Values.isNumber(x)
                    ? Values.real(x)
                    : Double.parseDouble(Values.text(x).toString().strip());
        } catch (NumberFormatException e) {
            return call.get(1, "default", 0.0); // Jinja's own rule: what is no number is the default
        }
    }

    private static long whole(Callable.Call call, Object x) {
        if (!Values.isNumber(x)) {
            throw call.error("wants a number, found " + Values.typeOf(x));
        }
        return Values.integer(x);
    }

    /** Returns the key that values are compared by: strings lose their case unless it counts. */
    private static Function<Object, Object> key(boolean cased) {
        return x -> x instanceof Text text && !cased ? Strings.lower(text) : x;
    }

    private static List<Object> sorted(
            Callable.Call call, List<Object> items, Function<Object, Object> key, boolean reverse) {
        Comparator<Object> order = (a, b) -> Values.compare(key.apply(a), key.apply(b), call.line());
        var sorted = new ArrayList<>(items);
        sorted.sort(reverse ? order.reversed() : order);
        return sorted;
    }

    private static List<Object> sort(Callable.Call call, Object x) {
        boolean cased = call.flag(2, "case_sensitive", false);
        Object attribute = call.get(3, "attribute", null);
        Function<Object, Object> of = attribute == null ? item -> item : item -> attributes(call, item, attribute);
        return sorted(call, Values.items(x, call.line()), of.andThen(key(cased)), call.flag(1, "reverse", false));
    }

    private static Object attributes(Callable.Call call, Object item, Object paths) {
        String[] all = Values.text(paths).toString().split(",");
        if (all.length == 1) {
            return attribute(call, item, all[0]);
        }
        var values = new ArrayList<Object>();
        for (String path : all) {
            values.add(attribute(call, item, path));
        }
        return values;
    }

    private static List<Object> dictsort(Callable.Call call, Object x) {
        if (!(x instanceof Map<?, ?> map)) {
            throw call.error("wants a dict, found " + Values.typeOf(x));
        }
        boolean cased = call.flag(1, "case_sensitive", false);
        int part = Values.text(call.get(2, "by", Text.ofTemplate("key")))
                        .toString()
                        .equals("value")
                ? 1
                : 0;
        Function<Object, Object> of = pair -> ((Tuple) pair).get(part);
        return sorted(call, Members.pairs(map), of.andThen(key(cased)), call.flag(3, "reverse", false));
    }

    private static List<Object> unique(Callable.Call call, Object x) {
        var key = key(call.flag(1, "case_sensitive", false));
        Object attribute = call.get(2, "attribute", null);
        var seen = new LinkedHashMap<Object, Object>();
        for (var item : Values.items(x, call.line())) {
            seen.putIfAbsent(key.apply(attribute == null ? item : attribute(call, item, attribute.toString())), item);
        }
        return new ArrayList<>(seen.values());
    }

    private static Object reverse(Callable.Call call, Object x) {
        var items = Values.items(x, call.line());
        Collections.reverse(items);
        if (!(x instanceof Text)) {
            return items;
        }
        var out = new Text.Builder();
        items.forEach(point -> out.add((Text) point));
        return out.build();
    }

    private static Text spaces(Callable.Call call, int count) {
        call.interpreter().require(count, call.line());
        return Text.ofTemplate(" ".repeat(Math.max(0, count)));
    }

    private static Text indent(Callable.Call call, Text text) {
        Object width = call.get(1, "width", 4L);
        Text step = width instanceof Text given ? given : spaces(call, call.integer(1, "width", 4));
        boolean first = call.flag(2, "first", false);
        boolean blank = call.flag(3, "blank", false);
        var out = new Text.Builder();
        int from = 0;
        for (int at = 0; at <= text.length(); at++) {
            if (at == text.length() || text.charAt(at) == '\n') {
                Text line = text.subSequence(from, at);
                boolean indented = from == 0 ? first : blank || line.length() > 0;
                out.add(indented ? step : Text.EMPTY).add(line);
                if (at < text.length()) {
                    out.add(text.subSequence(at, at + 1));
                }
                call.interpreter().require(out.length(), call.line());
                from = at + 1;
            }
        }
        return call.interpreter().made(call.line(), out.build());
    }

    private static Object sum(Callable.Call call, Object x) {
        Object attribute = call.get(1, "attribute", null);
        Object sum = call.get(2, "start", 0L);
        var operators = new Operators(call.interpreter());
        for (var item : Values.items(x, call.line())) {
            Object value = attribute == null ? item : attribute(call, item, attribute.toString());
            sum = operators.apply(call.line(), "+", sum, value);
        }
        return sum;
    }

    private static Object extreme(Callable.Call call, Object x, boolean largest) {
        var items = sorted(call, Values.items(x, call.line()), key(call.flag(1, "case_sensitive", false)), largest);
        return items.isEmpty() ? new Undefined("the extreme of nothing") : items.get(0);
    }

    private static List<Object> batch(Callable.Call call, Object x) {
        int size = Math.max(1, call.integer(1, "linecount", null));
        var items = Values.items(x, call.line());
        var out = new ArrayList<Object>();
        for (int i = 0; i < items.size(); i += size) {
            out.add(new ArrayList<Object>(items.subList(i, Math.min(items.size(), i + size))));
        }
        return out;
    }

    private static List<Object> groupBy(Callable.Call call, Object x) {
        String path = Values.text(call.require(1, "attribute")).toString();
        Object otherwise = call.get(2, "default", null);
        var key = key(call.flag(3, "case_sensitive", false));
        Function<Object, Object> of = item -> {
            Object found = attribute(call, item, path);
            return found instanceof Undefined && otherwise != null ? otherwise : found;
        };
        var groups = new ArrayList<Object>();
        Object last = null;
        List<Object> group = null;
        for (var item : sorted(call, Values.items(x, call.line()), of.andThen(key), false)) {
            Object value = of.apply(item);
            if (group == null || !Values.equal(key.apply(value), last)) {
                group = new ArrayList<>();
                groups.add(new Group(value, group));
                last = key.apply(value);
            }
            group.add(item);
        }
        return groups;
    }
}
