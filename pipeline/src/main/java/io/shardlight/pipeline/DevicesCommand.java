package io.shardlight.pipeline;

import ai.djl.Device;
import ai.djl.engine.Engine;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.shardlight.diffusion.Lowerings;
import io.shardlight.diffusion.graph.Lowering;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/** Tells what this machine offers to each engine. */
final class DevicesCommand implements Command {
  private static final OptionCatalog CATALOG =
      OptionCatalog.of(DevicesOptions.class, JsonOption.class, TerminalOptions.class);

  @Override
  public String name() {
    return "devices";
  }

  @Override
  public String summary() {
    return "show what this machine offers to each engine";
  }

  @Override
  public String help() {
    return HelpText.of(
        "./shardlight devices [--pjrtPlugin=FILE] [--json]",
        "Lists the engines that can compute the networks, with their versions and devices, and what"
            + " the others lack.",
        CATALOG,
        "");
  }

  @Override
  public int run(List<String> words, Console console) {
    CommandLine line = CommandLine.parse(words, CATALOG, Set.of());
    if (line.isSet("help")) {
      console.out().print(help());
      return DONE;
    }
    if (!line.problems().isEmpty()) {
      return refuse(line.problems(), console);
    }
    ObjectNode report = report(line.usable("pjrtPlugin").map(Path::of));
    if (line.isSet("json")) {
      try {
        console.out().println(new ObjectMapper().writeValueAsString(report));
      } catch (JsonProcessingException e) {
        throw new IllegalStateException("a tree of JSON nodes can always be written", e);
      }
    } else {
      print(report, console.out());
    }
    return DONE;
  }

  private static ObjectNode report(Optional<Path> plugin) {
    ObjectNode report = new ObjectMapper().createObjectNode();
    report.put("processors", Runtime.getRuntime().availableProcessors());
    if (ManagementFactory.getOperatingSystemMXBean()
        instanceof com.sun.management.OperatingSystemMXBean system) {
      report.put("memory_bytes", system.getTotalMemorySize());
    }
    report.put("java", Runtime.version().toString());
    ArrayNode engines = report.putArray("engines");
    for (Lowering lowering : Lowerings.all()) {
      describe(lowering, plugin, engines.addObject());
    }
    return report;
  }

  private static void describe(Lowering lowering, Optional<Path> plugin, ObjectNode node) {
    node.put("engine", lowering.engineName());
    try {
      lowering.engine(plugin);
    } catch (RuntimeException e) {
      // One engine that can't start here is a line of the report, not its end.
      node.put("available", false).put("lacks", Causes.explain(e));
      return;
    }
    node.put("available", true);
    node.put("virtual", !lowering.replicates());
    node.put("version", lowering.runtimeVersion());
    node.put("djl", Engine.getDjlVersion());
    Map<String, Integer> kinds = new TreeMap<>();
    Map<String, Integer> names = new TreeMap<>();
    Engines.deviceKinds(lowering, plugin).forEach(kind -> kinds.merge(kind, 1, Integer::sum));
    for (Device device : lowering.engine(plugin).getDevices()) {
      lowering.describe(device).ifPresent(name -> names.merge(name, 1, Integer::sum));
    }
    ObjectNode devices = node.putObject("devices");
    kinds.forEach(devices::put);
    ObjectNode hardware = node.putObject("hardware");
    names.forEach(hardware::put);
  }

  private static void print(ObjectNode report, PrintStream out) {
    String memory =
        report.has("memory_bytes")
            ? String.format(
                Locale.ROOT, ", %.1f GiB memory", report.get("memory_bytes").asLong() / 0x1p30)
            : "";
    out.printf(
        "This machine: %d processors%s, Java %s%n",
        report.get("processors").asInt(), memory, report.get("java").asText());
    for (var engine : report.get("engines")) {
      out.println();
      String name = engine.get("engine").asText();
      if (!engine.get("available").asBoolean()) {
        out.printf("%s: not available (%s)%n", name, engine.get("lacks").asText());
        continue;
      }
      out.printf(
          "%s %s, by DJL %s%n", name, engine.get("version").asText(), engine.get("djl").asText());
      for (String kind : List.of("cpu", "gpu", "tpu")) {
        int count = engine.get("devices").path(kind).asInt();
        out.printf("  %s: %s%n", kind, count == 0 ? "none" : text(kind, count, engine, report));
      }
      engine
          .get("hardware")
          .fields()
          .forEachRemaining(
              device -> out.printf("  %s x %s%n", device.getValue().asText(), device.getKey()));
    }
  }

  private static String text(String kind, int count, JsonNode engine, ObjectNode report) {
    return kind.equals("cpu") && engine.path("virtual").asBoolean()
        ? report.get("processors").asInt()
            + " processors, as any number of virtual devices over one copy of the weights"
        : String.valueOf(count);
  }
}
