package io.shardlight.prompts;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.shardlight.data.Prompt;
import io.shardlight.data.Rejection;
import java.io.IOException;
import java.nio.channels.ReadableByteChannel;
import java.util.ArrayList;
import java.util.List;
import org.apache.commons.compress.utils.SeekableInMemoryByteChannel;

/** What a file holds, gathered: prompts, and rejections as {@code line: reason}. */
record ReadRecords(List<Prompt> prompts, List<String> rejections) {
  static ReadRecords of(String name, String content) throws IOException {
    return of(name, content.getBytes(UTF_8));
  }

  static ReadRecords of(String name, byte[] content) throws IOException {
    return of(name, new SeekableInMemoryByteChannel(content));
  }

  static ReadRecords of(String name, ReadableByteChannel content) throws IOException {
    List<Prompt> prompts = new ArrayList<>();
    List<String> rejections = new ArrayList<>();
    PromptFile.read(
        name,
        content,
        new PromptFile.Records() {
          @Override
          public void prompt(Prompt prompt) {
            prompts.add(prompt);
          }

          @Override
          public void rejection(Rejection rejection) {
            rejections.add(rejection.source().line() + ": " + rejection.reason());
          }
        });
    return new ReadRecords(prompts, rejections);
  }

  /** Prompts as {@code line: text}. */
  List<String> texts() {
    return prompts.stream().map(p -> p.source().line() + ": " + p.text()).toList();
  }
}
