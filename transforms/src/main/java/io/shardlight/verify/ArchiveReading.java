package io.shardlight.verify;

import io.shardlight.data.ArchiveMembers;
import io.shardlight.data.ObjectStore;
import io.shardlight.data.StoredObject;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import org.apache.avro.generic.GenericRecord;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.jspecify.annotations.Nullable;

/**
 * Goes once through a shard's archive, next to the rows of its manifest: both are in the order of
 * ids. One member is in memory at a time.
 */
final class ArchiveReading implements AutoCloseable {
  private static final byte[] NO_IMAGE = new byte[0];

  private final String archive;
  private final Problems problems;
  private final MeasuredInput in;
  private final TarArchiveInputStream tar;

  private @Nullable TarArchiveEntry current;
  private String last = "";
  private boolean otherHeadersTold;
  private boolean orderTold;
  private long missing;
  private String firstMissing = "";

  private ArchiveReading(String archive, int mostProblems, MeasuredInput in) {
    this.archive = archive;
    this.problems = new Problems(mostProblems);
    this.in = in;
    this.tar = new TarArchiveInputStream(new BufferedInputStream(in, 1 << 16));
  }

  /**
   * Opens an archive, to be closed.
   *
   * @param mostProblems how many are told of its members
   * @throws java.nio.file.NoSuchFileException if it isn't there
   */
  static ArchiveReading open(ObjectStore store, String archive, int mostProblems)
      throws IOException {
    ArchiveReading reading =
        new ArchiveReading(archive, mostProblems, new MeasuredInput(archive, store.read(archive)));
    try {
      reading.advance();
      return reading;
    } catch (IOException e) {
      reading.close();
      throw e;
    }
  }

  /**
   * Compares the members of the next image.
   *
   * @param row that has an image
   * @param extension of its name
   */
  void expect(GenericRecord row, String extension) throws IOException {
    for (Map.Entry<String, byte[]> wanted :
        ArchiveMembers.of(row, extension, NO_IMAGE).entrySet()) {
      String name = wanted.getKey();
      while (current != null && current.getName().compareTo(name) < 0) {
        tellExtra(current);
        advance();
      }
      if (current == null || !current.getName().equals(name)) {
        firstMissing = missing++ == 0 ? name : firstMissing;
        continue;
      }
      Optional<byte[]> content = content(current);
      if (content.isPresent()) {
        compare(row, name, wanted.getValue(), content.get());
        advance();
      }
    }
  }

  private void compare(GenericRecord row, String name, byte[] wanted, byte[] found) {
    if (wanted != NO_IMAGE) {
      int at = Arrays.mismatch(wanted, found);
      if (at >= 0) {
        problems.add(
            archive + "/" + name,
            "must be what its row of the manifest says, but differs from byte " + at + " on");
      }
      return;
    }
    ImageCheck.problem(row, found)
        .ifPresent(problem -> problems.add(archive + "/" + name, problem));
  }

  /** A member's bytes; empty if the archive ends in it. */
  private Optional<byte[]> content(TarArchiveEntry member) throws IOException {
    if (member.getSize() > Integer.MAX_VALUE - 8) {
      tellBroken("member " + member.getName() + " claims " + member.getSize() + " bytes");
      return Optional.empty();
    }
    try {
      byte[] content = tar.readNBytes((int) member.getSize());
      if (content.length == member.getSize()) {
        return Optional.of(content);
      }
      tellBroken("member " + member.getName() + " ends too early");
    } catch (IOException | RuntimeException e) {
      in.requireStore();
      tellBroken("member " + member.getName() + " can't be read (" + e.getMessage() + ")");
    }
    return Optional.empty();
  }

  private void advance() throws IOException {
    try {
      current = tar.getNextEntry();
    } catch (IOException | RuntimeException e) {
      in.requireStore();
      tellBroken("it can't be read behind byte " + in.bytes() + " (" + e.getMessage() + ")");
      return;
    }
    if (current != null) {
      check(current);
    }
  }

  /** What the header says apart from name and size is the same in all that we write. */
  private void check(TarArchiveEntry member) {
    TarArchiveEntry wanted = ArchiveMembers.entry(member.getName(), member.getSize());
    boolean same =
        member.isFile()
            && member.getLinkName().isEmpty()
            && member.getMode() == wanted.getMode()
            && member.getLongUserId() == wanted.getLongUserId()
            && member.getLongGroupId() == wanted.getLongGroupId()
            && member.getUserName().equals(wanted.getUserName())
            && member.getGroupName().equals(wanted.getGroupName())
            && member.getLastModifiedTime().equals(wanted.getLastModifiedTime());
    if (!same && !otherHeadersTold) {
      otherHeadersTold = true;
      problems.add(
          archive + "/" + member.getName(),
          "must have the owner, mode and time that all members have, but has others");
    }
    if (member.getName().compareTo(last) <= 0 && !orderTold) {
      orderTold = true;
      problems.add(
          archive,
          "members must stand in the order of their names, but "
              + last
              + " stands before "
              + member.getName());
    }
    last = member.getName();
  }

  private void tellBroken(String found) {
    problems.add(archive, "must be a whole tar file, but " + found);
    current = null;
  }

  private void tellExtra(TarArchiveEntry member) {
    problems.add(
        archive, "must hold what the manifest names only, but holds " + member.getName() + " too");
  }

  /** What is wrong with the members so far. */
  Problems problems() {
    return problems;
  }

  /**
   * Reads to the end, and says what the archive as a whole is.
   *
   * @param expected whether all that should be in it was expected, so that there is no more
   */
  StoredObject finish(boolean expected) throws IOException {
    while (current != null && expected) {
      tellExtra(current);
      advance();
    }
    if (missing > 0) {
      problems.add(
          archive,
          "must hold "
              + firstMissing
              + (missing > 1 ? " and " + (missing - 1) + " other members" : "")
              + ", as the manifest says, but does not");
    }
    return in.finish();
  }

  @Override
  public void close() throws IOException {
    tar.close();
  }
}
