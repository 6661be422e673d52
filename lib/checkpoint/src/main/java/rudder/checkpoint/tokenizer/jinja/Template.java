package rudder.checkpoint.tokenizer.jinja;

import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import rudder.checkpoint.tokenizer.jinja.Values.Namespace;
import rudder.checkpoint.tokenizer.jinja.syntax.Parser;
import rudder.checkpoint.tokenizer.jinja.syntax.Statement;
import rudder.checkpoint.tokenizer.jinja.syntax.TemplateException;
import rudder.checkpoint.tokenizer.jinja.syntax.Text;

/**
 * A chat template, parsed.
 *
 * <pre>{@code
 * Template.parse("{{ 'Hi ' + name }}").render(Map.of("name", Text.ofMessage("you")), now)   // Hi you
 * }</pre>
 */
public final class Template {
    /** Characters of the longest template that is read; those of public models have a few thousand. */
    public static final int LONGEST = 1 << 20;
    /** Numbers that {@code range} may make, Jinja's own bound for untrusted templates. */
    private static final int RANGE = 100_000;

    private final List<Statement> body;

    private Template(List<Statement> body) {
        this.body = body;
    }

    /**
     * Parses a template.
     *
     * @throws TemplateException if it is longer than {@link #LONGEST}, or holds what is no Jinja or not supported; the
     *     message names the line
     */
    public static Template parse(String source) {
        if (source.length() > LONGEST) {
            throw TemplateException.at(1, "it has " + source.length() + " characters, wanted at most " + LONGEST);
        }
        return new Template(Parser.parse(source));
    }

    /**
     * Renders this template.
     *
     * @param variables null, Boolean, Long, Double, {@link Text}, List and Map of these, with {@link Text} keys
     * @param now the time that {@code strftime_now} tells
     * @throws TemplateException if it calls {@code raise_exception}, does what fails in Python, or takes more steps,
     *     characters or depth than one rendering may
     */
    public Text render(Map<String, Object> variables, LocalDateTime now) {
        var globals = new HashMap<String, Object>();
        globals.put("raise_exception", (Callable) call -> {
            throw new TemplateException(Values.text(call.require(0, "message")).toString());
        });
        globals.put("strftime_now", (Callable) call ->
                Text.ofTemplate(Formats.date(call, now, call.text(0, "format").toString())));
        globals.put("range", (Callable) Template::range);
        globals.put("dict", (Callable) call -> {
            var dict = new LinkedHashMap<Object, Object>();
            if (!call.positional().isEmpty() && call.positional().get(0) instanceof Map<?, ?> map) {
                dict.putAll(map);
            }
            call.named().forEach((name, value) -> dict.put(Text.ofTemplate(name), value));
            return dict;
        });
        globals.put("namespace", (Callable) call -> {
            var members = new HashMap<String, Object>();
            if (!call.positional().isEmpty() && call.positional().get(0) instanceof Map<?, ?> map) {
                members.putAll(Values.named(map, call.line()));
            }
            members.putAll(call.named());
            return new Namespace(members);
        });
        globals.putAll(variables);
        return new Interpreter(globals).render(body);
    }

    private static List<Object> range(Callable.Call call) {
        boolean one = call.only(3).positional().size() == 1;
        long from = one ? 0 : call.integer(0, "start", null);
        long to = call.integer(one ? 0 : 1, "stop", null);
        long step = call.integer(2, "step", 1);
        if (step == 0) {
            throw call.error("the step is 0");
        }
        if ((to - from) / step > RANGE) {
            throw call.error("wants at most " + RANGE + " numbers");
        }
        var numbers = new ArrayList<Object>();
        for (long i = from; step > 0 ? i < to : i > to; i += step) {
            numbers.add(i);
        }
        return numbers;
    }
}
