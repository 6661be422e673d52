package rudder.checkpoint.tokenizer.jinja;

import java.util.ArrayList;
import java.util.List;
import rudder.checkpoint.tokenizer.jinja.syntax.TemplateException;

/**
 * The items of a loop, and the members of {@code loop} in each round.
 *
 * @param level 0 for the outermost of recursive loops
 * @param recursion what {@code loop(items)} calls, or null
 * @param last what {@code loop.changed} was called with last: nothing, or one list of values
 */
record Loop(List<Object> items, int level, Callable recursion, List<Object> last) {

    Loop(List<Object> items, int level, Callable recursion) {
        this(items, level, recursion, new ArrayList<>());
    }

    State at(int index) {
        return new State(this, index);
    }

    /** {@code loop} in one round. */
    record State(Loop loop, int index) {

        Callable recursion(int line) {
            if (loop.recursion == null) {
                throw TemplateException.at(line, "'loop' is called, but the loop is not marked 'recursive'");
            }
            return loop.recursion;
        }

        /** Returns a member; undefined if there is none of that name. A neighbouring item may be None. */
        Object member(String name) {
            int size = loop.items.size();
            return switch (name) {
                case "index" -> index + 1L;
                case "index0" -> (long) index;
                case "revindex" -> (long) (size - index);
                case "revindex0" -> (long) (size - index - 1);
                case "first" -> index == 0;
                case "last" -> index == size - 1;
                case "length" -> (long) size;
                case "depth" -> loop.level + 1L;
                case "depth0" -> (long) loop.level;
                case "previtem" -> index == 0 ? new Undefined("there is no previous item") : loop.items.get(index - 1);
                case "nextitem" ->
                    index == size - 1 ? new Undefined("there is no next item") : loop.items.get(index + 1);
                case "cycle" ->
                    (Callable) call -> {
                        if (call.positional().isEmpty()) {
                            throw call.error("no items for cycling given");
                        }
                        return call.positional().get(index % call.positional().size());
                    };
                case "changed" ->
                    (Callable) call -> {
                        boolean same = !loop.last.isEmpty() && Values.equal(loop.last.get(0), call.positional());
                        loop.last.clear();
                        loop.last.add(call.positional());
                        return !same;
                    };
                default -> new Undefined("'" + name + "' of a loop, which is undefined");
            };
        }
    }
}
