package io.shardlight.data;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import java.util.SortedMap;
import java.util.TreeMap;
import org.apache.avro.generic.GenericRecord;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;

/** What a shard's archive holds of an image, as trainers want it. */
public final class ArchiveMembers {
  private static final int MODE = 0644;

  /** 1980-01-01T00:00:00Z: tools warn of the year 1970, and ZIP files begin here. */
  private static final long MODIFIED_MILLIS = 315_532_800_000L;

  private ArchiveMembers() {}

  /**
   * The members in their order: the image, {@code .json} with the manifest's columns and the
   * caption, and {@code .txt} with the caption, under one name, which has no dot.
   *
   * @param row in {@link AvroManifest}'s schema
   * @param extension of the image's name, without a dot
   * @param image the file's bytes
   */
  public static SortedMap<String, byte[]> of(GenericRecord row, String extension, byte[] image) {
    String key = row.get("key").toString();
    String caption = row.get("prompt").toString();
    ObjectNode json = ManifestJson.of(row);
    json.put("caption", caption);
    SortedMap<String, byte[]> members = new TreeMap<>();
    members.put(key + "." + extension, image);
    members.put(key + ".json", CanonicalJson.write(json).getBytes(StandardCharsets.UTF_8));
    members.put(key + ".txt", caption.getBytes(StandardCharsets.UTF_8));
    return members;
  }

  /** The header of a member: plain POSIX ustar, without time, user or machine. */
  public static TarArchiveEntry entry(String name, long bytes) {
    TarArchiveEntry entry = new TarArchiveEntry(name);
    entry.setSize(bytes);
    entry.setMode(MODE);
    entry.setModTime(MODIFIED_MILLIS);
    entry.setIds(0, 0);
    entry.setNames("", "");
    return entry;
  }
}
