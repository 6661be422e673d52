package rudder.checkpoint.tokenizer.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import rudder.checkpoint.tokenizer.jinja.Values.Group;
import rudder.checkpoint.tokenizer.jinja.Values.Namespace;
import rudder.checkpoint.tokenizer.jinja.Values.Tuple;
import rudder.checkpoint.tokenizer.jinja.syntax.TemplateException;
import rudder.checkpoint.tokenizer.jinja.syntax.Text;

/** Attributes, items and slices, and the methods of dicts and lists; those of strings are {@link Strings}'. */
final class Members {
    /** Methods that change a value in place. A template may not call them. */
    private static final Set<String> CHANGING = Set.of(
            "append",
            "extend",
            "insert",
            "pop",
            "remove",
            "clear",
            "reverse",
            "sort",
            "update",
            "setdefault",
            "popitem",
            "add",
            "discard");

    private Members() {}

    /** Computes {@code x.name}: looks for a method or member first, then for an item. */
    static Object attribute(int line, Object x, String name) {
        Object member = member(line, x, name);
        return member instanceof Undefined && x instanceof Map<?, ?> map && map.containsKey(Text.ofTemplate(name))
                ? map.get(Text.ofTemplate(name))
                : member;
    }

    /** Computes {@code x[key]}: looks for an item first, then for a method or member. */
    static Object item(int line, Object x, Object key) {
        if (x instanceof Undefined undefined) {
            throw undefined(line, undefined);
        }
        if (x instanceof Map<?, ?> map && map.containsKey(key)) {
            return map.get(key);
        }
        if ((x instanceof List<?> || x instanceof Text) && (key instanceof Long || key instanceof Boolean)) {
            var items = Values.items(x, line);
            long i = Values.integer(key);
            long at = i < 0 ? i + items.size() : i;
            return at >= 0 && at < items.size() ? items.get((int) at) : missing(x, "item " + i);
        }
        return key instanceof Text name ? member(line, x, name.toString()) : missing(x, "item " + Values.repr(key));
    }

    private static Undefined missing(Object x, String what) {
        return new Undefined(what + " of " + Values.typeOf(x) + ", which is undefined");
    }

    private static TemplateException undefined(int line, Undefined undefined) {
        return TemplateException.at(line, "cannot look into " + undefined.description());
    }

    /** Returns a member, which may be None, or a method; undefined if there is none of that name. */
    private static Object member(int line, Object x, String name) {
        if (x instanceof Undefined undefined) {
            throw undefined(line, undefined);
        }
        if (x instanceof Namespace namespace && namespace.members().containsKey(name)) {
            return namespace.members().get(name);
        }
        if (x instanceof Loop.State loop) {
            return loop.member(name);
        }
        if (x instanceof Group group && (name.equals("grouper") || name.equals("list"))) {
            return group.get(name.equals("grouper") ? 0 : 1);
        }
        Callable method = method(x, name);
        return method != null ? method : missing(x, "'" + name + "'");
    }

    private static Callable method(Object x, String name) {
        if (x instanceof Text text) {
            return Strings.method(text, name);
        }
        if ((x instanceof Map<?, ?> || x instanceof List<?>) && CHANGING.contains(name)) {
            return call -> {
                throw call.error("values are never changed in place");
            };
        }
        if (x instanceof Map<?, ?> map) {
            return method(map, name);
        }
        return x instanceof List<?> list ? method(list, name) : null;
    }

    private static Callable method(Map<?, ?> map, String name) {
        return switch (name) {
            case "items" -> call -> pairs(map);
            case "keys" -> call -> new ArrayList<Object>(map.keySet());
            case "values" -> call -> new ArrayList<Object>(map.values());
            case "get" ->
                call -> {
                    Object key = call.only(2).require(0, "key");
                    return map.containsKey(key) ? map.get(key) : call.get(1, "default", null);
                };
            case "copy" -> call -> new java.util.LinkedHashMap<Object, Object>(map);
            default -> null;
        };
    }

    /** Returns the items of a dict, each a tuple of key and value. */
    static List<Object> pairs(Map<?, ?> map) {
        var pairs = new ArrayList<Object>();
        map.forEach((key, value) -> {
            var pair = new ArrayList<Object>();
            pair.add(key);
            pair.add(value);
            pairs.add(new Tuple(pair));
        });
        return pairs;
    }

    private static Callable method(List<?> list, String name) {
        return switch (name) {
            case "index" ->
                call -> {
                    Object wanted = call.only(1).require(0, "value");
                    for (int i = 0; i < list.size(); i++) {
                        if (Values.equal(list.get(i), wanted)) {
                            return (long) i;
                        }
                    }
                    throw call.error(Values.repr(wanted) + " is not in the list");
                };
            case "count" ->
                call -> list.stream()
                        .filter(item -> Values.equal(item, call.require(0, "value")))
                        .count();
            case "copy" -> list instanceof Tuple ? null : call -> new ArrayList<Object>(list);
            default -> null;
        };
    }

    /** Computes {@code x[from:to:step]} of a list or of a string's code points. */
    static Object slice(int line, Object x, Object from, Object to, Object step) {
        if (!(x instanceof Text) && !(x instanceof List<?>)) {
            throw TemplateException.at(line, "cannot slice " + Values.typeOf(x));
        }
        var items = Values.items(x, line);
        long n = items.size();
        long by = bound(line, step, 1);
        if (by == 0) {
            throw TemplateException.at(line, "a slice's step is 0");
        }
        long first = clip(bound(line, from, by > 0 ? 0 : n - 1), from == null, n, by > 0);
        long last = to == null ? (by > 0 ? n : -1) : clip(bound(line, to, 0), false, n, by > 0);
        var out = new ArrayList<Object>();
        for (long i = first; by > 0 ? i < last : i > last; i += by) {
            out.add(items.get((int) i));
        }
        if (x instanceof Text) {
            var text = new Text.Builder();
            out.forEach(point -> text.add((Text) point));
            return text.build();
        }
        return x instanceof Tuple ? new Tuple(out) : out;
    }

    /** Returns an integer of a place, bounded; the given one for None. */
    static long bound(int line, Object x, long otherwise) {
        if (x != null && !(x instanceof Long) && !(x instanceof Boolean)) {
            throw TemplateException.at(line, "a place wants an integer, found " + Values.typeOf(x));
        }
        long bound = x == null ? otherwise : Values.integer(x);
        return Math.max(-(1L << 40), Math.min(1L << 40, bound));
    }

    private static long clip(long i, boolean isDefault, long n, boolean forward) {
        long at = i < 0 && !isDefault ? i + n : i;
        return forward ? Math.max(0, Math.min(n, at)) : Math.max(-1, Math.min(n - 1, at));
    }
}
