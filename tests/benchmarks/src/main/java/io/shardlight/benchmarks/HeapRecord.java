package io.shardlight.benchmarks;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.management.GarbageCollectionNotificationInfo;
import java.lang.management.GarbageCollectorMXBean;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryPoolMXBean;
import java.lang.management.MemoryType;
import java.lang.management.MemoryUsage;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import javax.management.ListenerNotFoundException;
import javax.management.Notification;
import javax.management.NotificationEmitter;
import javax.management.NotificationListener;
import javax.management.openmbean.CompositeData;

/**
 * How full the heap was after each collection since this was begun. What a major collection leaves
 * is alive; a minor one also leaves what has died among the old. Thread-safe.
 */
public final class HeapRecord implements AutoCloseable {
  private record Collection(long millis, boolean major, long bytes) {}

  private final long startNanos = System.nanoTime();
  private final Set<String> heapPools =
      ManagementFactory.getMemoryPoolMXBeans().stream()
          .filter(pool -> pool.getType() == MemoryType.HEAP)
          .map(MemoryPoolMXBean::getName)
          .collect(Collectors.toUnmodifiableSet());
  private final List<Collection> collections = new ArrayList<>();
  private final NotificationListener listener = (notification, none) -> take(notification);

  private HeapRecord() {}

  /** Begins to record. */
  public static HeapRecord begin() {
    HeapRecord heap = new HeapRecord();
    for (GarbageCollectorMXBean collector : ManagementFactory.getGarbageCollectorMXBeans()) {
      ((NotificationEmitter) collector).addNotificationListener(heap.listener, null, null);
    }
    return heap;
  }

  private void take(Notification notification) {
    if (!notification
            .getType()
            .equals(GarbageCollectionNotificationInfo.GARBAGE_COLLECTION_NOTIFICATION)
        || !(notification.getUserData() instanceof CompositeData data)) {
      return;
    }
    GarbageCollectionNotificationInfo info = GarbageCollectionNotificationInfo.from(data);
    long bytes =
        info.getGcInfo().getMemoryUsageAfterGc().entrySet().stream()
            .filter(pool -> heapPools.contains(pool.getKey()))
            .map(Map.Entry::getValue)
            .mapToLong(MemoryUsage::getUsed)
            .sum();
    synchronized (this) {
      collections.add(
          new Collection(
              (System.nanoTime() - startNanos) / 1_000_000,
              info.getGcAction().contains("major"),
              bytes));
    }
  }

  /** Megabytes of 10⁶ bytes, and seconds since the beginning. */
  public synchronized ObjectNode toJson() {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.put("collections", collections.size());
    json.put("peakAfterAnyCollection", megabytes(peak(collections)));
    List<Collection> major = collections.stream().filter(Collection::major).toList();
    json.put("majorCollections", major.size());
    json.put("peakAlive", megabytes(peak(major)));
    ArrayNode alive = json.putArray("aliveOverTime");
    for (Collection collection : major) {
      alive.addArray().add(collection.millis() / 1000).add(megabytes(collection.bytes()));
    }
    json.put("maximum", megabytes(Runtime.getRuntime().maxMemory()));
    return json;
  }

  private static long peak(List<Collection> collections) {
    return collections.stream().mapToLong(Collection::bytes).max().orElse(0);
  }

  private static long megabytes(long bytes) {
    return bytes / 1_000_000;
  }

  @Override
  public void close() throws ListenerNotFoundException {
    for (GarbageCollectorMXBean collector : ManagementFactory.getGarbageCollectorMXBeans()) {
      ((NotificationEmitter) collector).removeNotificationListener(listener);
    }
  }
}
