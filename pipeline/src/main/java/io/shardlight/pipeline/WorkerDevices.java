package io.shardlight.pipeline;

/**
 * The devices of each worker of a job, where workers are unlike the machine that submits it.
 *
 * @param kind {@code cpu}, {@code gpu} or {@code tpu}
 * @param count how many there will be; for estimates, as workers ask their own client
 */
public record WorkerDevices(String kind, int count) {}
