package io.shardlight.engines.onnxruntime;

import ai.onnxruntime.OrtException;
import io.shardlight.diffusion.graph.DeviceFault;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * ONNX Runtime's words for faults of devices. Its error codes don't tell them apart from others: a
 * failed allocation comes as {@code ORT_FAIL}, {@code ORT_RUNTIME_EXCEPTION} or {@code ORT_EP_FAIL}
 * with a text of the arena, of C++ or of CUDA.
 */
final class OrtFaults {
  private static final int MAX_CAUSES = 20;

  /** As {@code CudaCall} in ONNX Runtime's {@code cuda_call.cc} puts it. */
  private static final Pattern CUDA =
      Pattern.compile("\\b(CUDA|CUBLAS|CUDNN) failure (\\d+): ([^;]*)");

  private static final Pattern ALLOCATION =
      Pattern.compile(
          "bad_alloc|bad allocation|failed to allocate memory for requested buffer"
              + "|available memory of \\d+ is smaller than requested");

  /** {@code cudaErrorMemoryAllocation}. */
  private static final int CUDA_OUT_OF_MEMORY = 2;

  /**
   * Errors of the CUDA runtime that leave the process without a usable device: 46 devices
   * unavailable, 100 no device, 101 invalid device, 214 uncorrectable ECC error, 220 uncorrectable
   * NVLink error, 700 illegal address, 702 launch timeout, 710 assert, 714 to 719 faults of
   * hardware stack, instruction, alignment, address space, program counter and launch, 999 unknown.
   *
   * @see <a
   *     href="https://docs.nvidia.com/cuda/cuda-runtime-api/group__CUDART__TYPES.html">cudaError_t</a>
   */
  private static final Set<Integer> CUDA_LOST =
      Set.of(46, 100, 101, 214, 220, 700, 702, 710, 714, 715, 716, 717, 718, 719, 999);

  /** 600 not ready, 802 system not yet ready. */
  private static final Set<Integer> CUDA_TRANSIENT = Set.of(600, 802);

  private OrtFaults() {}

  /**
   * Looks for a fault of the device in what ONNX Runtime threw, or DJL around it.
   *
   * @param where begins the fault's message
   */
  static Optional<DeviceFault> find(String where, Throwable thrown) {
    Throwable cause = thrown;
    for (int depth = 0; cause != null && depth < MAX_CAUSES; depth++) {
      if (cause instanceof OrtException exception) {
        return of(where, exception);
      }
      cause = cause.getCause();
    }
    return Optional.empty();
  }

  private static Optional<DeviceFault> of(String where, OrtException exception) {
    String text = String.valueOf(exception.getMessage());
    String message = where + ": " + text;
    Matcher cuda = CUDA.matcher(text);
    if (cuda.find()) {
      int code = Integer.parseInt(cuda.group(2));
      if (cuda.group(3).contains("ALLOC_FAILED")
          || (cuda.group(1).equals("CUDA") && code == CUDA_OUT_OF_MEMORY)) {
        return Optional.of(new DeviceFault.OutOfMemory(message, exception));
      }
      if (cuda.group(1).equals("CUDA") && CUDA_LOST.contains(code)) {
        return Optional.of(new DeviceFault.Lost(message, exception));
      }
      if (cuda.group(1).equals("CUDA") && CUDA_TRANSIENT.contains(code)) {
        return Optional.of(new DeviceFault.Transient(message, exception));
      }
      return Optional.empty();
    }
    return ALLOCATION.matcher(text.toLowerCase(Locale.ROOT)).find()
        ? Optional.of(new DeviceFault.OutOfMemory(message, exception))
        : Optional.empty();
  }
}
