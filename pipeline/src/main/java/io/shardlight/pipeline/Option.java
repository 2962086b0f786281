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

  /** A value that works where this machine's disk is out of reach. Empty: {@link #example}. */
  String cloudExample() default "";

  /**
   * What the whole value matches where this machine's disk is out of reach, as {@link #pattern}.
   */
  String cloudPattern() default "";

  /** A few words for a form. Empty: made of the name, "Images per prompt". */
  String label() default "";

  /** What in a bucket the value names, for forms that let people choose, and for templates. */
  Stored stored() default Stored.NOTHING;

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

  /** What a value names that jobs without a disk of their own find in buckets only. */
  enum Stored {
    /** It names nothing, or may name something elsewhere. */
    NOTHING,
    /** Files to read: paths or globs, separated by commas. */
    FILES_TO_READ,
    /** A folder to read. */
    FOLDER_TO_READ,
    /** A folder to write. */
    FOLDER_TO_WRITE
  }
}
