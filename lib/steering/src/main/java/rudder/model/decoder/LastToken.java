package rudder.model.decoder;

/**
 * Where the last token of a text stands in one block.
 *
 * @param position of the token
 * @param keys of the tokens before it, [key heads, position, head dimension]
 * @param values as the keys
 */
public record LastToken(int position, float[] keys, float[] values) {}
