package io.shardlight.terraform;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * The .tf files of one directory.
 *
 * @param name of the directory; empty for the root module
 */
record TerraformModule(String name, Path folder, List<HclBlock> blocks) {
  /** Where {@code terraform/} lies, seen from the directory that the tests run in. */
  static final Path ROOT = Path.of("../../terraform").toAbsolutePath().normalize();

  static TerraformModule read(String name, Path folder) {
    List<HclBlock> blocks = new ArrayList<>();
    for (Path file : files(folder)) {
      try {
        HclBlock body = HclReader.read(Files.readString(file), ROOT.relativize(file).toString());
        blocks.addAll(body.blocks());
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
    return new TerraformModule(name, folder, List.copyOf(blocks));
  }

  static TerraformModule root() {
    return read("", ROOT);
  }

  /** The modules in directories of their own, by name. */
  static Map<String, TerraformModule> children() {
    Map<String, TerraformModule> children = new TreeMap<>();
    try (Stream<Path> folders = Files.list(ROOT)) {
      folders
          .filter(Files::isDirectory)
          .filter(folder -> !folder.getFileName().toString().startsWith("."))
          .forEach(
              folder -> {
                String name = folder.getFileName().toString();
                children.put(name, read(name, folder));
              });
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return children;
  }

  /** The root module and all others. */
  static Stream<TerraformModule> all() {
    return Stream.concat(Stream.of(root()), children().values().stream());
  }

  private static List<Path> files(Path folder) {
    try (Stream<Path> files = Files.list(folder)) {
      return files.filter(file -> file.toString().endsWith(".tf")).sorted().toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  Stream<HclBlock> blocks(String type) {
    return blocks.stream().filter(block -> block.type().equals(type));
  }

  /** Blocks with one label, such as variables, by it. */
  Map<String, HclBlock> named(String type) {
    Map<String, HclBlock> named = new TreeMap<>();
    blocks(type).forEach(block -> named.put(block.label(0), block));
    return named;
  }

  Stream<HclExpression> expressions() {
    return blocks.stream().flatMap(HclBlock::expressions);
  }

  @Override
  public String toString() {
    return name.isEmpty() ? "terraform" : "terraform/" + name;
  }
}
