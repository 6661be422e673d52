package rudder.checkpoint.tokenizer.jinja.syntax;

/**
 * A piece of a template.
 *
 * @param line where it begins, from 1
 */
record Token(Kind kind, String text, int line) {

    enum Kind {
        /** Text between tags, written as it is. */
        DATA,
        /** The mark that opens an expression. */
        EXPRESSION_BEGIN,
        EXPRESSION_END,
        /** The mark that opens a statement. */
        STATEMENT_BEGIN,
        STATEMENT_END,
        NAME,
        STRING,
        INTEGER,
        FLOAT,
        OPERATOR,
        END
    }

    boolean is(Kind wanted, String spelled) {
        return kind == wanted && text.equals(spelled);
    }

    boolean isName(String name) {
        return is(Kind.NAME, name);
    }

    boolean isOperator(String operator) {
        return is(Kind.OPERATOR, operator);
    }

    @Override
    public String toString() {
        return kind == Kind.END ? "the end of the template" : "'" + text + "'";
    }
}
