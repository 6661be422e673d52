package rudder.checkpoint.tokenizer.jinja.syntax;

import java.util.Arrays;
import java.util.BitSet;
import java.util.function.IntFunction;
import java.util.function.IntPredicate;

/**
 * A string whose characters remember where they come from: the template, or a message. Slices, trims and concatenations
 * keep that memory, so that a control token which a message spells out is never taken for one that the template wrote.
 * Two texts are equal if their characters are.
 */
public final class Text implements CharSequence, Comparable<Text> {
    /** The empty text. */
    public static final Text EMPTY = new Text("", new BitSet());

    private final String text;
    private final BitSet message; // characters that a message wrote

    private Text(String text, BitSet message) {
        this.text = text;
        this.message = message;
    }

    /** Returns a text whose characters are the template's own. */
    public static Text ofTemplate(String text) {
        return text.isEmpty() ? EMPTY : new Text(text, new BitSet());
    }

    /** Returns a text whose characters are a message's. */
    public static Text ofMessage(String text) {
        var all = new BitSet();
        all.set(0, text.length());
        return new Text(text, all);
    }

    /** Returns whether a message wrote the character at an index. */
    public boolean isOfMessage(int index) {
        return message.get(index);
    }

    /** Returns whether a message wrote any character in [from, to). */
    public boolean hasMessage(int from, int to) {
        int next = message.nextSetBit(from);
        return next >= 0 && next < to;
    }

    @Override
    public int length() {
        return text.length();
    }

    @Override
    public char charAt(int index) {
        return text.charAt(index);
    }

    @Override
    public Text subSequence(int from, int to) {
        return from >= to ? EMPTY : new Text(text.substring(from, to), message.get(from, to));
    }

    public Text plus(Text other) {
        if (text.isEmpty()) {
            return other;
        }
        return other.text.isEmpty() ? this : new Builder().add(this).add(other).build();
    }

    /** Returns the text with every code point mapped to a string; each keeps its origin. */
    public Text map(IntFunction<String> mapping) {
        var out = new Builder();
        for (int i = 0; i < text.length(); ) {
            int point = text.codePointAt(i);
            out.add(mapping.apply(point), message.get(i));
            i += Character.charCount(point);
        }
        return out.build();
    }

    /** Returns the text without the leading, the trailing, or both kinds of characters that a test accepts. */
    public Text strip(boolean left, boolean right, IntPredicate strips) {
        int from = 0;
        int to = text.length();
        while (left && from < to && strips.test(text.codePointAt(from))) {
            from += Character.charCount(text.codePointAt(from));
        }
        while (right && from < to && strips.test(text.codePointBefore(to))) {
            to -= Character.charCount(text.codePointBefore(to));
        }
        return subSequence(from, to);
    }

    /** Returns whether Python's {@code str.isspace} holds. */
    public static boolean isSpace(int point) {
        return Character.isWhitespace(point) || point == 0x85 || point == 0xA0 || point == 0x2007 || point == 0x202F;
    }

    public int indexOf(Text other, int from) {
        return text.indexOf(other.text, from);
    }

    /** Returns the number of code points, which is Python's length of a string. */
    public int points() {
        return text.codePointCount(0, text.length());
    }

    /** Returns the index of the character at which a code point begins. */
    public int offset(int point) {
        return text.offsetByCodePoints(0, point);
    }

    @Override
    public int compareTo(Text other) {
        int[] mine = text.codePoints().toArray();
        int[] theirs = other.text.codePoints().toArray();
        return Arrays.compare(mine, theirs);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Text that && text.equals(that.text);
    }

    @Override
    public int hashCode() {
        return text.hashCode();
    }

    @Override
    public String toString() {
        return text;
    }

    /** Collects texts one behind another. */
    public static final class Builder {
        private static final int LONGEST = 16 << 20; // characters
        private final StringBuilder text = new StringBuilder();
        private final BitSet message = new BitSet();

        public Builder add(Text more) {
            for (int i = more.message.nextSetBit(0); i >= 0; i = more.message.nextSetBit(i)) {
                int end = more.message.nextClearBit(i);
                message.set(text.length() + i, text.length() + end);
                i = end;
            }
            text.append(more.text);
            return bounded();
        }

        public Builder add(String more, boolean ofMessage) {
            message.set(text.length(), text.length() + more.length(), ofMessage);
            text.append(more);
            return bounded();
        }

        private Builder bounded() {
            if (text.length() > LONGEST) {
                throw new TemplateException("the template makes a text of more than " + LONGEST + " characters");
            }
            return this;
        }

        public int length() {
            return text.length();
        }

        public Text build() {
            return text.length() == 0 ? EMPTY : new Text(text.toString(), (BitSet) message.clone());
        }
    }
}
