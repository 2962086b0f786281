package io.shardlight.pipeline;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * What a command-line option accepts, on the getter that reads it. What Beam has an annotation for
 * is said with Beam's: {@code @Description}, {@code @Default.…}, {@code @Validation.Required}.
 */
@Documented
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.METHOD)
public @interface Option {
  /** The heading under which help shows the option. */
  OptionGroup group();

  /** Place within the group. */
  int order();

  /** A value that works, for help and error messages. */
  String example() default "";

  /** All values allowed, in the spelling used inside; case is ignored. Empty: no such list. */
  String[] values() default {};

  /** Values of the contract that this version does not have; refused with a line that says so. */
  String[] notYet() default {};

  /** Regular expression that the whole value matches. Empty: any text. */
  String pattern() default "";

  /** {@link #pattern} in words: "auto, or a count from 1". */
  String patternText() default "";

  /** Smallest number allowed. */
  double min() default Double.NEGATIVE_INFINITY;

  /** Largest number allowed. */
  double max() default Double.POSITIVE_INFINITY;

  /** The number is a multiple of this. */
  int multipleOf() default 1;

  /** What help says of the default if it is only known while running: "the model's own". */
  String defaultText() default "";
}
