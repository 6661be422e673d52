import com.sun.source.doctree.DocCommentTree;
import com.sun.source.doctree.DocTree;
import com.sun.source.doctree.EntityTree;
import com.sun.source.doctree.LinkTree;
import com.sun.source.doctree.LiteralTree;
import com.sun.source.doctree.ParamTree;
import com.sun.source.doctree.TextTree;
import com.sun.source.tree.ClassTree;
import com.sun.source.tree.CompilationUnitTree;
import com.sun.source.tree.MethodTree;
import com.sun.source.tree.ModifiersTree;
import com.sun.source.tree.Tree;
import com.sun.source.tree.VariableTree;
import com.sun.source.util.DocTrees;
import com.sun.source.util.JavacTask;
import com.sun.source.util.TreePath;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.lang.model.element.Modifier;
import javax.tools.ToolProvider;

/**
 * Writes what {@code help(...)} prints in a notebook: {@code java HelpIndex.java FILE SOURCES...}. The build runs it.
 *
 * <p>A line has three fields with a tab between them. A type's line has its binary name, its declaration and its first
 * sentence of Javadoc. The lines of its public members follow: nothing, the declaration, the first sentence.
 */
final class HelpIndex {

    private final DocTrees docs;
    private final List<String> lines = new ArrayList<>();

    private HelpIndex(DocTrees docs) {
        this.docs = docs;
    }

    public static void main(String[] args) throws IOException {
        var sources = new ArrayList<Path>();
        for (int i = 1; i < args.length; i++) {
            try (var walk = Files.walk(Path.of(args[i]))) {
                walk.filter(file -> file.toString().endsWith(".java")).sorted().forEach(sources::add);
            }
        }
        var compiler = ToolProvider.getSystemJavaCompiler();
        try (var files = compiler.getStandardFileManager(null, null, null)) {
            var task = (JavacTask)
                    compiler.getTask(null, files, null, List.of(), null, files.getJavaFileObjectsFromPaths(sources));
            var index = new HelpIndex(DocTrees.instance(task));
            for (CompilationUnitTree unit : task.parse()) {
                for (Tree type : unit.getTypeDecls()) {
                    if (type instanceof ClassTree top) {
                        index.type(new TreePath(new TreePath(unit), top), top, unit.getPackageName() + ".", false);
                    }
                }
            }
            Files.createDirectories(Path.of(args[0]).toAbsolutePath().getParent());
            Files.write(Path.of(args[0]), index.lines);
        }
    }

    private void type(TreePath path, ClassTree type, String prefix, boolean ofInterface) {
        if (!isPublic(type.getModifiers()) && !ofInterface) {
            return;
        }
        var comment = docs.getDocCommentTree(path);
        var components = components(type);
        line(
                prefix + type.getSimpleName(),
                type.getKind().name().toLowerCase().replace("annotation_type", "@interface") + " "
                        + type.getSimpleName()
                        + components.stream()
                                .map(c -> c.getType() + " " + c.getName())
                                .collect(Collectors.joining(", ", "(", ")"))
                                .replaceFirst("^\\(\\)$", ""),
                first(comment));
        for (var component : components) {
            line("", component.getType() + " " + component.getName() + "()", parameter(comment, component));
        }
        boolean inInterface = type.getKind() == Tree.Kind.INTERFACE;
        for (Tree member : type.getMembers()) {
            var at = new TreePath(path, member);
            if (member instanceof MethodTree method
                    && !isCanonical(method, components)
                    && (isPublic(method.getModifiers()) || inInterface)
                    && !isOverride(method)) {
                line("", declaration(type, method), first(docs.getDocCommentTree(at)));
            } else if (member instanceof VariableTree field
                    && isPublic(field.getModifiers())
                    && !components.contains(field)) {
                line("", type.getKind() == Tree.Kind.ENUM && field.getType().toString().equals(
                        type.getSimpleName().toString())
                        ? field.getName().toString()
                        : "static " + field.getType() + " " + field.getName(), first(docs.getDocCommentTree(at)));
            }
        }
        for (Tree member : type.getMembers()) {
            if (member instanceof ClassTree nested) {
                type(new TreePath(path, nested), nested, prefix + type.getSimpleName() + "$", inInterface);
            }
        }
    }

    private void line(String name, String declaration, String sentence) {
        lines.add(Stream.of(name, declaration, sentence)
                .map(field -> field.replaceAll("\\s+", " ").strip())
                .collect(Collectors.joining("\t")));
    }

    /** Returns a record's components: the parser makes them the first fields, private and final. */
    private static List<VariableTree> components(ClassTree type) {
        var components = new ArrayList<VariableTree>();
        if (type.getKind() == Tree.Kind.RECORD) {
            for (Tree member : type.getMembers()) {
                if (member instanceof VariableTree field
                        && !field.getModifiers().getFlags().contains(Modifier.STATIC)) {
                    components.add(field);
                }
            }
        }
        return components;
    }

    private static String declaration(ClassTree type, MethodTree method) {
        boolean isConstructor = method.getReturnType() == null;
        var parameters = method.getParameters().stream()
                .map(parameter -> parameter.getType() + " " + parameter.getName())
                .collect(Collectors.joining(", ", "(", ")"));
        return (method.getModifiers().getFlags().contains(Modifier.STATIC) ? "static " : "")
                + (isConstructor
                        ? "new " + type.getSimpleName()
                        : method.getReturnType() + " " + method.getName())
                + parameters;
    }

    /** A record's canonical constructor takes what its declaration says. */
    private static boolean isCanonical(MethodTree method, List<VariableTree> components) {
        return method.getReturnType() == null
                && !components.isEmpty()
                && method.getParameters().stream()
                        .map(parameter -> parameter.getName().toString())
                        .toList()
                        .equals(components.stream()
                                .map(component -> component.getName().toString())
                                .toList());
    }

    private static boolean isPublic(ModifiersTree modifiers) {
        return modifiers.getFlags().contains(Modifier.PUBLIC);
    }

    private static boolean isOverride(MethodTree method) {
        return method.getModifiers().getAnnotations().stream()
                .anyMatch(annotation -> annotation.getAnnotationType().toString().equals("Override"));
    }

    private static String first(DocCommentTree comment) {
        return comment == null ? "" : text(comment.getFirstSentence());
    }

    private static String parameter(DocCommentTree comment, VariableTree component) {
        return comment == null
                ? ""
                : comment.getBlockTags().stream()
                        .filter(tag -> tag instanceof ParamTree param
                                && param.getName().getName().contentEquals(component.getName()))
                        .map(tag -> text(((ParamTree) tag).getDescription()))
                        .findFirst()
                        .orElse("");
    }

    private static String text(List<? extends DocTree> trees) {
        return trees.stream().map(HelpIndex::text).collect(Collectors.joining());
    }

    private static String text(DocTree tree) {
        if (tree instanceof TextTree text) {
            return text.getBody();
        }
        if (tree instanceof LiteralTree literal) {
            return literal.getBody().getBody();
        }
        if (tree instanceof LinkTree link) {
            return link.getLabel().isEmpty()
                    ? link.getReference().getSignature().replaceFirst("^#", "").replace('#', '.')
                    : text(link.getLabel());
        }
        if (tree instanceof EntityTree entity) {
            return switch (entity.getName().toString()) {
                case "lt" -> "<";
                case "gt" -> ">";
                case "amp" -> "&";
                default -> entity.toString();
            };
        }
        return " "; // markup
    }
}
