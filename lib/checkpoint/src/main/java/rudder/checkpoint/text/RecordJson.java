package rudder.checkpoint.text;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonParseException;
import com.google.gson.TypeAdapter;
import com.google.gson.TypeAdapterFactory;
import com.google.gson.reflect.TypeToken;
import com.google.gson.stream.JsonReader;
import com.google.gson.stream.JsonToken;
import com.google.gson.stream.JsonWriter;
import java.io.IOException;
import java.lang.reflect.Array;
import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.RecordComponent;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Reads and writes records with Gson as objects of their components. Gson does so itself from 2.10 on, with the same
 * JSON. Version 2.8.5, which the IJava kernel brings, cannot read records.
 *
 * <p>A missing member is null, 0 or false. Unknown members are skipped.
 */
public final class RecordJson implements TypeAdapterFactory {

    RecordJson() {}

    /**
     * Returns a builder whose Gson reads and writes records, and leaves the characters of HTML in texts as they are.
     */
    public static GsonBuilder builder() {
        return new GsonBuilder().registerTypeAdapterFactory(new RecordJson()).disableHtmlEscaping();
    }

    @Override
    public <T> TypeAdapter<T> create(Gson gson, TypeToken<T> type) {
        return type.getRawType().isRecord() ? new Adapter<>(gson, type.getRawType()) : null;
    }

    private static final class Adapter<T> extends TypeAdapter<T> {

        private final Class<? super T> type;
        private final RecordComponent[] components;
        private final Map<String, Integer> places = new LinkedHashMap<>();
        private final TypeAdapter<?>[] adapters;
        private final Constructor<?> canonical;

        Adapter(Gson gson, Class<? super T> type) {
            this.type = type;
            components = type.getRecordComponents();
            adapters = new TypeAdapter<?>[components.length];
            for (int i = 0; i < components.length; i++) {
                components[i].getAccessor().setAccessible(true); // those of private records
                places.put(components[i].getName(), i);
                adapters[i] = gson.getAdapter(TypeToken.get(components[i].getGenericType()));
            }
            try {
                canonical = type.getDeclaredConstructor(
                        Arrays.stream(components).map(RecordComponent::getType).toArray(Class<?>[]::new));
            } catch (NoSuchMethodException e) {
                throw new IllegalStateException(type + " is a record without its canonical constructor", e);
            }
            canonical.setAccessible(true);
        }

        @Override
        public void write(JsonWriter json, T record) throws IOException {
            if (record == null) {
                json.nullValue();
                return;
            }
            json.beginObject();
            for (int i = 0; i < components.length; i++) {
                json.name(components[i].getName());
                write(json, adapters[i], get(components[i], record));
            }
            json.endObject();
        }

        @SuppressWarnings("unchecked") // the component's value and its adapter have one type
        private static <V> void write(JsonWriter json, TypeAdapter<?> adapter, V value) throws IOException {
            ((TypeAdapter<V>) adapter).write(json, value);
        }

        private static Object get(RecordComponent component, Object record) {
            try {
                return component.getAccessor().invoke(record);
            } catch (IllegalAccessException | InvocationTargetException e) {
                throw new IllegalStateException("the component " + component + " cannot be read", e);
            }
        }

        @Override
        @SuppressWarnings("unchecked") // the constructor makes a T
        public T read(JsonReader json) throws IOException {
            if (json.peek() == JsonToken.NULL) {
                json.nextNull();
                return null;
            }
            var values = new Object[components.length];
            for (int i = 0; i < values.length; i++) {
                var component = components[i].getType();
                // the value of an array's new element: 0, false
                values[i] = component.isPrimitive() ? Array.get(Array.newInstance(component, 1), 0) : null;
            }
            json.beginObject();
            while (json.hasNext()) {
                var name = json.nextName();
                var place = places.get(name);
                if (place == null) {
                    json.skipValue();
                    continue;
                }
                values[place] = adapters[place].read(json);
                if (values[place] == null && components[place].getType().isPrimitive()) {
                    throw new JsonParseException("found null for '" + name + "', wanted a value; at " + json);
                }
            }
            json.endObject();
            try {
                return (T) canonical.newInstance(values);
            } catch (InvocationTargetException e) {
                throw new JsonParseException(e.getCause().getMessage(), e.getCause());
            } catch (ReflectiveOperationException e) {
                throw new IllegalStateException(type + " cannot be made", e);
            }
        }
    }
}
