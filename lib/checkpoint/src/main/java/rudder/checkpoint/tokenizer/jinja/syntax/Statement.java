package rudder.checkpoint.tokenizer.jinja.syntax;

import java.util.List;

/** A statement of a template, as parsed. */
public sealed interface Statement {

    /** Text between tags. */
    record Data(Text text) implements Statement {}

    /** {@code {{ x }}}. */
    record Output(Expression x) implements Statement {}

    record If(Expression test, List<Statement> then, List<Statement> otherwise) implements Statement {}

    /**
     * A loop.
     *
     * @param target one name, or several that an item is unpacked into
     * @param condition which items are looped over, or null for all
     * @param otherwise runs if there was no item
     */
    record For(
            int line,
            Target target,
            Expression items,
            Expression condition,
            boolean recursive,
            List<Statement> body,
            List<Statement> otherwise)
            implements Statement {}

    record Set(int line, Target target, Expression value) implements Statement {}

    /** {@code {% set x %}...{% endset %}}: the text of the body, through filters. */
    record SetBlock(int line, Target target, Expression.Filter filter, List<Statement> body) implements Statement {}

    /**
     * A macro.
     *
     * @param defaults of the last parameters
     */
    record Macro(int line, String name, List<String> parameters, List<Expression> defaults, List<Statement> body)
            implements Statement {}

    /** {@code {% call(parameters) f(...) %}...{% endcall %}}. */
    record CallBlock(Macro caller, Expression.Call call) implements Statement {}

    record FilterBlock(Expression.Filter filter, List<Statement> body) implements Statement {}

    record With(List<Set> sets, List<Statement> body) implements Statement {}

    record Break() implements Statement {}

    record Continue() implements Statement {}

    /** Where a value is assigned. */
    sealed interface Target {
        record Variable(String name) implements Target {}

        /** An attribute of a namespace. */
        record Member(int line, String namespace, String attribute) implements Target {}

        record Several(int line, List<Target> targets) implements Target {}
    }
}
