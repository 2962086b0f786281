package io.shardlight.pipeline;

import java.lang.reflect.Method;
import java.util.Set;
import java.util.TreeSet;
import org.apache.beam.sdk.options.PipelineOptions;
import org.apache.beam.sdk.options.PipelineOptionsFactory;

/** The options that Beam and the runners on the class path declare. */
final class BeamOptionNames {
  private BeamOptionNames() {}

  /** All names, ours not among them. */
  static Set<String> all() {
    Set<String> names = new TreeSet<>();
    for (Class<? extends PipelineOptions> type : PipelineOptionsFactory.getRegisteredOptions()) {
      for (Method method : type.getMethods()) {
        boolean getter =
            method.getParameterCount() == 0
                && (method.getName().startsWith("get") || method.getName().startsWith("is"))
                && PipelineOptions.class.isAssignableFrom(method.getDeclaringClass());
        if (getter && !method.getName().equals("getClass")) {
          names.add(OptionSpec.nameOf(method));
        }
      }
    }
    return names;
  }
}
