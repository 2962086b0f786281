package io.shardlight.pipeline;

import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** The options of one command, read from the annotated getters of its option interfaces. */
final class OptionCatalog {
  private final Map<String, OptionSpec> byName;
  private final Set<String> notYet;

  private OptionCatalog(Map<String, OptionSpec> byName, Set<String> notYet) {
    this.byName = byName;
    this.notYet = notYet;
  }

  /** All getters with {@link Option} of the interfaces, in the order of help. */
  static OptionCatalog of(Class<?>... interfaces) {
    List<OptionSpec> specs = new ArrayList<>();
    Set<String> notYet = new HashSet<>();
    for (Class<?> type : interfaces) {
      NotYet later = type.getAnnotation(NotYet.class);
      if (later != null) {
        notYet.addAll(List.of(later.value()));
      }
      for (Method method : type.getDeclaredMethods()) {
        Option limits = method.getAnnotation(Option.class);
        if (limits != null) {
          specs.add(OptionSpec.of(method, limits));
        }
      }
    }
    specs.sort(
        Comparator.comparing((OptionSpec s) -> s.limits().group())
            .thenComparing(s -> s.limits().order())
            .thenComparing(OptionSpec::name));
    Map<String, OptionSpec> byName = new LinkedHashMap<>();
    specs.forEach(s -> byName.put(s.name(), s));
    return new OptionCatalog(byName, notYet);
  }

  /** The same options, of which none is required. */
  OptionCatalog withoutRequirements() {
    Map<String, OptionSpec> all = new LinkedHashMap<>();
    byName.forEach((name, spec) -> all.put(name, spec.optional()));
    return new OptionCatalog(all, notYet);
  }

  Optional<OptionSpec> find(String name) {
    return Optional.ofNullable(byName.get(name));
  }

  /** Whether the contract has the option but this version does not. */
  boolean isNotYet(String name) {
    return notYet.contains(name);
  }

  Collection<OptionSpec> specs() {
    return byName.values();
  }

  Collection<String> names() {
    return byName.keySet();
  }
}
