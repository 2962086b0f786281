package io.shardlight.data;

import java.io.Serializable;

/**
 * Whether prompts are templates, and what their wildcards were when the job was started.
 *
 * @param wildcards folder of wildcard files, a path or a URI; empty for none
 * @param wildcardsSha256 of their names and values; empty if {@code expand} is false
 */
public record TemplateSettings(boolean expand, String wildcards, String wildcardsSha256)
    implements Serializable {
  /** Prompts stay as typed. */
  public static final TemplateSettings OFF = new TemplateSettings(false, "", "");
}
