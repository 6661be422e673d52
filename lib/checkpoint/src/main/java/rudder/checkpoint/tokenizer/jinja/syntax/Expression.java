package rudder.checkpoint.tokenizer.jinja.syntax;

import java.util.List;
import java.util.Map;

/** An expression of a template, as parsed. */
public sealed interface Expression {

    /** Returns the line of the template where the expression begins. */
    int line();

    record Constant(int line, Object value) implements Expression {}

    record Name(int line, String name) implements Expression {}

    record ListOf(int line, List<Expression> items) implements Expression {}

    record TupleOf(int line, List<Expression> items) implements Expression {}

    record DictOf(int line, List<Map.Entry<Expression, Expression>> items) implements Expression {}

    /** {@code -x}, {@code +x} or {@code not x}. */
    record Unary(int line, String operator, Expression x) implements Expression {}

    /** Arithmetic, {@code ~}, {@code and}, {@code or}. */
    record Binary(int line, String operator, Expression left, Expression right) implements Expression {}

    /** {@code a < b <= c}: every neighbouring pair must hold. */
    record Compare(int line, Expression first, List<String> operators, List<Expression> rest) implements Expression {}

    /** {@code yes if test else no}; {@code no} is null where there is no else. */
    record Conditional(int line, Expression test, Expression yes, Expression no) implements Expression {}

    record Attribute(int line, Expression of, String name) implements Expression {}

    record Item(int line, Expression of, Expression key) implements Expression {}

    /** {@code x[from:to:step]}; each part may be null. */
    record Slice(int line, Expression of, Expression from, Expression to, Expression step) implements Expression {}

    record Call(int line, Expression function, Arguments arguments) implements Expression {}

    /** {@code x | name(arguments)}; in a filter block x is null. */
    record Filter(int line, Expression x, String name, Arguments arguments) implements Expression {}

    /** {@code x is name(arguments)}. */
    record Test(int line, Expression x, String name, Arguments arguments) implements Expression {}

    /**
     * Arguments of a call.
     *
     * @param star {@code *args}, or null
     * @param stars {@code **kwargs}, or null
     */
    record Arguments(List<Expression> positional, Map<String, Expression> named, Expression star, Expression stars) {
        static final Arguments NONE = new Arguments(List.of(), Map.of(), null, null);
    }
}
