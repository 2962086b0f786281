package io.shardlight.terraform;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * A block of a .tf file, such as {@code variable "region" { … }}; a file is one without type.
 *
 * @param attributes by name, in the file's order
 * @param where file and line, for messages
 */
record HclBlock(
    String type,
    List<String> labels,
    Map<String, HclExpression> attributes,
    List<HclBlock> blocks,
    String where) {

  List<HclBlock> blocks(String type) {
    return blocks.stream().filter(block -> block.type.equals(type)).toList();
  }

  Optional<HclExpression> attribute(String name) {
    return Optional.ofNullable(attributes.get(name));
  }

  String label(int index) {
    return labels.get(index);
  }

  /** Its own expressions and those of all blocks in it. */
  Stream<HclExpression> expressions() {
    return Stream.concat(
        attributes.values().stream(), blocks.stream().flatMap(HclBlock::expressions));
  }

  /**
   * The blocks that it stands for where it is {@code dynamic}: its content, under its label.
   *
   * @return of other blocks, themselves
   */
  HclBlock resolved() {
    if (!type.equals("dynamic")) {
      return this;
    }
    HclBlock content = blocks("content").get(0);
    return new HclBlock(label(0), List.of(), content.attributes, content.blocks, where);
  }

  /** What {@code dynamic} blocks say beside their content. */
  List<HclBlock> dynamics() {
    List<HclBlock> found = new ArrayList<>(blocks("dynamic"));
    blocks.forEach(block -> found.addAll(block.dynamics()));
    return found;
  }
}
