package rudder.model.transformer;

import java.util.List;
import java.util.stream.IntStream;

/**
 * Which tokens of a pass are steered, in the cheapest form: none, the last of each row, all, or some by a mask.
 *
 * @param laws null where no token is steered
 * @param everyToken whether the laws apply to every token of the pass, or to the last column
 * @param earlier whether a token before the last is steered, so that no unsteered keys and values serve
 */
public record SteeredPass(DeviceLaws laws, boolean everyToken, boolean earlier) {

    /** @param rows the steered tokens of each prompt; the prompts end in the same column */
    public static SteeredPass of(DeviceLaws laws, List<boolean[]> rows) {
        int columns = rows.stream().mapToInt(row -> row.length).max().orElseThrow();
        boolean earlier = rows.stream().anyMatch(row -> count(row, row.length - 1) > 0);
        long last = rows.stream().filter(row -> row[row.length - 1]).count();
        if (!earlier && last == 0 || laws == null) {
            return new SteeredPass(null, false, earlier);
        }
        if (!earlier) {
            return new SteeredPass(last == rows.size() ? laws : laws.masked(mask(rows, 1)), false, false);
        }
        boolean all = rows.stream().allMatch(row -> count(row, row.length) == row.length);
        return new SteeredPass(all ? laws : laws.masked(mask(rows, columns)), true, true);
    }

    private static long count(boolean[] row, int end) {
        return IntStream.range(0, end).filter(i -> row[i]).count();
    }

    /** Returns the last columns, with nothing steered in the padding before a row. */
    private static boolean[][] mask(List<boolean[]> rows, int columns) {
        var mask = new boolean[rows.size()][columns];
        for (int i = 0; i < mask.length; i++) {
            boolean[] row = rows.get(i);
            int some = Math.min(columns, row.length);
            System.arraycopy(row, row.length - some, mask[i], columns - some, some);
        }
        return mask;
    }
}
