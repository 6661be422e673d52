package rudder.checkpoint.tokenizer.jinja;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import rudder.checkpoint.tokenizer.jinja.Values.Namespace;
import rudder.checkpoint.tokenizer.jinja.Values.Tuple;
import rudder.checkpoint.tokenizer.jinja.syntax.Expression;
import rudder.checkpoint.tokenizer.jinja.syntax.Expression.Arguments;
import rudder.checkpoint.tokenizer.jinja.syntax.Statement;
import rudder.checkpoint.tokenizer.jinja.syntax.Statement.Target;
import rudder.checkpoint.tokenizer.jinja.syntax.TemplateException;
import rudder.checkpoint.tokenizer.jinja.syntax.Text;

/** Renders a parsed template once. */
final class Interpreter {
    /** Statements and operators that one rendering may take. */
    private static final int STEPS = 2_000_000;
    /** Characters that one rendering may make, in its output and in passing. */
    private static final int CHARACTERS = 16 << 20;
    /** Seconds that one rendering may take; templates of public models take milliseconds. */
    private static final int SECONDS = 3;
    /** Calls and expressions inside one another. */
    private static final int DEPTH = 400;

    private enum Flow {
        ON,
        BREAK,
        CONTINUE
    }

    /** Variables of a block, a loop's round or a macro, and those around it. */
    private static final class Scope {
        final Map<String, Object> variables = new HashMap<>();
        final Scope outer;

        Scope(Scope outer) {
            this.outer = outer;
        }
    }

    private final Operators operators = new Operators(this);
    private Scope scope;
    private Text.Builder out = new Text.Builder();
    private final long start = System.nanoTime();
    private int steps;
    private int last = 1; // the line of the newest expression
    private long characters;
    private int depth;

    Interpreter(Map<String, Object> globals) {
        scope = new Scope(null);
        scope.variables.putAll(globals);
        scope = new Scope(scope);
    }

    Text render(List<Statement> template) {
        try {
            run(template);
            return out.build();
        } catch (TemplateException e) {
            throw e;
        } catch (RuntimeException e) {
            throw TemplateException.ofRudder(last, e);
        }
    }

    private void step(int line) {
        last = line > 0 ? line : last; // statements do not know theirs
        if (++steps > STEPS) {
            throw TemplateException.at(line, "the template runs for more than " + STEPS + " steps");
        }
        if ((steps & 15) == 0 && System.nanoTime() - start > SECONDS * 1_000_000_000L) {
            throw TemplateException.at(line, "the template runs for more than " + SECONDS + " seconds");
        }
    }

    /** Counts characters that are made, and returns the text. */
    Text made(int line, Text text) {
        characters += text.length();
        require(characters, line);
        return text;
    }

    /** Refuses to make so many more characters, before they are made. */
    void require(long more, int line) {
        if (more > CHARACTERS) {
            throw TemplateException.at(line, "the template makes more than " + CHARACTERS + " characters");
        }
    }

    private Flow run(List<Statement> statements) {
        for (var statement : statements) {
            var flow = run(statement);
            if (flow != Flow.ON) {
                return flow;
            }
        }
        return Flow.ON;
    }

    private Flow run(Statement statement) {
        step(0);
        if (statement instanceof Statement.Data data) {
            out.add(made(0, data.text()));
        } else if (statement instanceof Statement.Output output) {
            out.add(made(output.x().line(), Values.text(evaluate(output.x()))));
        } else if (statement instanceof Statement.If branch) {
            return run(Values.truth(evaluate(branch.test())) ? branch.then() : branch.otherwise());
        } else if (statement instanceof Statement.For loop) {
            loop(loop, items(loop), 0);
        } else if (statement instanceof Statement.Set set) {
            assign(set.target(), evaluate(set.value()));
        } else if (statement instanceof Statement.SetBlock set) {
            Object text = block(set.body(), new Scope(scope));
            assign(set.target(), set.filter() == null ? text : filters(set.filter(), text));
        } else if (statement instanceof Statement.Macro macro) {
            scope.variables.put(macro.name(), macro(macro));
        } else if (statement instanceof Statement.CallBlock block) {
            out.add(Values.text(call(block.call(), Map.of("caller", macro(block.caller())))));
        } else if (statement instanceof Statement.FilterBlock block) {
            out.add(Values.text(filters(block.filter(), block(block.body(), new Scope(scope)))));
        } else if (statement instanceof Statement.With with) {
            return with(with);
        } else {
            return statement instanceof Statement.Break ? Flow.BREAK : Flow.CONTINUE;
        }
        return Flow.ON;
    }

    private Flow with(Statement.With with) {
        var inner = new Scope(scope);
        with.sets().forEach(set -> inner.variables.put(((Target.Variable) set.target()).name(), evaluate(set.value())));
        var outer = scope;
        scope = inner;
        var flow = run(with.body());
        scope = outer;
        return flow;
    }

    /** Returns the text that statements write in a scope of their own. */
    private Text block(List<Statement> body, Scope inner) {
        var outerScope = scope;
        var outerText = out;
        scope = inner;
        out = new Text.Builder();
        run(body);
        var text = out.build();
        scope = outerScope;
        out = outerText;
        return text;
    }

    private List<Object> items(Statement.For loop) {
        return chosen(loop, Values.items(evaluate(loop.items()), loop.line()));
    }

    private List<Object> chosen(Statement.For loop, List<Object> all) {
        if (loop.condition() == null) {
            return all;
        }
        var chosen = new ArrayList<>();
        var outer = scope;
        for (var item : all) {
            scope = new Scope(outer);
            assign(loop.target(), item);
            if (Values.truth(evaluate(loop.condition()))) {
                chosen.add(item);
            }
        }
        scope = outer;
        return chosen;
    }

    private void loop(Statement.For loop, List<Object> items, int level) {
        var outer = scope;
        var state = new Loop(
                items,
                level,
                !loop.recursive()
                        ? null
                        : call -> {
                            var around = scope;
                            scope = outer;
                            var inner = chosen(loop, Values.items(call.require(0, "iterable"), call.line()));
                            var before = out;
                            out = new Text.Builder();
                            enter(call.line());
                            loop(loop, inner, level + 1);
                            depth--;
                            var text = out.build();
                            out = before;
                            scope = around;
                            return text;
                        });
        for (int i = 0; i < items.size(); i++) {
            step(loop.line());
            scope = new Scope(outer);
            scope.variables.put("loop", state.at(i));
            assign(loop.target(), items.get(i));
            if (run(loop.body()) == Flow.BREAK) {
                break;
            }
        }
        scope = outer;
        if (items.isEmpty()) {
            scope = new Scope(outer);
            run(loop.otherwise());
            scope = outer;
        }
    }

    private void assign(Target target, Object value) {
        if (target instanceof Target.Variable variable) {
            scope.variables.put(variable.name(), value);
        } else if (target instanceof Target.Member member) {
            if (!(look(member.namespace()) instanceof Namespace namespace)) {
                throw TemplateException.at(
                        member.line(),
                        "cannot assign to '" + member.namespace() + "." + member.attribute()
                                + "': wanted a namespace, found " + Values.typeOf(look(member.namespace())));
            }
            namespace.members().put(member.attribute(), value);
        } else {
            var several = (Target.Several) target;
            var items = Values.items(value, several.line());
            if (items.size() != several.targets().size()) {
                throw TemplateException.at(
                        several.line(),
                        "cannot unpack " + items.size() + " values into "
                                + several.targets().size() + " names");
            }
            for (int i = 0; i < items.size(); i++) {
                assign(several.targets().get(i), items.get(i));
            }
        }
    }

    private Object look(String name) {
        for (var at = scope; at != null; at = at.outer) {
            if (at.variables.containsKey(name)) {
                return at.variables.get(name);
            }
        }
        return new Undefined("'" + name + "', which is undefined");
    }

    private Callable macro(Statement.Macro macro) {
        var closure = scope;
        return call -> {
            var inner = new Scope(closure);
            var names = macro.parameters();
            int required = names.size() - macro.defaults().size();
            var more = new LinkedHashMap<Object, Object>();
            call.named().forEach((name, value) -> {
                if (!names.contains(name) && !name.equals("caller")) {
                    more.put(Text.ofTemplate(name), value);
                }
            });
            inner.variables.put("caller", call.named().getOrDefault("caller", new Undefined("'caller'")));
            int given = call.positional().size();
            var rest = given > names.size() ? call.positional().subList(names.size(), given) : List.of();
            inner.variables.put("varargs", new Tuple(rest));
            inner.variables.put("kwargs", more);
            var around = scope;
            scope = inner;
            for (int i = 0; i < names.size(); i++) {
                String name = names.get(i);
                if (i < given || call.named().containsKey(name)) {
                    inner.variables.put(name, call.get(i, name, null));
                } else {
                    inner.variables.put(
                            name,
                            i >= required
                                    ? evaluate(macro.defaults().get(i - required))
                                    : new Undefined("parameter '" + name + "', which was not provided"));
                }
            }
            scope = around;
            enter(call.line());
            var text = block(macro.body(), inner);
            depth--;
            return text;
        };
    }

    private void enter(int line) {
        if (++depth > DEPTH) {
            throw TemplateException.at(line, "calls are nested more than " + DEPTH + " levels deep");
        }
    }

    Object evaluate(Expression x) {
        step(x.line());
        enter(x.line());
        try {
            return value(x);
        } finally {
            depth--;
        }
    }

    private Object value(Expression x) {
        if (x instanceof Expression.Constant constant) {
            return constant.value();
        } else if (x instanceof Expression.Name name) {
            return look(name.name());
        } else if (x instanceof Expression.ListOf list) {
            return evaluate(list.items());
        } else if (x instanceof Expression.TupleOf tuple) {
            return new Tuple(evaluate(tuple.items()));
        } else if (x instanceof Expression.DictOf dict) {
            var map = new LinkedHashMap<Object, Object>();
            dict.items().forEach(e -> map.put(evaluate(e.getKey()), evaluate(e.getValue())));
            return map;
        } else if (x instanceof Expression.Unary unary) {
            Object operand = evaluate(unary.x());
            return unary.operator().equals("not")
                    ? (Object) !Values.truth(operand)
                    : operators.sign(unary.line(), unary.operator(), operand);
        } else if (x instanceof Expression.Binary binary) {
            return binary(binary);
        } else if (x instanceof Expression.Compare compare) {
            return compare(compare);
        } else if (x instanceof Expression.Conditional branch) {
            if (Values.truth(evaluate(branch.test()))) {
                return evaluate(branch.yes());
            }
            return branch.no() == null ? new Undefined("an 'if' without 'else'") : evaluate(branch.no());
        } else if (x instanceof Expression.Attribute attribute) {
            return Members.attribute(attribute.line(), evaluate(attribute.of()), attribute.name());
        } else if (x instanceof Expression.Item item) {
            return Members.item(item.line(), evaluate(item.of()), evaluate(item.key()));
        } else if (x instanceof Expression.Slice slice) {
            return Members.slice(
                    slice.line(), evaluate(slice.of()), part(slice.from()), part(slice.to()), part(slice.step()));
        } else if (x instanceof Expression.Call call) {
            return call(call, Map.of());
        } else if (x instanceof Expression.Filter filter) {
            return filter(filter, evaluate(filter.x()));
        } else {
            var test = (Expression.Test) x;
            return Tests.holds(
                    test.name(),
                    arguments(
                            test.line(), test.name(), Collections.singletonList(evaluate(test.x())), test.arguments()));
        }
    }

    private Object part(Expression x) {
        return x == null ? null : evaluate(x);
    }

    private List<Object> evaluate(List<Expression> items) {
        var values = new ArrayList<Object>();
        items.forEach(item -> values.add(evaluate(item)));
        return values;
    }

    private Object binary(Expression.Binary binary) {
        Object left = evaluate(binary.left());
        return switch (binary.operator()) {
            case "and" -> Values.truth(left) ? evaluate(binary.right()) : left;
            case "or" -> Values.truth(left) ? left : evaluate(binary.right());
            default -> operators.apply(binary.line(), binary.operator(), left, evaluate(binary.right()));
        };
    }

    private boolean compare(Expression.Compare compare) {
        Object left = evaluate(compare.first());
        for (int i = 0; i < compare.rest().size(); i++) {
            Object right = evaluate(compare.rest().get(i));
            if (!Operators.compares(compare.line(), compare.operators().get(i), left, right)) {
                return false;
            }
            left = right;
        }
        return true;
    }

    private Object call(Expression.Call call, Map<String, Object> more) {
        Object function = evaluate(call.function());
        String name = call.function() instanceof Expression.Name named
                ? named.name()
                : call.function() instanceof Expression.Attribute attribute ? attribute.name() : "call";
        if (function instanceof Loop.State loop) {
            function = loop.recursion(call.line());
        }
        if (!(function instanceof Callable callable)) {
            throw TemplateException.at(
                    call.line(), "'" + name + "' is " + Values.typeOf(function) + ", which cannot be called");
        }
        var found = arguments(call.line(), name, List.of(), call.arguments());
        found.named().putAll(more);
        return callable.call(found);
    }

    /** Applies one filter. */
    private Object filter(Expression.Filter filter, Object operand) {
        return Filters.apply(
                filter.name(),
                arguments(filter.line(), filter.name(), Collections.singletonList(operand), filter.arguments()));
    }

    /** Applies a block's filters, of which the innermost has no operand of its own, to the block's text. */
    private Object filters(Expression.Filter filter, Object text) {
        return filter(filter, filter.x() == null ? text : filters((Expression.Filter) filter.x(), text));
    }

    private Callable.Call arguments(int line, String name, List<Object> first, Arguments arguments) {
        var positional = new ArrayList<>(first);
        positional.addAll(evaluate(arguments.positional()));
        if (arguments.star() != null) {
            positional.addAll(Values.items(evaluate(arguments.star()), line));
        }
        var named = new LinkedHashMap<String, Object>();
        arguments.named().forEach((key, value) -> named.put(key, evaluate(value)));
        if (arguments.stars() != null) {
            if (!(evaluate(arguments.stars()) instanceof Map<?, ?> map)) {
                throw TemplateException.at(line, "'" + name + "': '**' wants a dict");
            }
            named.putAll(Values.named(map, line));
        }
        return new Callable.Call(this, line, name, positional, named);
    }
}
