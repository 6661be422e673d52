package rudder.checkpoint.text;

/** Words that messages add where they advise to change a file in a model's folder. */
public final class FolderAdvice {

    /** A fetched folder is compared with its checksums at each load, so that a change in it would not last. */
    public static final String COPY =
            " (a fetched model stays as the hub has it: change a copy of its folder, and load the copy by its path)";

    private FolderAdvice() {}
}
