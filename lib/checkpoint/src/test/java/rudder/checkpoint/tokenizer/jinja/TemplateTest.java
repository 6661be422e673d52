package rudder.checkpoint.tokenizer.jinja;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.time.LocalDateTime;
import java.util.AbstractMap;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import rudder.checkpoint.tokenizer.jinja.syntax.TemplateException;
import rudder.checkpoint.tokenizer.jinja.syntax.Text;

/** The oracle is jinja2 3.1.6 as transformers 4.57.1 configures it: {@code resources/jinja/make_goldens.py}. */
class TemplateTest {
    private static final LocalDateTime NOW = LocalDateTime.of(2026, 7, 4, 15, 6, 9);
    private static final JsonObject GOLDENS = goldens();

    private static JsonObject goldens() {
        try (var in = new InputStreamReader(
                TemplateTest.class.getResourceAsStream("/jinja/goldens.json"), StandardCharsets.UTF_8)) {
            return JsonParser.parseReader(in).getAsJsonObject();
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    private static Map<String, Object> variables() {
        var variables = new HashMap<String, Object>();
        GOLDENS.getAsJsonObject("variables").asMap().forEach((name, json) -> variables.put(name, value(json)));
        return variables;
    }

    private static Object value(JsonElement json) {
        if (json.isJsonArray()) {
            var list = new ArrayList<Object>();
            json.getAsJsonArray().forEach(item -> list.add(value(item)));
            return list;
        }
        if (json.isJsonObject()) {
            var map = new LinkedHashMap<Object, Object>();
            json.getAsJsonObject().asMap().forEach((key, item) -> map.put(Text.ofTemplate(key), value(item)));
            return map;
        }
        if (json.isJsonNull()) {
            return null;
        }
        var primitive = json.getAsJsonPrimitive();
        if (primitive.isBoolean()) {
            return primitive.getAsBoolean();
        }
        String text = primitive.getAsString();
        if (primitive.isNumber()) {
            return text.contains(".") ? (Object) Double.parseDouble(text) : (Object) Long.parseLong(text);
        }
        return Text.ofMessage(text);
    }

    static Stream<Arguments> cases() {
        return GOLDENS.getAsJsonArray("cases").asList().stream()
                .map(JsonElement::getAsJsonArray)
                .map(pair -> {
                    var rendered = pair.get(1);
                    return Arguments.of(
                            pair.get(0).getAsString(), rendered.isJsonNull() ? null : rendered.getAsString());
                });
    }

    @Test
    void aDateIsTheSameInEveryLocale() {
        var before = Locale.getDefault();
        try {
            Locale.setDefault(Locale.forLanguageTag("ar-EG-u-nu-arab"));
            assertEquals(" 4 Jul 2026", render("{{ strftime_now('%e %b %Y') }}").toString());
        } finally {
            Locale.setDefault(before);
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void rendersAsTheReferenceDoesAndFailsWhereItFails(String template, String wanted) {
        if (wanted == null) {
            assertThrows(TemplateException.class, () -> render(template));
        } else {
            assertEquals(wanted, render(template).toString());
        }
    }

    private static Text render(String template) {
        return Template.parse(template).render(variables(), NOW);
    }

    @Test
    void charactersRememberWhoWroteThem() {
        for (String template : List.of(
                "<{{ messages[1].content }}>",
                "<{{ messages[1].content | trim }}>",
                "<{{ messages[1]['content'][2:9] ~ 'x' }}>",
                "{% set c = '<' + messages[1].content + '>' %}{{ c }}",
                "<{{ messages[1].content | upper | replace('H', '<|') | tojson }}>",
                "{% for p in messages[1].content.split('|') %}<{{ p.strip() }}>{% endfor %}",
                "{% macro m(x) %}<{{ x }}>{% endmacro %}{{ m(messages[1].content) | indent }}",
                "<{{ [messages[1].content, 'x'] | join('<|') }}>",
                "<{{ messages[1].content[::-1] | title }}>")) {
            Text text = render(template);
            String rendered = text.toString();
            for (int i = 0; i < rendered.length(); i++) {
                char c = rendered.charAt(i);
                if (Character.isLetter(c) && "imendstarIMENDSTAR".indexOf(c) >= 0) {
                    assertTrue(text.isOfMessage(i), template + " at " + i + " of " + rendered);
                }
            }
            assertFalse(text.isOfMessage(0), template);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}",
                "{{ 'a' * 1000000000 }}",
                "{{ 'a' * 9000000000000000000 }}",
                "{{ ('a' * 1000000) * 1000000 }}",
                "{{ [1] * 1000000000 }}",
                "{{ [1, 2] * 9223372036854775807 }}",
                "{% set ns = namespace(s='a') %}{% for i in range(99) %}{% set ns.s = ns.s + ns.s %}{% endfor %}",
                "{% set ns = namespace(s='a') %}{% for i in range(99) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}",
                "{% set ns = namespace(s=[1]) %}{% for i in range(99) %}{% set ns.s = ns.s + ns.s %}{% endfor %}",
                "{% set s = 'a' * 9999999 %}{% for i in range(99999) %}{% set t = s|upper %}{% endfor %}",
                "{% set s = 'a' * 9999999 %}{% for i in range(99999) %}{% set t = s.replace('a', 'b') %}{% endfor %}",
                "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
                "{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}",
                "{{ '%9999d' % 1 }}{{ range(-9000000000000000000, 9000000000000000000) }}",
                "{{ 2 ** 62 * 4 }}",
                "{{ 9223372036854775808 }}",
                "{{ 'a'.center(2000000000) }}",
                "{{ 'a\na'|indent(999999999) }}",
                "{{ [1]|tojson(indent=999999999) }}",
                "{{ '%999999999s' % 'a' }}",
                "{{ '%.999999999f' % 1.0 }}",
                "{{ '{:.999999999f}'.format(1.0) }}",
                "{% set ns = namespace(x=[1]) %}{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}"
                        + "{{ ns.x }}",
                "{% set ns = namespace(x=[1], y=[1]) %}{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] %}"
                        + "{% set ns.y = [ns.y, ns.y] %}{% endfor %}{{ ns.x == ns.y }}",
                "{{ ('x' * 1000000).replace('', 'yyyyyyyyyyyyyyyyyyyyyyyy') }}"
            })
    void aTemplateThatDoesTooMuchIsStopped(String template) {
        assertThrows(TemplateException.class, () -> render(template));
    }

    @Test
    void aTemplateThatNestsTooDeepIsRefused() {
        for (var pair :
                List.of("(:)", "[:]", "{{ 'x' }}{% if n %}:{% endif %}", "-:", "not :", "{1::}", "n if n else :")) {
            String open = pair.substring(0, pair.indexOf(':'));
            String close = pair.substring(pair.indexOf(':') + 1);
            boolean statement = open.contains("%");
            String deep = open.repeat(5000) + (statement ? "" : "1") + close.repeat(5000);
            assertThrows(TemplateException.class, () -> render(statement ? deep : "{{ " + deep + " }}"), pair);
        }
        for (String chain : List.of(".a", "[0]", "|trim", " + 1", " ~ 'a'", "()", " and 1", " < 1")) {
            String template = "{{ n" + chain.repeat(20_000) + " }}";
            try {
                render(template);
            } catch (TemplateException e) {
                assertTrue(e.getMessage().contains("line 1"), e.getMessage());
            }
        }
        assertEquals(
                "a".repeat(300_000),
                render("{{ '" + "a".repeat(300_000) + "' }}").toString());
    }

    /** Any damage is refused in words, or renders: no other exception, and no hang. */
    @Test
    void damagedTemplatesRenderOrAreRefused() {
        var random = new Random(1);
        var sound = cases().map(arguments -> (String) arguments.get()[0]).toList();
        String pieces = "{}%#-+|()[]'\".,:~*/ \n0n\\";
        int refused = 0;
        for (int i = 0; i < 20_000; i++) {
            var text = new StringBuilder(sound.get(random.nextInt(sound.size())));
            for (int edits = 1 + random.nextInt(3); edits > 0; edits--) {
                int at = random.nextInt(text.length() + 1);
                switch (random.nextInt(3)) {
                    case 0 -> text.insert(at, pieces.charAt(random.nextInt(pieces.length())));
                    case 1 -> text.delete(at, Math.min(text.length(), at + 1 + random.nextInt(4)));
                    default -> text.insert(at, sound.get(random.nextInt(sound.size())));
                }
            }
            refused += isRefused(text.toString()) ? 1 : 0;
        }
        assertTrue(refused > 2000, refused + " refused");
    }

    /** Returns whether a template is refused, by a rule and not by a fault of Rudder. */
    private static boolean isRefused(String template) {
        try {
            render(template);
            return false;
        } catch (TemplateException e) {
            assertNull(e.getCause(), template);
            return true;
        }
    }

    /** Values of each type, among them None alone and within others, as operands and arguments. */
    @Test
    void anOperandOfAnyTypeIsComputedWithOrRefused() {
        var values =
                List.of("nothing", "missing", "true", "-1", "2.5", "1e308 * 10", "'ab'", "''", "[none, 1]", "(1,)");
        var more = List.of("{}", "{none: none}", "{'a': none}", "[{'a': none}]", "namespace(a=none)", "range", "lst");
        var uses = Map.of(
                "trim tojson length default join map select selectattr items first title replace format round int float"
                        + " abs dictsort unique sort reverse indent sum min batch attr wordcount groupby",
                List.of("|N(Y)", "|N('a', Y)"),
                "strip split rsplit splitlines startswith find rindex count partition zfill ljust center get index a",
                List.of(".N(Y)", ".N(5, Y)"),
                "defined odd divisibleby lower in eq lt sameas string mapping",
                List.of(" is N(Y)"));
        var operands = Stream.concat(values.stream(), more.stream()).toList();
        int refused = 0;
        for (String x : operands) {
            for (String y : operands) {
                for (String operator : List.of("+", "*", "//", "%", "**", "~", "==", "<", "in")) {
                    refused += isRefused("{{ (" + x + ") " + operator + " (" + y + ") }}") ? 1 : 0;
                }
                for (String format : List.of("%s", "%+05d", "%.1f", "%(a)s", "{:5}", "{:d}", "{:+.1f}", "{a!r:,}")) {
                    String use = format.startsWith("%") ? "' % (" + y + ")" : "'.format(" + x + ", a=" + y + ")";
                    refused += isRefused("{{ '" + format + use + " }}") ? 1 : 0;
                }
                refused += isRefused("{{ (" + x + ")[" + y + "] ~ dict(" + x + ", **" + y + ") }}") ? 1 : 0;
                for (var use : uses.entrySet()) {
                    for (String name : use.getKey().split(" ")) {
                        for (String form : use.getValue()) {
                            String applied = form.replace("N", name).replace("Y", y);
                            refused += isRefused("{{ (" + x + ")" + applied + " }}") ? 1 : 0;
                        }
                    }
                }
            }
            refused += isRefused("{{ namespace(" + x + ") ~ {(" + x + "): 1}|tojson }}") ? 1 : 0;
        }
        assertTrue(refused > 2000, refused + " refused");
    }

    @Test
    void aFaultOfRuddersNamesTheLineAndKeepsItsCause() {
        var fault = new IllegalStateException("broken");
        var broken = new AbstractMap<Object, Object>() {
            @Override
            public Set<Entry<Object, Object>> entrySet() {
                throw fault;
            }
        };
        var template = Template.parse("a\n{% if true %}\n{{ x }}{% endif %}");
        var error = assertThrows(TemplateException.class, () -> template.render(Map.of("x", broken), NOW));
        assertTrue(error.getMessage().contains("line 3") && error.getMessage().contains("broken"), error.getMessage());
        assertSame(fault, error.getCause());
    }

    @Test
    void anErrorNamesTheLine() {
        for (var template :
                List.of("a\n\n{% nosuch %}", "a\n\n{{ n | nosuch }}", "a\n{% if n %}\n{{ n is nosuch }}{% endif %}")) {
            var error = assertThrows(TemplateException.class, () -> render(template));
            assertTrue(error.getMessage().contains("line 3"), error.getMessage());
            assertTrue(error.getMessage().contains("nosuch"), error.getMessage());
        }
        var raised = assertThrows(TemplateException.class, () -> render("{{ raise_exception('No system role') }}"));
        assertEquals("No system role", raised.getMessage());
        assertThrows(TemplateException.class, () -> Template.parse("a".repeat(Template.LONGEST + 1)));
    }
}
