package io.shardlight.pipeline;

import java.util.Arrays;

/**
 * Machines that {@code plan} knows, with what one of them does and costs where nobody says better:
 * each figure has an option that replaces it. The one place for these figures.
 *
 * <p>Speeds are of Stable Diffusion 1.x, images of 512×512 pixels and 50 guided steps, which take
 * {@link ImageWork#REFERENCE_TERAFLOP}. They rest on two observations: the original notebook, eight
 * images in 6.8 s on a TPU v2-8 of 180 TFLOP/s, used 54 % of it; and an H200, which reaches 790
 * TFLOP/s in large matrix products, made half of that of it: 4.66 images/s at a batch of 8, 5.03 at
 * 32 ({@code tests/benchmarks/README.md}). An H100 has less bandwidth.
 *
 * <p>Prices are Compute Engine's list prices on demand in us-central1, without disks: of the TPU by
 * the chip, with its machine; of the GPUs with theirs. Dataflow bills vCPUs, memory and
 * accelerators at rates of its own.
 */
enum WorkerKind {
  V5E_8(
      "v5e-8",
      "ct5lp-hightpu-8t",
      assumed(8 * 197, 0.4),
      "assumed, 40 % of 8 × 197 TFLOP/s in bfloat16",
      9.60,
      15),
  L4(
      "l4",
      "g2-standard-8",
      assumed(121, 0.4),
      "assumed, 40 % of 121 TFLOP/s in bfloat16",
      0.85,
      12),
  H100(
      "h100",
      "a3-highgpu-1g",
      assumed(790, 0.5),
      "measured on an H200, half of the 790 TFLOP/s that matrix products reach",
      10.98,
      12);

  /** Of all prices, for the text beside them. */
  static final String PRICES = "list prices of us-central1 in September 2026, in US dollars";

  private final String optionName;
  private final String machine;
  private final double imagesPerSecond;
  private final String basis;
  private final double pricePerHour;
  private final int startMinutes;

  WorkerKind(
      String optionName,
      String machine,
      double imagesPerSecond,
      String basis,
      double pricePerHour,
      int startMinutes) {
    this.optionName = optionName;
    this.machine = machine;
    this.imagesPerSecond = imagesPerSecond;
    this.basis = basis;
    this.pricePerHour = pricePerHour;
    this.startMinutes = startMinutes;
  }

  private static double assumed(double teraflopPerSecond, double part) {
    return teraflopPerSecond * part / ImageWork.REFERENCE_TERAFLOP;
  }

  static WorkerKind fromOption(String name) {
    return Arrays.stream(values())
        .filter(kind -> kind.optionName.equals(name))
        .findFirst()
        .orElseThrow(() -> new IllegalArgumentException("no kind of worker \"" + name + "\""));
  }

  /** As typed. */
  String optionName() {
    return optionName;
  }

  /** Compute Engine's name of the machine. */
  String machine() {
    return machine;
  }

  /** Of one worker, see above. */
  double imagesPerSecond() {
    return imagesPerSecond;
  }

  /** Whether the speed was measured, or from what it is assumed. */
  String basis() {
    return basis;
  }

  double pricePerHour() {
    return pricePerHour;
  }

  /** From the job's submission until it draws: machine, image, driver, weights, compilation. */
  int startMinutes() {
    return startMinutes;
  }
}
