package rudder.checkpoint.tokenizer.jinja.syntax;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import rudder.checkpoint.tokenizer.jinja.syntax.Statement.Target;
import rudder.checkpoint.tokenizer.jinja.syntax.Token.Kind;

/** Parses a template's statements; {@link ExpressionParser} parses what stands inside tags. */
public final class Parser {
    private static final Set<String> REFUSED =
            Set.of("extends", "block", "include", "import", "from", "autoescape", "do", "trans", "debug");

    private final TokenStream tokens;
    private final ExpressionParser expressions;
    private int loops;

    private Parser(List<Token> all) {
        tokens = new TokenStream(all);
        expressions = new ExpressionParser(tokens);
    }

    /** @throws TemplateException naming the line, what was found and what was wanted */
    public static List<Statement> parse(String template) {
        var parser = new Parser(Lexer.tokens(template));
        var body = parser.body(Set.of());
        if (parser.tokens.peek().kind() != Kind.END) {
            throw parser.tokens.unexpected("text, an expression or a statement");
        }
        return body;
    }

    /** Parses statements up to a statement of one of these names, or to the end. */
    private List<Statement> body(Set<String> ends) {
        return tokens.nested(() -> {
            var body = new ArrayList<Statement>();
            while (true) {
                Token token = tokens.peek();
                switch (token.kind()) {
                    case DATA ->
                        body.add(
                                new Statement.Data(Text.ofTemplate(tokens.next().text())));
                    case EXPRESSION_BEGIN -> {
                        tokens.next();
                        body.add(new Statement.Output(expressions.tuple(true)));
                        tokens.expect(Kind.EXPRESSION_END);
                    }
                    case STATEMENT_BEGIN -> {
                        if (ends.contains(tokens.peek(1).text())
                                && tokens.peek(1).kind() == Kind.NAME) {
                            return body;
                        }
                        tokens.next();
                        body.addAll(statement());
                    }
                    default -> {
                        return body;
                    }
                }
            }
        });
    }

    private List<Statement> bodyUntil(String end, int line) {
        tokens.expect(Kind.STATEMENT_END);
        var body = body(Set.of(end));
        close(end, line);
        return body;
    }

    private void close(String end, int line) {
        if (tokens.peek().kind() != Kind.STATEMENT_BEGIN || !tokens.peek(1).isName(end)) {
            throw TemplateException.at(line, "wanted '" + end + "' before " + describe());
        }
        tokens.next();
        tokens.next();
        tokens.expect(Kind.STATEMENT_END);
    }

    private String describe() {
        return tokens.peek().kind() == Kind.STATEMENT_BEGIN
                ? tokens.peek(1) + " in line " + tokens.peek().line()
                : tokens.peek().toString();
    }

    private List<Statement> statement() {
        Token name = tokens.expect(Kind.NAME);
        int line = name.line();
        return switch (name.text()) {
            case "if" -> List.of(ifs(line));
            case "for" -> List.of(loop(line));
            case "set" -> List.of(set(line));
            case "macro" -> List.of(macro(line));
            case "call" -> List.of(call(line));
            case "filter" -> {
                var filter = expressions.filters(null);
                yield List.of(new Statement.FilterBlock(filter, bodyUntil("endfilter", line)));
            }
            case "with" -> List.of(with(line));
            case "generation" -> bodyUntil("endgeneration", line); // marks the assistant's text for training
            case "break", "continue" -> {
                if (loops == 0) {
                    throw TemplateException.at(line, "'" + name.text() + "' outside of a loop");
                }
                tokens.expect(Kind.STATEMENT_END);
                yield List.of(name.text().equals("break") ? new Statement.Break() : new Statement.Continue());
            }
            default ->
                throw TemplateException.at(
                        line,
                        REFUSED.contains(name.text())
                                ? "the statement '" + name.text() + "' is not supported in chat templates"
                                : "unknown statement '" + name.text() + "'");
        };
    }

    private Statement ifs(int line) {
        var test = expressions.tuple(true);
        tokens.expect(Kind.STATEMENT_END);
        var then = body(Set.of("elif", "else", "endif"));
        List<Statement> otherwise = List.of();
        Token next = tokens.peek(1);
        if (tokens.peek().kind() == Kind.STATEMENT_BEGIN && next.isName("elif")) {
            tokens.next();
            tokens.next();
            return new Statement.If(test, then, List.of(tokens.nested(() -> ifs(line))));
        }
        if (tokens.peek().kind() == Kind.STATEMENT_BEGIN && next.isName("else")) {
            tokens.next();
            tokens.next();
            tokens.expect(Kind.STATEMENT_END);
            otherwise = body(Set.of("endif"));
        }
        close("endif", line);
        return new Statement.If(test, then, otherwise);
    }

    private Statement loop(int line) {
        var target = target();
        tokens.expectName("in");
        var items = expressions.tuple(false);
        Expression condition = null;
        if (tokens.skipName("if")) {
            condition = expressions.expression();
        }
        boolean recursive = tokens.skipName("recursive");
        tokens.expect(Kind.STATEMENT_END);
        loops++;
        var body = body(Set.of("else", "endfor"));
        loops--;
        List<Statement> otherwise = List.of();
        if (tokens.peek().kind() == Kind.STATEMENT_BEGIN && tokens.peek(1).isName("else")) {
            tokens.next();
            tokens.next();
            tokens.expect(Kind.STATEMENT_END);
            otherwise = body(Set.of("endfor"));
        }
        close("endfor", line);
        return new Statement.For(line, target, items, condition, recursive, body, otherwise);
    }

    private Target target() {
        var targets = new ArrayList<Target>();
        int line = tokens.peek().line();
        boolean several = false;
        do {
            if (several && tokens.peek().kind() != Kind.NAME && !tokens.peek().isOperator("(")) {
                break; // a trailing comma
            }
            targets.add(oneTarget());
            several |= tokens.peek().isOperator(",");
        } while (tokens.skipOperator(","));
        return several ? new Target.Several(line, targets) : targets.get(0);
    }

    private Target oneTarget() {
        if (tokens.skipOperator("(")) {
            var inner = target();
            tokens.expectOperator(")");
            return inner;
        }
        Token name = tokens.expect(Kind.NAME);
        if (tokens.skipOperator(".")) {
            return new Target.Member(
                    name.line(), name.text(), tokens.expect(Kind.NAME).text());
        }
        if (ExpressionParser.KEYWORDS.contains(name.text())) {
            throw TemplateException.at(name.line(), "cannot assign to '" + name.text() + "'");
        }
        return new Target.Variable(name.text());
    }

    private Statement set(int line) {
        var target = target();
        if (tokens.skipOperator("=")) {
            var value = expressions.tuple(true);
            tokens.expect(Kind.STATEMENT_END);
            return new Statement.Set(line, target, value);
        }
        Expression.Filter filter = null;
        if (tokens.skipOperator("|")) {
            filter = expressions.filters(null);
        }
        return new Statement.SetBlock(line, target, filter, bodyUntil("endset", line));
    }

    private Statement.Macro macro(int line) {
        return signature(line, tokens.expect(Kind.NAME).text(), "endmacro");
    }

    private Statement.Macro signature(int line, String name, String end) {
        var parameters = new ArrayList<String>();
        var defaults = new ArrayList<Expression>();
        if (tokens.skipOperator("(")) {
            while (!tokens.skipOperator(")")) {
                if (!parameters.isEmpty()) {
                    tokens.expectOperator(",");
                }
                parameters.add(tokens.expect(Kind.NAME).text());
                if (tokens.skipOperator("=")) {
                    defaults.add(expressions.expression());
                } else if (!defaults.isEmpty()) {
                    throw TemplateException.at(line, "a parameter without a default follows one that has a default");
                }
            }
        }
        return new Statement.Macro(line, name, parameters, defaults, end == null ? List.of() : macroBody(end, line));
    }

    private List<Statement> macroBody(String end, int line) {
        int outer = loops;
        loops = 0; // a macro cannot leave the loop around it
        var body = bodyUntil(end, line);
        loops = outer;
        return body;
    }

    private Statement call(int line) {
        var caller = signature(line, "caller", null);
        if (!(expressions.expression() instanceof Expression.Call call)) {
            throw TemplateException.at(line, "'call' wants a call of a macro");
        }
        var body = macroBody("endcall", line);
        return new Statement.CallBlock(
                new Statement.Macro(line, "caller", caller.parameters(), caller.defaults(), body), call);
    }

    private Statement with(int line) {
        Map<String, Statement.Set> sets = new LinkedHashMap<>();
        while (tokens.peek().kind() != Kind.STATEMENT_END) {
            if (!sets.isEmpty()) {
                tokens.expectOperator(",");
            }
            String name = tokens.expect(Kind.NAME).text();
            tokens.expectOperator("=");
            sets.put(name, new Statement.Set(line, new Target.Variable(name), expressions.expression()));
        }
        return new Statement.With(List.copyOf(sets.values()), bodyUntil("endwith", line));
    }
}
