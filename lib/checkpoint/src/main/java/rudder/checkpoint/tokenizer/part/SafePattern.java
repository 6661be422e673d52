package rudder.checkpoint.tokenizer.part;

/**
 * Checks regular expressions of tokenizers before the native library runs them. It accepts the expressions of public
 * tokenizers and whatever is built alike; it refuses those that may backtrack without end.
 *
 * <p>Accepted: characters, classes, properties, alternatives, groups, look-ahead, {@code (?i:...)}, anchors and
 * quantifiers. A part that repeats without limit must itself have one fixed form: {@code (?:\d{3})*} is accepted,
 * {@code (a+)*}, {@code (a|b)*} and {@code (a?b)*} are refused. At most two parts behind one another may repeat without
 * limit. References to groups and look-behind are refused.
 */
final class SafePattern {
    private static final int LONGEST = 8_000;
    private static final int UNLIMITED = 16; // a repetition of more than this counts as one without limit

    private final String pattern;
    private int at;
    private int depth;

    /** The form of a part: the number of unlimited repetitions along its worst path, and whether it has one form. */
    private record Form(int unlimited, boolean fixed) {
        static final Form EMPTY = new Form(0, true);

        Form then(Form next) {
            return new Form(unlimited + next.unlimited, fixed && next.fixed);
        }
    }

    private SafePattern(String pattern) {
        this.pattern = pattern;
    }

    /**
     * Returns the expression.
     *
     * @throws IllegalArgumentException if it is not accepted; the message says at which character and why
     */
    static String require(String pattern) {
        if (pattern.isEmpty() || pattern.length() > LONGEST) {
            throw new IllegalArgumentException(
                    "a regular expression of " + pattern.length() + " characters, wanted 1 to " + LONGEST);
        }
        var parser = new SafePattern(pattern);
        Form form = parser.alternatives();
        if (parser.at < pattern.length()) {
            throw parser.refused("a closing bracket without its opening one");
        }
        if (form.unlimited > 2) {
            throw parser.refused(form.unlimited + " unlimited repetitions behind one another, wanted at most 2");
        }
        return pattern;
    }

    private IllegalArgumentException refused(String found) {
        String shown = pattern.length() <= 80 ? pattern : pattern.substring(0, 80) + "...";
        return new IllegalArgumentException("the regular expression '" + shown + "' is refused at character " + at
                + ": " + found + ", which may run without end or is not known");
    }

    private Form alternatives() {
        if (++depth > 20) {
            throw refused("more than 20 groups within one another");
        }
        Form form = sequence();
        while (at < pattern.length() && pattern.charAt(at) == '|') {
            at++;
            form = new Form(Math.max(form.unlimited, sequence().unlimited), false);
        }
        depth--;
        return form;
    }

    private Form sequence() {
        Form form = Form.EMPTY;
        while (at < pattern.length() && pattern.charAt(at) != '|' && pattern.charAt(at) != ')') {
            form = form.then(quantified(atom()));
        }
        return form;
    }

    private Form atom() {
        char c = pattern.charAt(at++);
        switch (c) {
            case '(' -> {
                return group();
            }
            case '[' -> characters();
            case '\\' -> escape();
            case '*', '+', '?', '{' -> throw refused("a quantifier without its part");
            default -> {} // a character, a dot or an anchor
        }
        return Form.EMPTY;
    }

    private Form group() {
        if (at < pattern.length() && pattern.charAt(at) == '?') {
            int end = at + 1;
            while (end < pattern.length() && "imsx-".indexOf(pattern.charAt(end)) >= 0) {
                end++;
            }
            char kind = end < pattern.length() ? pattern.charAt(end) : ' ';
            boolean plain = end == at + 1;
            if (kind == ')' && !plain) { // (?i)
                at = end + 1;
                return Form.EMPTY;
            }
            if (!(kind == ':' || plain && (kind == '=' || kind == '!'))) {
                throw refused("a group (?" + kind);
            }
            at = end + 1;
        }
        Form form = alternatives();
        if (at >= pattern.length()) {
            throw refused("a group without its end");
        }
        at++;
        return form;
    }

    private void escape() {
        if (at >= pattern.length()) {
            throw refused("a backslash at the end");
        }
        char c = pattern.charAt(at++);
        if (c >= '1' && c <= '9' || c == 'k' || c == 'g' || c == 'K' || c == 'G' || c == 'R' || c == 'X') {
            throw refused("\\" + c);
        }
        if ((c == 'p' || c == 'P' || c == 'x') && at < pattern.length() && pattern.charAt(at) == '{') {
            int end = pattern.indexOf('}', at);
            if (end < 0 || !pattern.substring(at + 1, end).matches("\\^?[A-Za-z0-9_ ]{1,30}")) {
                throw refused("a property without its name");
            }
            at = end + 1;
        } else if (c == 'p' || c == 'P') {
            throw refused("a property without braces");
        }
    }

    private void characters() {
        if (++depth > 20) {
            throw refused("more than 20 classes within one another");
        }
        int begin = at;
        if (at < pattern.length() && pattern.charAt(at) == '^') {
            begin = ++at;
        }
        while (at < pattern.length() && (pattern.charAt(at) != ']' || at == begin)) {
            switch (pattern.charAt(at++)) {
                case '\\' -> escape();
                case '[' -> {
                    if (at < pattern.length() && pattern.charAt(at) == ':') {
                        int end = pattern.indexOf(":]", at);
                        if (end < 0 || end > at + 12) {
                            throw refused("a class without its end");
                        }
                        at = end + 2;
                    } else {
                        characters();
                    }
                }
                default -> {}
            }
        }
        if (at >= pattern.length()) {
            throw refused("a class without its end");
        }
        at++;
        depth--;
    }

    private Form quantified(Form part) {
        while (at < pattern.length()) {
            char c = pattern.charAt(at);
            int least;
            int most;
            if (c == '*' || c == '+' || c == '?') {
                at++;
                least = c == '+' ? 1 : 0;
                most = c == '?' ? 1 : Integer.MAX_VALUE;
            } else if (c == '{') {
                int end = pattern.indexOf('}', at);
                String range = end < 0 ? "" : pattern.substring(at + 1, end);
                if (!range.matches("[0-9]{1,4}(,[0-9]{0,4})?")) {
                    throw refused("a brace that gives no range");
                }
                String[] ends = range.split(",", -1);
                least = Integer.parseInt(ends[0]);
                most = ends.length == 1 ? least : ends[1].isEmpty() ? Integer.MAX_VALUE : Integer.parseInt(ends[1]);
                if (most < least || least > 1_000 || most > 1_000 && most < Integer.MAX_VALUE) {
                    throw refused("the range {" + range + "}");
                }
                at = end + 1;
            } else {
                return part;
            }
            boolean unlimited = most > UNLIMITED && most > least;
            if (!part.fixed && most > 4) {
                throw refused("a repetition of a part that has more than one form");
            }
            part = new Form(part.unlimited * Math.min(most, 4) + (unlimited ? 1 : 0), part.fixed && least == most);
            if (at < pattern.length() && (pattern.charAt(at) == '?' || pattern.charAt(at) == '+') && c != '{') {
                at++; // lazy or possessive
            }
        }
        return part;
    }
}
