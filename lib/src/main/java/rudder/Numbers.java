package rudder;

import java.util.Locale;

/** Numbers as people read them in tables. */
public final class Numbers {
    private Numbers() {}

    /** Three significant digits, all digits before the point, no trailing zeros: 0.00213, 9.9, 2106, 1.2e-7; a dash for NaN. */
    public static String text(double x) {
        if (Double.isNaN(x)) {
            return "\u2013";
        }
        double size = Math.abs(x);
        if (x == 0 || Double.isInfinite(x)) {
            return x == 0 ? "0" : x > 0 ? "\u221e" : "-\u221e";
        }
        if (!isPlain(size)) {
            return String.format(Locale.ROOT, "%.2e", x).replaceFirst("\\.?0*e", "e").replaceFirst("e([+-])0?", "e$1").replace("e+", "e");
        }
        return text(x, decimals(size));
    }

    /** Whether a number of this size is written without an exponent. */
    static boolean isPlain(double size) {
        return size >= 1e-4 && size < 1e7;
    }

    /** Decimals that show a number of this size to three significant digits. */
    static int decimals(double size) {
        return Math.max(0, 2 - (int) Math.floor(Math.log10(size)));
    }

    /** At most so many decimals, no trailing zeros. */
    static String text(double x, int decimals) {
        var text = String.format(Locale.ROOT, "%." + decimals + "f", x);
        return (decimals == 0 ? text : text.replaceFirst("\\.?0+$", "")).replaceFirst("^-0$", "0");
    }
}
