/**
 * The syntax of chat templates: texts that know their origin, tokens, expressions and statements.
 *
 * <p>{@link rudder.checkpoint.tokenizer.jinja.syntax.Parser} turns a template into statements, by Jinja's rules for
 * white space and precedence. How deep a template nests is bounded.
 *
 * <p>May use: the JDK alone.
 */
package rudder.checkpoint.tokenizer.jinja.syntax;
