package rudder.eval;

import java.io.IOException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Reads a Python pickle as joblib writes it, and runs nothing: numbers, texts, lists, dicts and NumPy arrays come out
 * as Java's, every other object as an {@link Instance}, its class a mere name. Whatever else a pickle can say is
 * refused.
 */
final class Pickle {

    /** An object of a class that is not looked up: what it was made from and the state it was given. */
    static final class Instance {
        private final String type;
        private final List<?> arguments;
        private Object state;

        private Instance(String type, List<?> arguments) {
            this.type = type;
            this.arguments = arguments;
        }
    }

    private record Global(String name) {}

    private final Path file;
    private final ByteBuffer in;
    private final List<Object> memo = new ArrayList<>();
    private final Deque<List<Object>> outer = new ArrayDeque<>(); // stacks below the open marks
    private List<Object> stack = new ArrayList<>();

    private Pickle(Path file, byte[] bytes) {
        this.file = file;
        in = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    /**
     * The object that a file holds: Long, Double, Boolean, String, byte[], List, Map, double[] of an array,
     * {@link Instance} or null.
     *
     * @throws IOException if it is no such pickle; the message names the place
     */
    static Object read(Path file) throws IOException {
        var pickle = new Pickle(file, Files.readAllBytes(file));
        try {
            return pickle.run();
        } catch (BufferUnderflowException | IndexOutOfBoundsException | ClassCastException e) {
            throw pickle.broken("it ends early or is damaged");
        }
    }

    /** The member of an object's state that the names lead to: names of members, numbers of a list's elements. */
    static Object member(Object from, Object... names) {
        Object at = from;
        for (Object name : names) {
            Object state = at instanceof Instance instance ? instance.state : at;
            at = state instanceof Map<?, ?> map
                    ? map.get(name)
                    : state instanceof List<?> list ? list.get((int) name) : null;
            if (at == null) {
                throw new IllegalArgumentException("the pickle has no " + List.of(names) + ": " + name + " is missing");
            }
        }
        return at;
    }

    private IOException broken(String found) {
        return new IOException(file + ", byte " + in.position() + ": " + found
                + "; wanted a pickle of numbers, texts, lists, dicts and arrays");
    }

    private Object run() throws IOException {
        while (true) {
            int op = in.get() & 0xff;
            switch (op) {
                case 0x80 -> in.get(); // PROTO
                case 0x95 -> in.getLong(); // FRAME
                case '.' -> {
                    return pop(); // STOP
                }
                case 'N' -> push(null);
                case 0x88 -> push(true);
                case 0x89 -> push(false);
                case 'K' -> push((long) (in.get() & 0xff)); // BININT1
                case 'M' -> push((long) (in.getShort() & 0xffff)); // BININT2
                case 'J' -> push((long) in.getInt()); // BININT
                case 0x8a -> push(number(bytes(in.get() & 0xff))); // LONG1
                case 'G' -> push(Double.longBitsToDouble(Long.reverseBytes(in.getLong())));
                case 0x8c -> push(text(in.get() & 0xff)); // SHORT_BINUNICODE
                case 'X' -> push(text(in.getInt())); // BINUNICODE
                case 'C' -> push(bytes(in.get() & 0xff)); // SHORT_BINBYTES
                case '(' -> {
                    outer.push(stack);
                    stack = new ArrayList<>();
                }
                case ')' -> push(List.of()); // EMPTY_TUPLE
                case ']' -> push(new ArrayList<>()); // EMPTY_LIST
                case '}' -> push(new LinkedHashMap<>()); // EMPTY_DICT
                case 0x85, 0x86, 0x87 -> push(last(op - 0x84)); // TUPLE1, 2, 3
                case 't' -> push(marked()); // TUPLE
                case 'a' -> append(last(1));
                case 'e' -> append(marked());
                case 's' -> put(last(2));
                case 'u' -> put(marked());
                case 0x94 -> memo.add(top()); // MEMOIZE
                case 'h' -> push(memo.get(in.get() & 0xff)); // BINGET
                case 'j' -> push(memo.get(in.getInt())); // LONG_BINGET
                case 0x93 -> { // STACK_GLOBAL
                    var names = last(2);
                    push(new Global(names.get(0) + "." + names.get(1)));
                }
                case 0x81 -> { // NEWOBJ
                    var made = last(2);
                    push(new Instance(((Global) made.get(0)).name, (List<?>) made.get(1)));
                }
                case 'R' -> { // REDUCE
                    var call = last(2);
                    push(reduced(((Global) call.get(0)).name, (List<?>) call.get(1)));
                }
                case 'b' -> { // BUILD
                    Object state = pop();
                    var built = (Instance) pop();
                    built.state = state;
                    push(built.type.equals("joblib.numpy_pickle.NumpyArrayWrapper") ? array(built) : built);
                }
                default -> throw broken("the instruction 0x" + Integer.toHexString(op));
            }
        }
    }

    /** The two calls that NumPy's numbers are spelt with. */
    private Object reduced(String function, List<?> arguments) throws IOException {
        if (function.equals("numpy.dtype")) {
            return new Instance(function, arguments);
        }
        if (function.matches("numpy\\.(_core|core)\\.multiarray\\.scalar")) {
            return numbers((Instance) arguments.get(0), ByteBuffer.wrap((byte[]) arguments.get(1)), 1)[0];
        }
        throw broken("a call of " + function);
    }

    /** An array's bytes stand behind its description, aligned. */
    private double[] array(Instance description) throws IOException {
        long length = 1;
        for (Object extent : (List<?>) member(description, "shape")) {
            length = Math.multiplyExact(length, (long) extent);
        }
        if (((Map<?, ?>) description.state).containsKey("numpy_array_alignment_bytes")) {
            bytes(in.get() & 0xff);
        }
        var type = (Instance) member(description, "dtype");
        if (length < 0 || length > in.remaining()) {
            throw broken("an array of " + length + " numbers where " + in.remaining() + " bytes are left");
        }
        return numbers(type, in, (int) length);
    }

    private double[] numbers(Instance type, ByteBuffer from, int length) throws IOException {
        var kind = (String) type.arguments.get(0);
        if (type.state instanceof List<?> state && ">".equals(state.get(1)) || !kind.matches("[fi]8")) {
            throw broken("numbers of the type " + kind + ", little-endian f8 and i8 are known here");
        }
        var numbers = new double[length];
        from.order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < length; i++) {
            numbers[i] = kind.equals("f8") ? from.getDouble() : from.getLong();
        }
        return numbers;
    }

    private long number(byte[] littleEndian) throws IOException {
        if (littleEndian.length > Long.BYTES) {
            throw broken("a whole number of " + littleEndian.length + " bytes");
        }
        long number = littleEndian.length == 0 ? 0 : littleEndian[littleEndian.length - 1];
        for (int i = littleEndian.length - 2; i >= 0; i--) {
            number = number << Byte.SIZE | littleEndian[i] & 0xff;
        }
        return number;
    }

    private byte[] bytes(int length) throws IOException {
        if (length < 0 || length > in.remaining()) {
            throw broken(length + " bytes are announced and " + in.remaining() + " left");
        }
        var bytes = new byte[length];
        in.get(bytes);
        return bytes;
    }

    private String text(int length) throws IOException {
        return new String(bytes(length), StandardCharsets.UTF_8);
    }

    private void push(Object value) {
        stack.add(value);
    }

    private Object top() {
        return stack.get(stack.size() - 1);
    }

    private Object pop() {
        return stack.remove(stack.size() - 1);
    }

    private List<Object> last(int count) {
        var top = stack.subList(stack.size() - count, stack.size());
        var values = new ArrayList<>(top);
        top.clear();
        return values;
    }

    private List<Object> marked() throws IOException {
        if (outer.isEmpty()) {
            throw broken("the end of a list that was never begun");
        }
        var values = stack;
        stack = outer.pop();
        return values;
    }

    @SuppressWarnings("unchecked")
    private void append(List<Object> values) {
        ((List<Object>) top()).addAll(values);
    }

    @SuppressWarnings("unchecked")
    private void put(List<Object> pairs) {
        for (int i = 0; i < pairs.size(); i += 2) {
            ((Map<Object, Object>) top()).put(pairs.get(i), pairs.get(i + 1));
        }
    }
}
