package rudder.checkpoint.tokenizer.jinja.syntax;

import java.util.List;
import java.util.function.Supplier;
import rudder.checkpoint.tokenizer.jinja.syntax.Token.Kind;

/** Tokens in order, with the questions a parser asks of them, and a bound on how deep it nests. */
final class TokenStream {
    /** Statements and brackets inside one another. */
    private static final int DEPTH = 100;

    private final List<Token> tokens;
    private int at;
    private int depth;

    TokenStream(List<Token> tokens) {
        this.tokens = tokens;
    }

    Token peek() {
        return peek(0);
    }

    Token peek(int ahead) {
        return tokens.get(Math.min(at + ahead, tokens.size() - 1));
    }

    Token next() {
        Token token = peek();
        at++;
        return token;
    }

    boolean skipName(String name) {
        boolean found = peek().isName(name);
        at += found ? 1 : 0;
        return found;
    }

    boolean skipOperator(String operator) {
        boolean found = peek().isOperator(operator);
        at += found ? 1 : 0;
        return found;
    }

    Token expect(Kind kind) {
        if (peek().kind() != kind) {
            throw unexpected(
                    switch (kind) {
                        case STATEMENT_END -> "the end of the statement, '%}'";
                        case EXPRESSION_END -> "the end of the expression, '}}'";
                        case NAME -> "a name";
                        default -> kind.name();
                    });
        }
        return next();
    }

    void expectOperator(String operator) {
        if (!skipOperator(operator)) {
            throw unexpected("'" + operator + "'");
        }
    }

    void expectName(String name) {
        if (!skipName(name)) {
            throw unexpected("'" + name + "'");
        }
    }

    TemplateException unexpected(String wanted) {
        return TemplateException.at(peek().line(), "found " + peek() + ", wanted " + wanted);
    }

    /** Parses one level deeper. */
    <T> T nested(Supplier<T> parse) {
        if (++depth > DEPTH) {
            throw TemplateException.at(peek().line(), "nested more than " + DEPTH + " levels deep");
        }
        T parsed = parse.get();
        depth--;
        return parsed;
    }
}
