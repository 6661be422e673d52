package rudder.checkpoint.tokenizer.jinja.syntax;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import rudder.checkpoint.tokenizer.jinja.syntax.Expression.Arguments;
import rudder.checkpoint.tokenizer.jinja.syntax.Token.Kind;

/**
 * Parses expressions, by precedence from loosest to tightest: conditional, or, and, not, comparison, +, ~, *, **,
 * unary.
 */
final class ExpressionParser {
    /** Names that are no variables. */
    static final Set<String> KEYWORDS =
            Set.of("true", "false", "none", "True", "False", "None", "and", "or", "not", "in", "is", "if", "else");

    private static final Set<String> COMPARISONS = Set.of("==", "!=", "<", "<=", ">", ">=");

    private final TokenStream tokens;

    ExpressionParser(TokenStream tokens) {
        this.tokens = tokens;
    }

    Expression expression() {
        return tokens.nested(() -> conditional(true));
    }

    /** Parses an expression, or a tuple without brackets. */
    Expression tuple(boolean conditional) {
        return tokens.nested(() -> {
            int line = tokens.peek().line();
            var first = conditional(conditional);
            if (!tokens.peek().isOperator(",")) {
                return first;
            }
            var items = new ArrayList<>(List.of(first));
            while (tokens.skipOperator(",") && beginsExpression()) {
                items.add(conditional(conditional));
            }
            return new Expression.TupleOf(line, items);
        });
    }

    private boolean beginsExpression() {
        Token token = tokens.peek();
        return switch (token.kind()) {
            case EXPRESSION_END, STATEMENT_END, END -> false;
            case OPERATOR -> !Set.of(")", "]", "}", "=").contains(token.text());
            case NAME -> !Set.of("recursive", "in", "else").contains(token.text());
            default -> true;
        };
    }

    private Expression conditional(boolean allowed) {
        int line = tokens.peek().line();
        var x = or();
        while (allowed && tokens.skipName("if")) {
            var test = or();
            Expression no = tokens.skipName("else") ? tokens.nested(() -> conditional(true)) : null;
            x = new Expression.Conditional(line, test, x, no);
        }
        return x;
    }

    private Expression or() {
        int line = tokens.peek().line();
        var left = and();
        while (tokens.skipName("or")) {
            left = new Expression.Binary(line, "or", left, and());
        }
        return left;
    }

    private Expression and() {
        int line = tokens.peek().line();
        var left = not();
        while (tokens.skipName("and")) {
            left = new Expression.Binary(line, "and", left, not());
        }
        return left;
    }

    private Expression not() {
        int line = tokens.peek().line();
        if (tokens.peek().isName("not") && tokens.skipName("not")) {
            return new Expression.Unary(line, "not", tokens.nested(this::not));
        }
        return comparison();
    }

    private Expression comparison() {
        int line = tokens.peek().line();
        var first = sum();
        var operators = new ArrayList<String>();
        var rest = new ArrayList<Expression>();
        while (true) {
            Token token = tokens.peek();
            if (token.kind() == Kind.OPERATOR && COMPARISONS.contains(token.text())) {
                operators.add(tokens.next().text());
            } else if (tokens.skipName("in")) {
                operators.add("in");
            } else if (token.isName("not") && tokens.peek(1).isName("in")) {
                tokens.next();
                tokens.next();
                operators.add("not in");
            } else {
                return operators.isEmpty() ? first : new Expression.Compare(line, first, operators, rest);
            }
            rest.add(sum());
        }
    }

    private Expression sum() {
        int line = tokens.peek().line();
        var left = concatenation();
        while (tokens.peek().isOperator("+") || tokens.peek().isOperator("-")) {
            left = new Expression.Binary(line, tokens.next().text(), left, concatenation());
        }
        return left;
    }

    private Expression concatenation() {
        int line = tokens.peek().line();
        var left = product();
        while (tokens.skipOperator("~")) {
            left = new Expression.Binary(line, "~", left, product());
        }
        return left;
    }

    private Expression product() {
        int line = tokens.peek().line();
        var left = power();
        while (tokens.peek().kind() == Kind.OPERATOR
                && Set.of("*", "/", "//", "%").contains(tokens.peek().text())) {
            left = new Expression.Binary(line, tokens.next().text(), left, power());
        }
        return left;
    }

    private Expression power() {
        int line = tokens.peek().line();
        var left = unary(true);
        while (tokens.skipOperator("**")) {
            left = new Expression.Binary(line, "**", left, unary(true));
        }
        return left;
    }

    private Expression unary(boolean filtered) {
        int line = tokens.peek().line();
        Expression x;
        if (tokens.peek().isOperator("-") || tokens.peek().isOperator("+")) {
            String operator = tokens.next().text();
            x = new Expression.Unary(line, operator, tokens.nested(() -> unary(false)));
        } else {
            x = postfix(primary());
        }
        return filtered ? filtered(x) : x;
    }

    private Expression primary() {
        Token token = tokens.next();
        int line = token.line();
        switch (token.kind()) {
            case NAME:
                return switch (token.text()) {
                    case "true", "True" -> new Expression.Constant(line, true);
                    case "false", "False" -> new Expression.Constant(line, false);
                    case "none", "None" -> new Expression.Constant(line, null);
                    default -> new Expression.Name(line, token.text());
                };
            case STRING:
                var text = new StringBuilder(token.text());
                while (tokens.peek().kind() == Kind.STRING) { // neighbours are one string
                    text.append(tokens.next().text());
                }
                return new Expression.Constant(line, Text.ofTemplate(text.toString()));
            case INTEGER:
                return integer(token);
            case FLOAT:
                return new Expression.Constant(line, Double.parseDouble(token.text()));
            default:
                return bracket(token);
        }
    }

    private static Expression integer(Token token) {
        try {
            return new Expression.Constant(token.line(), Long.parseLong(token.text()));
        } catch (NumberFormatException e) {
            throw TemplateException.at(token.line(), "the integer " + token.text() + " does not fit 64 bits");
        }
    }

    private Expression bracket(Token token) {
        int line = token.line();
        switch (token.text()) {
            case "(":
                if (tokens.skipOperator(")")) {
                    return new Expression.TupleOf(line, List.of());
                }
                var inner = tuple(true);
                tokens.expectOperator(")");
                return inner;
            case "[":
                return new Expression.ListOf(line, items("]"));
            case "{":
                var entries = new ArrayList<Map.Entry<Expression, Expression>>();
                while (!tokens.skipOperator("}")) {
                    if (!entries.isEmpty()) {
                        tokens.expectOperator(",");
                        if (tokens.skipOperator("}")) {
                            break;
                        }
                    }
                    var key = expression();
                    tokens.expectOperator(":");
                    entries.add(Map.entry(key, expression()));
                }
                return new Expression.DictOf(line, entries);
            default:
                throw TemplateException.at(line, "found " + token + ", wanted an expression");
        }
    }

    private List<Expression> items(String end) {
        var items = new ArrayList<Expression>();
        while (!tokens.skipOperator(end)) {
            if (!items.isEmpty()) {
                tokens.expectOperator(",");
                if (tokens.skipOperator(end)) {
                    break;
                }
            }
            items.add(expression());
        }
        return items;
    }

    private Expression postfix(Expression begun) {
        var x = begun;
        while (true) {
            int line = tokens.peek().line();
            if (tokens.skipOperator(".")) {
                Token name = tokens.next();
                x = switch (name.kind()) {
                    case NAME -> new Expression.Attribute(line, x, name.text());
                    case INTEGER -> new Expression.Item(line, x, integer(name));
                    default -> throw TemplateException.at(line, "found " + name + ", wanted an attribute's name");
                };
            } else if (tokens.skipOperator("[")) {
                x = subscript(x, line);
            } else if (tokens.peek().isOperator("(")) {
                x = new Expression.Call(line, x, arguments());
            } else {
                return x;
            }
        }
    }

    private Expression subscript(Expression of, int line) {
        Expression[] parts = new Expression[3];
        int part = 0;
        boolean slice = false;
        while (!tokens.skipOperator("]")) {
            if (tokens.skipOperator(":")) {
                slice = true;
                if (++part > 2) {
                    throw TemplateException.at(line, "a slice has three parts at most");
                }
            } else if (tokens.peek().isOperator(",") || parts[part] != null) {
                throw tokens.unexpected("']' or ':'");
            } else {
                parts[part] = expression();
            }
        }
        if (!slice && parts[0] == null) {
            throw TemplateException.at(line, "an empty subscript, wanted an index or a key");
        }
        return slice
                ? new Expression.Slice(line, of, parts[0], parts[1], parts[2])
                : new Expression.Item(line, of, parts[0]);
    }

    private Arguments arguments() {
        tokens.expectOperator("(");
        var positional = new ArrayList<Expression>();
        var named = new LinkedHashMap<String, Expression>();
        Expression star = null;
        Expression stars = null;
        boolean first = true;
        while (!tokens.skipOperator(")")) {
            if (!first) {
                tokens.expectOperator(",");
                if (tokens.skipOperator(")")) {
                    break;
                }
            }
            first = false;
            if (tokens.skipOperator("*")) {
                star = expression();
            } else if (tokens.skipOperator("**")) {
                stars = expression();
            } else if (tokens.peek().kind() == Kind.NAME && tokens.peek(1).isOperator("=")) {
                String name = tokens.next().text();
                tokens.next();
                named.put(name, expression());
            } else if (!named.isEmpty() || stars != null) {
                throw tokens.unexpected("a named argument: positional ones come first");
            } else {
                positional.add(expression());
            }
        }
        return new Arguments(positional, named, star, stars);
    }

    /** Parses filters, tests and calls behind an operand. */
    private Expression filtered(Expression begun) {
        var x = begun;
        while (true) {
            int line = tokens.peek().line();
            if (tokens.skipOperator("|")) {
                x = filter(x);
            } else if (tokens.skipName("is")) {
                x = test(x, line);
            } else if (tokens.peek().isOperator("(")) {
                x = new Expression.Call(line, x, arguments());
            } else {
                return x;
            }
        }
    }

    /** Parses one filter or several. The first operand may be null. */
    Expression.Filter filters(Expression x) {
        var filter = filter(x);
        while (tokens.skipOperator("|")) {
            filter = filter(filter);
        }
        return filter;
    }

    private Expression.Filter filter(Expression x) {
        Token name = tokens.expect(Kind.NAME);
        var arguments = tokens.peek().isOperator("(") ? arguments() : Arguments.NONE;
        return new Expression.Filter(name.line(), x, name.text(), arguments);
    }

    private Expression test(Expression x, int line) {
        boolean negated = tokens.skipName("not");
        Token name = tokens.expect(Kind.NAME);
        var arguments = Arguments.NONE;
        Token next = tokens.peek();
        if (next.isOperator("(")) {
            arguments = arguments();
        } else if (next.kind() == Kind.STRING
                || next.kind() == Kind.INTEGER
                || next.kind() == Kind.FLOAT
                || next.isOperator("[")
                || next.isOperator("{")
                || next.kind() == Kind.NAME
                        && !Set.of("else", "or", "and", "is", "if", "in", "not", "recursive")
                                .contains(next.text())) {
            arguments = new Arguments(List.of(postfix(primary())), Map.of(), null, null);
        }
        var test = new Expression.Test(line, x, name.text(), arguments);
        return negated ? new Expression.Unary(line, "not", test) : test;
    }
}
