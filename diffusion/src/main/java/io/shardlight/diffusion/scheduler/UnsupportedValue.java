package io.shardlight.diffusion.scheduler;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;

/**
 * A value in {@code scheduler_config.json} that would change what some schedulers do, and is not
 * built. It matters only to those; others never read the key.
 *
 * @param key of the file
 * @param value as the file has it
 * @param supported what the key may be instead
 * @param kinds that read the key in diffusers, or would draw wrong without it
 */
public record UnsupportedValue(
    String key, String value, String supported, Set<SchedulerKind> kinds) {
  private static final Set<SchedulerKind> DPM_SOLVER =
      Set.of(SchedulerKind.DPMPP_2M, SchedulerKind.DPMPP_2M_KARRAS);

  private static final Set<SchedulerKind> OVER_SIGMA =
      Set.of(
          SchedulerKind.LMS,
          SchedulerKind.EULER,
          SchedulerKind.DPMPP_2M,
          SchedulerKind.DPMPP_2M_KARRAS);

  /** Whose Karras' levels may lie between others than those of the timesteps. */
  private static final Set<SchedulerKind> BOUNDED_BY_CONFIG =
      Set.of(SchedulerKind.EULER, SchedulerKind.DPMPP_2M_KARRAS);

  /** A key, what it may be, and to whom it matters. */
  private record Limit(
      String key, String supported, Predicate<JsonNode> fits, Set<SchedulerKind> kinds) {}

  private static final List<Limit> LIMITS =
      List.of(
          limit("solver_order", "2", node -> node.isNumber() && node.asDouble() == 2, DPM_SOLVER),
          // "deis" and the solver types behind "midpoint" are of configs for other classes, which
          // diffusers reads as it does the first one here.
          text("algorithm_type", DPM_SOLVER, "dpmsolver++", "deis"),
          text("solver_type", DPM_SOLVER, "midpoint", "logrho", "bh1", "bh2"),
          limit(
              "lambda_min_clipped",
              "-Infinity",
              node -> node.isNumber() && node.asDouble() == Double.NEGATIVE_INFINITY,
              DPM_SOLVER),
          limit("variance_type", "null", node -> false, DPM_SOLVER),
          off("use_lu_lambdas", DPM_SOLVER),
          off("use_flow_sigmas", DPM_SOLVER),
          off("use_exponential_sigmas", OVER_SIGMA),
          off("use_beta_sigmas", OVER_SIGMA),
          text("interpolation_type", Set.of(SchedulerKind.EULER), "linear"),
          text("timestep_type", Set.of(SchedulerKind.EULER), "discrete"),
          limit("sigma_min", "null", node -> false, BOUNDED_BY_CONFIG),
          limit("sigma_max", "null", node -> false, BOUNDED_BY_CONFIG),
          off("rescale_betas_zero_snr", Set.of(SchedulerKind.PNDM, SchedulerKind.LMS)));

  public UnsupportedValue {
    kinds = Set.copyOf(kinds);
  }

  private static Limit limit(
      String key, String supported, Predicate<JsonNode> fits, Set<SchedulerKind> kinds) {
    return new Limit(key, supported, fits, kinds);
  }

  private static Limit off(String key, Set<SchedulerKind> kinds) {
    return limit(key, "false", node -> node.isBoolean() && !node.booleanValue(), kinds);
  }

  private static Limit text(String key, Set<SchedulerKind> kinds, String... supported) {
    List<String> all = List.of(supported);
    return limit(
        key,
        "\"" + all.get(0) + "\"",
        node -> node.isTextual() && all.contains(node.asText()),
        kinds);
  }

  /** What a config asks for in vain; absent keys and null ask for nothing. */
  static List<UnsupportedValue> of(JsonNode config) {
    List<UnsupportedValue> found = new ArrayList<>();
    for (Limit limit : LIMITS) {
      JsonNode node = config.get(limit.key());
      if (node != null && !node.isNull() && !limit.fits().test(node)) {
        found.add(
            new UnsupportedValue(limit.key(), node.toString(), limit.supported(), limit.kinds()));
      }
    }
    return found;
  }

  /**
   * @throws IllegalArgumentException if it matters to the kind
   */
  void refuse(SchedulerKind kind) {
    if (kinds.contains(kind)) {
      EnumSet<SchedulerKind> others = EnumSet.complementOf(EnumSet.copyOf(kinds));
      throw new IllegalArgumentException(
          "scheduler_config.json has "
              + key
              + " "
              + value
              + ", but "
              + kind.optionName()
              + " is built for "
              + supported
              + " only; choose one of "
              + SchedulerKind.optionNames(others)
              + " with --scheduler, to which it does not matter");
    }
  }
}
