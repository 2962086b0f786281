package io.shardlight.runners.dataflow;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Which machines carry which accelerators. What is not in here may exist by now: it is told, and
 * left to Dataflow.
 *
 * @see <a href="https://cloud.google.com/dataflow/docs/gpu/gpu-support">GPUs of Dataflow</a>
 * @see <a href="https://cloud.google.com/dataflow/docs/tpu/tpu-support">TPUs of Dataflow</a>
 * @see <a href="https://cloud.google.com/compute/docs/gpus">Machines of Compute Engine with
 *     GPUs</a>
 */
final class AcceleratorTable {
  /** Machines that GPUs are attached to, any of the series. */
  private static final String N1 = "n1-";

  /** 30 GB, within the processors that each of these GPUs may have. */
  private static final String N1_DEFAULT = "n1-standard-8";

  /** GPUs that are attached to machines of the series N1, and how many of them. */
  private static final Map<String, List<Integer>> ATTACHED =
      Map.of(
          "nvidia-tesla-t4", List.of(1, 2, 4),
          "nvidia-tesla-p4", List.of(1, 2, 4),
          "nvidia-tesla-p100", List.of(1, 2, 4),
          "nvidia-tesla-v100", List.of(1, 2, 4, 8));

  /** Machines that come with GPUs, by their number; the first is taken unless one is named. */
  private static final Map<String, Map<Integer, List<String>>> BUILT_IN =
      Map.of(
          "nvidia-l4",
          Map.of(
              1,
              List.of(
                  "g2-standard-8",
                  "g2-standard-4",
                  "g2-standard-12",
                  "g2-standard-16",
                  "g2-standard-32"),
              2,
              List.of("g2-standard-24"),
              4,
              List.of("g2-standard-48"),
              8,
              List.of("g2-standard-96")),
          "nvidia-tesla-a100",
          Map.of(
              1, List.of("a2-highgpu-1g"),
              2, List.of("a2-highgpu-2g"),
              4, List.of("a2-highgpu-4g"),
              8, List.of("a2-highgpu-8g"),
              16, List.of("a2-megagpu-16g")),
          "nvidia-a100-80gb",
          Map.of(
              1, List.of("a2-ultragpu-1g"),
              2, List.of("a2-ultragpu-2g"),
              4, List.of("a2-ultragpu-4g"),
              8, List.of("a2-ultragpu-8g")),
          "nvidia-h100-80gb",
          Map.of(
              1, List.of("a3-highgpu-1g"),
              2, List.of("a3-highgpu-2g"),
              4, List.of("a3-highgpu-4g"),
              8, List.of("a3-highgpu-8g")),
          "nvidia-rtx-pro-6000",
          Map.of(
              1, List.of("g4-standard-48"),
              2, List.of("g4-standard-96"),
              4, List.of("g4-standard-192"),
              8, List.of("g4-standard-384")));

  /** Machines of one host of a TPU, by its topology. */
  private static final Map<String, Map<String, String>> TPUS =
      Map.of(
          "tpu-v5-lite-podslice",
          Map.of("1x1", "ct5lp-hightpu-1t", "2x2", "ct5lp-hightpu-4t", "2x4", "ct5lp-hightpu-8t"),
          "tpu-v6e-slice",
          Map.of("1x1", "ct6e-standard-1t", "2x2", "ct6e-standard-4t", "2x4", "ct6e-standard-8t"),
          "tpu-v5p-slice",
          Map.of("2x2x1", "ct5p-hightpu-4t"));

  private AcceleratorTable() {}

  static boolean knows(Accelerator accelerator) {
    String type = accelerator.type();
    return ATTACHED.containsKey(type) || BUILT_IN.containsKey(type) || TPUS.containsKey(type);
  }

  /** All types, for a message. */
  static String types() {
    return Stream.of(ATTACHED, BUILT_IN, TPUS)
        .flatMap(table -> table.keySet().stream())
        .sorted()
        .collect(Collectors.joining(", "));
  }

  /** The machine to take for an accelerator whose number or topology has nothing wrong with it. */
  static Optional<String> machine(Accelerator accelerator) {
    String type = accelerator.type();
    if (ATTACHED.containsKey(type)) {
      return Optional.of(N1_DEFAULT);
    }
    return machines(accelerator).stream().findFirst();
  }

  /** The topology of the machine, for a TPU; empty if that machine has none of this type. */
  static Optional<String> topology(String tpu, String machine) {
    return TPUS.getOrDefault(tpu, Map.of()).entrySet().stream()
        .filter(entry -> entry.getValue().equals(machine))
        .map(Map.Entry::getKey)
        .findFirst();
  }

  /** What is wrong with number or topology, and what would be right; unknown types have nothing. */
  static Optional<String> problem(Accelerator accelerator) {
    String type = accelerator.type();
    if (TPUS.containsKey(type)) {
      Optional<String> topology = accelerator.word(Accelerator.TOPOLOGY);
      Map<String, String> there = new TreeMap<>(TPUS.get(type));
      if (topology.filter(there::containsKey).isPresent()) {
        return Optional.empty();
      }
      return Optional.of(
          type
              + " on one host has "
              + there.entrySet().stream()
                  .map(e -> "topology:" + e.getKey() + " on machine type " + e.getValue())
                  .collect(Collectors.joining(", "))
              + ", but "
              + topology.map(t -> "topology:" + t).orElse("no topology")
              + " was given; write "
              + type
              + ";topology:"
              + there.keySet().iterator().next());
    }
    List<Integer> counts =
        ATTACHED.getOrDefault(
            type, BUILT_IN.getOrDefault(type, Map.of()).keySet().stream().sorted().toList());
    return counts.isEmpty() || counts.contains(accelerator.count())
        ? Optional.empty()
        : Optional.of(
            "a worker has "
                + counts.stream().map(String::valueOf).collect(Collectors.joining(" or "))
                + " of "
                + type
                + ", but count:"
                + accelerator.count()
                + " was given; give one of these");
  }

  /** Whether a machine carries these accelerators; of unknown ones every machine does. */
  static boolean fits(Accelerator accelerator, String machine) {
    if (ATTACHED.containsKey(accelerator.type())) {
      return machine.startsWith(N1);
    }
    return !knows(accelerator) || machines(accelerator).contains(machine);
  }

  /** The machines that carry it, for a message. */
  static String right(Accelerator accelerator) {
    return ATTACHED.containsKey(accelerator.type())
        ? "one of the series N1, for example " + N1_DEFAULT
        : String.join(" or ", machines(accelerator).stream().sorted().toList());
  }

  private static List<String> machines(Accelerator accelerator) {
    String type = accelerator.type();
    if (TPUS.containsKey(type)) {
      String topology = accelerator.word(Accelerator.TOPOLOGY).orElse("");
      return Optional.ofNullable(TPUS.get(type).get(topology)).stream().toList();
    }
    return BUILT_IN.getOrDefault(type, Map.of()).getOrDefault(accelerator.count(), List.of());
  }
}
