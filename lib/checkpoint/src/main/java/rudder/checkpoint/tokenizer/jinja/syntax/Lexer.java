package rudder.checkpoint.tokenizer.jinja.syntax;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import rudder.checkpoint.tokenizer.jinja.syntax.Token.Kind;

/**
 * Cuts a template into tokens, with Jinja's white-space rules under {@code trim_blocks} and {@code lstrip_blocks}: a
 * statement or comment alone on a line leaves no trace, {@code -} strips all white space on its side, {@code +} none.
 */
final class Lexer {
    private static final Pattern OPEN = Pattern.compile("\\{\\{|\\{%|\\{#");
    private static final Pattern RAW = Pattern.compile("\\{%[-+]?\\s*raw\\s*(-%\\}\\s*|\\+%\\}|%\\}\\n?)");
    private static final Pattern END_RAW = Pattern.compile("\\{%([-+]?)\\s*endraw\\s*(-%\\}\\s*|\\+%\\}|%\\}\\n?)");
    private static final Pattern NUMBER = Pattern.compile("\\d[\\d_]*(\\.\\d[\\d_]*)?([eE][-+]?\\d+)?");
    private static final Pattern NAME = Pattern.compile("[\\p{L}\\p{Nl}_][\\p{L}\\p{Nl}\\p{Mn}\\p{Mc}\\p{Nd}\\p{Pc}]*");
    private static final List<String> OPERATORS = List.of(
            "**", "//", "==", "!=", "<=", ">=", "+", "-", "/", "*", "%", "~", "[", "]", "(", ")", "{", "}", "<", ">",
            "=", ".", ":", "|", ",", ";");

    private final String source;
    private final List<Token> tokens = new ArrayList<>();
    private int at;
    private int line = 1;
    private boolean lineStarts = true;

    private Lexer(String source) {
        this.source = source;
    }

    /**
     * Cuts a template into tokens; the last is {@link Kind#END}.
     *
     * @throws TemplateException if a tag, a comment or a string is not closed, or a character begins no token
     */
    static List<Token> tokens(String template) {
        String source = template.replace("\r\n", "\n").replace('\r', '\n');
        return new Lexer(source.endsWith("\n") ? source.substring(0, source.length() - 1) : source).run();
    }

    private List<Token> run() {
        Matcher open = OPEN.matcher(source);
        while (at < source.length()) {
            if (!open.find(at)) {
                data(source.substring(at));
                at = source.length();
                break;
            }
            int begin = open.start();
            String mark = open.group();
            char sign = begin + 2 < source.length() ? source.charAt(begin + 2) : ' ';
            data(before(source.substring(at, begin), sign, mark.equals("{{")));
            count(at, begin);
            at = begin;
            Matcher raw = RAW.matcher(source).region(at, source.length());
            if (mark.equals("{%") && raw.lookingAt()) {
                raw(raw.end());
            } else if (mark.equals("{#")) {
                comment();
            } else {
                tag(mark.equals("{{"), sign == '-' || sign == '+' ? 3 : 2);
            }
        }
        tokens.add(new Token(Kind.END, "", line));
        return tokens;
    }

    /** Returns the text before a tag, without the white space that the tag strips. */
    private String before(String text, char sign, boolean expression) {
        if (sign == '-') {
            int end = text.length();
            while (end > 0 && Text.isSpace(text.charAt(end - 1))) {
                end--;
            }
            return text.substring(0, end);
        }
        int start = text.lastIndexOf('\n') + 1;
        boolean strips = sign != '+' && !expression && (start > 0 || lineStarts);
        return strips && text.substring(start).chars().allMatch(Text::isSpace) ? text.substring(0, start) : text;
    }

    private void data(String text) {
        if (!text.isEmpty()) {
            tokens.add(new Token(Kind.DATA, text, line));
        }
    }

    private void count(int from, int to) {
        line += (int) source.substring(from, to).chars().filter(c -> c == '\n').count();
        lineStarts = to > from ? source.charAt(to - 1) == '\n' : lineStarts;
    }

    private void move(int to) {
        count(at, to);
        at = to;
    }

    private void raw(int bodyStart) {
        int begun = line;
        Matcher end = END_RAW.matcher(source);
        if (!end.find(bodyStart)) {
            throw TemplateException.at(begun, "'raw' has no 'endraw'");
        }
        move(bodyStart);
        char sign = end.group(1).isEmpty() ? ' ' : end.group(1).charAt(0);
        data(before(source.substring(bodyStart, end.start()), sign, false));
        move(end.end());
    }

    private void comment() {
        int end = source.indexOf("#}", at + 2);
        if (end < 0) {
            throw TemplateException.at(line, "a comment is not closed, wanted '#}'");
        }
        char sign = end > at + 2 ? source.charAt(end - 1) : ' ';
        move(behind(end + 2, sign, true));
    }

    /** Returns where text continues behind a tag that ends at an index. */
    private int behind(int end, char sign, boolean trims) {
        if (sign == '-') {
            return behindSpace(end);
        }
        return trims && sign != '+' && end < source.length() && source.charAt(end) == '\n' ? end + 1 : end;
    }

    private int behindSpace(int from) {
        int end = from;
        while (end < source.length() && Text.isSpace(source.charAt(end))) {
            end++;
        }
        return end;
    }

    private void tag(boolean expression, int opening) {
        int begun = line;
        String close = expression ? "}}" : "%}";
        tokens.add(
                new Token(expression ? Kind.EXPRESSION_BEGIN : Kind.STATEMENT_BEGIN, expression ? "{{" : "{%", line));
        at += opening;
        int depth = 0; // brackets: a '}}' inside a dict of dicts is no end
        while (true) {
            move(behindSpace(at));
            if (at >= source.length()) {
                throw TemplateException.at(begun, "a tag is not closed, wanted '" + close + "'");
            }
            char c = source.charAt(at);
            boolean signed = (c == '-' || c == '+' && !expression) && source.startsWith(close, at + 1);
            if (depth == 0 && (signed || source.startsWith(close, at))) {
                tokens.add(new Token(expression ? Kind.EXPRESSION_END : Kind.STATEMENT_END, close, line));
                lineStarts = false;
                move(behind(at + (signed ? 3 : 2), signed ? c : ' ', !expression));
                return;
            }
            depth += token();
        }
    }

    /** Reads one token; returns by how much it opens brackets. */
    private int token() {
        Matcher name = NAME.matcher(source).region(at, source.length());
        Matcher number = NUMBER.matcher(source).region(at, source.length());
        char first = source.charAt(at);
        if (first == '\'' || first == '"') {
            string(first);
            return 0;
        }
        if (name.lookingAt()) {
            tokens.add(new Token(Kind.NAME, name.group(), line));
            move(name.end());
            return 0;
        }
        if (number.lookingAt()) {
            boolean whole = number.group(1) == null && number.group(2) == null;
            tokens.add(
                    new Token(whole ? Kind.INTEGER : Kind.FLOAT, number.group().replace("_", ""), line));
            move(number.end());
            return 0;
        }
        for (String operator : OPERATORS) {
            if (source.startsWith(operator, at)) {
                tokens.add(new Token(Kind.OPERATOR, operator, line));
                move(at + operator.length());
                return "[({".contains(operator) ? 1 : "])}".contains(operator) ? -1 : 0;
            }
        }
        throw TemplateException.at(line, "unexpected character '" + first + "'");
    }

    private void string(char quote) {
        int end = at + 1;
        while (end < source.length() && source.charAt(end) != quote) {
            end += source.charAt(end) == '\\' ? 2 : 1;
        }
        if (end >= source.length()) {
            throw TemplateException.at(line, "a string is not closed, wanted " + quote);
        }
        tokens.add(new Token(Kind.STRING, unescape(source.substring(at + 1, end)), line));
        move(end + 1);
    }

    /** Replaces Python's escapes in a string. */
    private String unescape(String text) {
        if (text.indexOf('\\') < 0) {
            return text;
        }
        var out = new StringBuilder();
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c != '\\' || i + 1 == text.length()) {
                out.append(c);
                continue;
            }
            char next = text.charAt(++i);
            int simple = "\\'\"abfnrtv".indexOf(next);
            int digits = next == 'x' ? 2 : next == 'u' ? 4 : next == 'U' ? 8 : 0;
            if (simple >= 0) {
                out.append("\\'\"\u0007\b\f\n\r\t\u000b".charAt(simple));
            } else if (digits > 0) {
                out.appendCodePoint(hexadecimal(text, i + 1, digits));
                i += digits;
            } else if (next >= '0' && next <= '7') {
                int end = i;
                while (end < text.length() && end < i + 3 && text.charAt(end) >= '0' && text.charAt(end) <= '7') {
                    end++;
                }
                out.append((char) Integer.parseInt(text.substring(i, end), 8));
                i = end - 1;
            } else if (next != '\n') {
                out.append('\\').append(next);
            }
        }
        return out.toString();
    }

    private int hexadecimal(String text, int from, int digits) {
        String code = from + digits <= text.length() ? text.substring(from, from + digits) : "";
        if (!code.matches("[0-9a-fA-F]+") || Long.parseLong(code, 16) > Character.MAX_CODE_POINT) {
            throw TemplateException.at(
                    line, "a string has an escape that is no character: wanted " + digits + " hexadecimal digits");
        }
        return Integer.parseInt(code, 16);
    }
}
