package rudder.checkpoint.tokenizer.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.IntPredicate;
import rudder.checkpoint.tokenizer.jinja.syntax.Text;

/** Methods of Python's strings. Every character that is kept keeps its origin. */
final class Strings {

    private Strings() {}

    /** Returns a method of a text, or null if there is none of that name. */
    static Callable method(Text text, String name) {
        return switch (name) {
            case "strip", "lstrip", "rstrip" ->
                call -> strip(text, call.only(1), !name.equals("rstrip"), !name.equals("lstrip"));
            case "upper" -> call -> upper(text);
            case "lower" -> call -> lower(text);
            case "title" -> call -> title(text);
            case "capitalize" -> call -> capitalize(text);
            case "swapcase" ->
                call -> text.map(point -> Character.isUpperCase(point)
                        ? Character.toString(point).toLowerCase(Locale.ROOT)
                        : Character.toString(point).toUpperCase(Locale.ROOT));
            case "split" -> call -> split(text, call.only(2, "sep", "maxsplit"));
            case "rsplit" -> call -> splitRight(text, call.only(2, "sep", "maxsplit"));
            case "splitlines" -> call -> lines(text, call.only(1, "keepends").flag(0, "keepends", false));
            case "startswith", "endswith" -> call -> affix(text, call.only(1), name.equals("startswith"));
            case "replace" ->
                call -> replace(call, text, call.text(0, "old"), call.text(1, "new"), call.integer(2, "count", -1));
            case "find" -> call -> find(text, call, false);
            case "rfind" -> call -> find(text, call, true);
            case "index", "rindex" ->
                call -> {
                    long at = find(text, call, name.equals("rindex"));
                    if (at < 0) {
                        throw call.error("substring not found");
                    }
                    return at;
                };
            case "count" -> call -> count(text, call.only(1).text(0, "sub"));
            case "join" -> call -> join(call, text, Values.items(call.only(1).require(0, "iterable"), call.line()));
            case "format" -> call -> Formats.braces(call, text);
            case "removeprefix" ->
                call -> {
                    Text part = call.only(1).text(0, "prefix");
                    return starts(text, part) ? text.subSequence(part.length(), text.length()) : text;
                };
            case "removesuffix" ->
                call -> {
                    Text part = call.only(1).text(0, "suffix");
                    return ends(text, part) ? text.subSequence(0, text.length() - part.length()) : text;
                };
            case "partition" ->
                call -> {
                    int at = text.indexOf(separator(call.only(1)), 0);
                    return at < 0
                            ? new Values.Tuple(List.of(text, Text.EMPTY, Text.EMPTY))
                            : partition(text, separator(call), at);
                };
            case "rpartition" ->
                call -> {
                    int at = text.toString().lastIndexOf(separator(call.only(1)).toString());
                    return at < 0
                            ? new Values.Tuple(List.of(Text.EMPTY, Text.EMPTY, text))
                            : partition(text, separator(call), at);
                };
            case "zfill", "ljust", "rjust", "center" -> call -> pad(call.only(2), text, name);
            case "isdigit" -> all(text, point -> Character.getType(point) == Character.DECIMAL_DIGIT_NUMBER);
            case "isdecimal", "isnumeric" -> all(text, Character::isDigit);
            case "isalpha" -> all(text, Character::isLetter);
            case "isalnum" -> all(text, Character::isLetterOrDigit);
            case "isspace" -> all(text, Text::isSpace);
            case "isupper" -> call -> isUpper(text);
            case "islower" -> call -> isLower(text);
            default -> null;
        };
    }

    private static Callable all(Text text, IntPredicate test) {
        return call -> text.length() > 0 && text.chars().allMatch(test);
    }

    static boolean isUpper(Text text) {
        return cased(text, text.toString().toUpperCase(Locale.ROOT));
    }

    static boolean isLower(Text text) {
        return cased(text, text.toString().toLowerCase(Locale.ROOT));
    }

    private static boolean cased(Text text, String mapped) {
        return text.toString().equals(mapped) && text.codePoints().anyMatch(Strings::hasCase);
    }

    private static boolean hasCase(int point) {
        return Character.isUpperCase(point) || Character.isLowerCase(point) || Character.isTitleCase(point);
    }

    private static Text strip(Text text, Callable.Call call, boolean left, boolean right) {
        Object set = call.get(0, "chars", null);
        if (set == null) {
            return text.strip(left, right, Text::isSpace);
        }
        String characters = call.text(0, "chars").toString();
        return text.strip(left, right, point -> characters.indexOf(point) >= 0);
    }

    static Text upper(Text text) {
        return text.map(point -> Character.toString(point).toUpperCase(Locale.ROOT));
    }

    static Text lower(Text text) {
        return text.map(point -> Character.toString(point).toLowerCase(Locale.ROOT));
    }

    /** Maps a letter to upper case if no letter stands before it, to lower case otherwise. */
    private static Text title(Text text) {
        boolean[] inside = new boolean[1];
        return text.map(point -> {
            String mapped = inside[0]
                    ? Character.toString(point).toLowerCase(Locale.ROOT)
                    : Character.toString(Character.toTitleCase(point));
            inside[0] = hasCase(point);
            return mapped;
        });
    }

    static Text capitalize(Text text) {
        if (text.length() == 0) {
            return text;
        }
        int first = Character.charCount(Character.codePointAt(text, 0));
        return text.subSequence(0, first)
                .map(point -> Character.toString(Character.toTitleCase(point)))
                .plus(lower(text.subSequence(first, text.length())));
    }

    private static List<Object> split(Text text, Callable.Call call) {
        int most = call.integer(1, "maxsplit", -1);
        var parts = new ArrayList<Object>();
        if (call.get(0, "sep", null) == null) {
            Text rest = text.strip(true, false, Text::isSpace);
            while (rest.length() > 0) {
                int end = 0;
                while (end < rest.length() && !Text.isSpace(rest.charAt(end))) {
                    end++;
                }
                if (most >= 0 && parts.size() == most) {
                    parts.add(rest);
                    return parts;
                }
                parts.add(rest.subSequence(0, end));
                rest = rest.subSequence(end, rest.length()).strip(true, false, Text::isSpace);
            }
            return parts;
        }
        Text separator = separator(call);
        int from = 0;
        for (int at; (most < 0 || parts.size() < most) && (at = text.indexOf(separator, from)) >= 0; ) {
            parts.add(text.subSequence(from, at));
            from = at + separator.length();
        }
        parts.add(text.subSequence(from, text.length()));
        return parts;
    }

    private static List<Object> splitRight(Text text, Callable.Call call) {
        int most = call.integer(1, "maxsplit", -1);
        if (most < 0) {
            return split(text, call);
        }
        Text separator = separator(call);
        var parts = new ArrayList<Object>();
        int end = text.length();
        for (int at;
                parts.size() < most
                        && (at = text.toString().lastIndexOf(separator.toString(), end - separator.length())) >= 0
                        && end >= separator.length(); ) {
            parts.add(0, text.subSequence(at + separator.length(), end));
            end = at;
        }
        parts.add(0, text.subSequence(0, end));
        return parts;
    }

    private static Text separator(Callable.Call call) {
        Text separator = call.text(0, "sep");
        if (separator.length() == 0) {
            throw call.error("the separator is empty");
        }
        return separator;
    }

    private static List<Object> lines(Text text, boolean keepEnds) {
        var lines = new ArrayList<Object>();
        int from = 0;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '\n'
                    || c == '\r'
                    || c == 0x0b
                    || c == '\f'
                    || c >= 0x1c && c <= 0x1e
                    || c == 0x85
                    || c == 0x2028
                    || c == 0x2029) {
                int end = c == '\r' && i + 1 < text.length() && text.charAt(i + 1) == '\n' ? i + 2 : i + 1;
                lines.add(text.subSequence(from, keepEnds ? end : i));
                from = end;
                i = end - 1;
            }
        }
        if (from < text.length()) {
            lines.add(text.subSequence(from, text.length()));
        }
        return lines;
    }

    private static boolean affix(Text text, Callable.Call call, boolean start) {
        Object wanted = call.require(0, "prefix");
        var all = wanted instanceof Values.Tuple several ? several : List.of(call.text(0, "prefix"));
        return all.stream().anyMatch(part -> part instanceof Text one && (start ? starts(text, one) : ends(text, one)));
    }

    private static boolean starts(Text text, Text part) {
        return text.toString().startsWith(part.toString());
    }

    private static boolean ends(Text text, Text part) {
        return text.toString().endsWith(part.toString());
    }

    static Text replace(Callable.Call call, Text text, Text old, Text by, int count) {
        var out = new Text.Builder();
        int from = 0;
        int left = count < 0 ? Integer.MAX_VALUE : count;
        if (old.length() == 0) { // between all code points, and at both ends
            for (var point : Values.items(text, call.line())) {
                if (left-- > 0) {
                    out.add(by);
                }
                out.add((Text) point);
                call.interpreter().require(out.length(), call.line());
            }
            return call.interpreter().made(call.line(), (left > 0 ? out.add(by) : out).build());
        }
        for (int at; left-- > 0 && (at = text.indexOf(old, from)) >= 0; from = at + old.length()) {
            out.add(text.subSequence(from, at)).add(by);
            call.interpreter().require(out.length(), call.line());
        }
        return call.interpreter()
                .made(
                        call.line(),
                        out.add(text.subSequence(from, text.length())).build());
    }

    /** Returns the place of a part between two places, all in code points, or -1. */
    private static long find(Text text, Callable.Call call, boolean last) {
        Text part = call.only(3).text(0, "sub");
        long size = text.points();
        long from = place(call, 1, "start", 0, size);
        long to = Math.min(size, place(call, 2, "end", size, size));
        if (from > to) {
            return -1;
        }
        Text within = text.subSequence(text.offset((int) from), text.offset((int) to));
        int at = last ? within.toString().lastIndexOf(part.toString()) : within.indexOf(part, 0);
        return at < 0 ? -1 : from + Character.codePointCount(within, 0, at);
    }

    /** Returns a place as an argument gives it, from the end if it is negative. */
    private static long place(Callable.Call call, int argument, String name, long otherwise, long size) {
        long at = Members.bound(call.line(), call.get(argument, name, null), otherwise);
        return at < 0 ? Math.max(0, at + size) : at;
    }

    private static long count(Text text, Text part) {
        if (part.length() == 0) {
            return text.points() + 1L;
        }
        long count = 0;
        for (int at = text.indexOf(part, 0); at >= 0; at = text.indexOf(part, at + part.length())) {
            count++;
        }
        return count;
    }

    private static Text join(Callable.Call call, Text separator, List<Object> items) {
        var out = new Text.Builder();
        for (int i = 0; i < items.size(); i++) {
            if (!(items.get(i) instanceof Text item)) {
                throw call.error("item " + i + " is " + Values.typeOf(items.get(i)) + ", wanted a string");
            }
            out.add(i > 0 ? separator : Text.EMPTY).add(item);
            call.interpreter().require(out.length(), call.line());
        }
        return call.interpreter().made(call.line(), out.build());
    }

    private static Values.Tuple partition(Text text, Text separator, int at) {
        return new Values.Tuple(List.of(
                text.subSequence(0, at),
                text.subSequence(at, at + separator.length()),
                text.subSequence(at + separator.length(), text.length())));
    }

    private static Text pad(Callable.Call call, Text text, String name) {
        int missing = call.integer(0, "width", null) - text.points();
        boolean given = call.positional().size() > 1;
        if (given && (name.equals("zfill") || call.text(1, "fillchar").points() != 1)) {
            throw call.error("wants a width and one character at most, and 'zfill' a width alone");
        }
        if (missing <= 0) {
            return text;
        }
        call.interpreter().require(missing, call.line());
        String fill = given ? call.text(1, "fillchar").toString() : name.equals("zfill") ? "0" : " ";
        int left =
                switch (name) {
                    case "ljust" -> 0;
                    case "center" -> missing / 2 + (missing & call.integer(0, "width", null) & 1);
                    default -> missing;
                };
        int sign = name.equals("zfill") && text.length() > 0 && "+-".indexOf(text.charAt(0)) >= 0 ? 1 : 0;
        return text.subSequence(0, sign)
                .plus(Text.ofTemplate(fill.repeat(left)))
                .plus(text.subSequence(sign, text.length()))
                .plus(Text.ofTemplate(fill.repeat(missing - left)));
    }
}
