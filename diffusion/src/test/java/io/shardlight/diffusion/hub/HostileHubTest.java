package io.shardlight.diffusion.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.shardlight.fixtures.hub.FakeHub;
import io.shardlight.fixtures.hub.HubFault;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A Hub, and a network before it, that do what they should not. */
class HostileHubTest {
  private static final String WEIGHTS = "unet/diffusion_pytorch_model.safetensors";
  private static final String TOKEN = "hf_aSecretThatNobodyMayPrint";

  private final HubRig rig;
  private final Path home;

  HostileHubTest(@TempDir Path home) throws IOException {
    this.home = home;
    this.rig = new HubRig(home);
    rig.environment.put("HF_TOKEN", TOKEN);
  }

  @AfterEach
  void stop() {
    rig.close();
    assertThat(rig.server.leakedAuthorizations()).isEmpty();
  }

  private void assertWhole(Path snapshot) throws IOException {
    for (String name : List.of(WEIGHTS, "model_index.json", "text_encoder/model.safetensors")) {
      assertThat(Files.readAllBytes(snapshot.resolve(name)))
          .as(name)
          .isEqualTo(rig.files.get(name));
    }
    assertNothingPartial();
  }

  private void assertNothingPartial() throws IOException {
    try (Stream<Path> blobs = Files.list(rig.folder().resolve("blobs"))) {
      assertThat(blobs).allMatch(blob -> blob.getFileName().toString().matches("[0-9a-f]{40,64}"));
    }
  }

  /** Nothing of it may be seen by who looks for a model, and no secret by who reads the message. */
  private void assertRefused(ThrowingCallable call, String... parts) {
    assertThatThrownBy(call)
        .isInstanceOf(IOException.class)
        .satisfies(
            e -> {
              for (String part : parts) {
                assertThat(e).hasMessageContaining(part);
              }
              for (Throwable cause = e; cause != null; cause = cause.getCause()) {
                assertThat(cause.toString()).doesNotContain(TOKEN, FakeHub.SIGNATURE);
              }
            });
    assertThat(rig.folder().resolve("snapshots").resolve(rig.commit).resolve(WEIGHTS))
        .doesNotExist();
  }

  @ParameterizedTest
  @EnumSource(
      names = {
        "CUT",
        "LOST",
        "SHORT",
        "RANGE_IGNORED",
        "OTHER_RANGE",
        "NO_LENGTH",
        "PACKED",
        "EMPTY",
        "TOO_LONG",
        "FORBIDDEN",
        "TOO_MANY_REQUESTS",
        "FAILED",
        "UNAVAILABLE"
      })
  void whatMayPassIsTriedAgainWhereItBroke(HubFault fault) throws IOException {
    rig.server.inject(HubFault.Plan.first(2, "content ", fault));

    assertWhole(rig.fetch());

    assertThat(rig.server.requests()).contains("content " + WEIGHTS + " " + fault);
    assertThat(rig.told.advanced).hasValue(rig.told.planned.get());
  }

  @ParameterizedTest
  @EnumSource(
      names = {"CUT", "LOST", "EMPTY", "GARBAGE", "NO_LENGTH", "TOO_MANY_REQUESTS", "UNAVAILABLE"})
  void descriptionsAndListsAreAskedForAgain(HubFault fault) throws IOException {
    rig.server.inject(
        (request, attempt) ->
            attempt < 2 && request.matches("(info|list) .*") ? fault : HubFault.NONE);

    assertWhole(rig.fetch());
  }

  @ParameterizedTest
  @ValueSource(strings = {"info ", "list ", "file README.md", "content "})
  void whoeverStallsIsLeft(String request) throws IOException {
    HubPolicy quick = rig.policy();
    HubPolicy impatient =
        new HubPolicy(
            quick.connectTimeout(),
            Duration.ofMillis(400),
            1000, // However slow the machine is.
            quick.firstDelay(),
            quick.longestDelay(),
            quick.longestWait(),
            quick.connections(),
            quick.chunkBytes());
    rig.server.inject(
        (asked, attempt) ->
            !asked.startsWith(request) || attempt > 1
                ? HubFault.NONE
                : attempt == 0 ? HubFault.NO_ANSWER : HubFault.STALL);

    assertWhole(rig.fetch(rig.hub(impatient)));
  }

  @Test
  void givesUpInTheEndAndKeepsWhatCame() throws IOException {
    rig.server.inject(
        (request, attempt) ->
            request.equals("content " + WEIGHTS) && attempt > 2 ? HubFault.LOST : HubFault.NONE);

    assertRefused(
        rig::fetch,
        "wanted to fetch " + WEIGHTS + " of test/tiny, but it broke off",
        "4 times; look at the network, and run it again: what has come is kept");

    rig.server.inject(HubFault.Plan.none());
    long before = rig.server.requests().stream().filter(r -> r.contains(WEIGHTS)).count();
    assertWhole(rig.fetch());
    assertThat(rig.server.requests().stream().filter(r -> r.contains(WEIGHTS)).skip(before))
        .filteredOn(request -> request.startsWith("content "))
        .as("of 6 chunks 3 were there")
        .hasSize(3);
  }

  @ParameterizedTest
  @CsvSource({"content " + WEIGHTS + ", SHA-256", "file vae/config.json, git hash"})
  void keepsNothingThatHasAnotherHash(String request, String kind) throws IOException {
    rig.server.inject(HubFault.Plan.always(request, HubFault.WRONG_CONTENT));

    assertRefused(
        rig::fetch,
        request.substring(request.indexOf(' ') + 1) + " of hf://test/tiny must have the " + kind,
        "is not kept: try again");

    assertThat(rig.folder().resolve("snapshots").resolve(rig.commit)).isEmptyDirectory();
    rig.server.inject(HubFault.Plan.none());
    assertWhole(rig.fetch());
  }

  /** A machine that crashed may have written down that it has what it has not. */
  @Test
  void whatAnEarlierProcessLeftIsNotTrusted() throws IOException {
    rig.server.inject(
        (request, attempt) ->
            request.equals("content " + WEIGHTS) && attempt > 2 ? HubFault.LOST : HubFault.NONE);
    assertRefused(rig::fetch, WEIGHTS);
    rig.server.inject(HubFault.Plan.none());
    try (Stream<Path> blobs = Files.list(rig.folder().resolve("blobs"))) {
      for (Path blob : (Iterable<Path>) blobs.filter(b -> b.toString().endsWith("e"))::iterator) {
        Files.write(blob, new byte[2 * HubRig.CHUNK]);
      }
    }

    assertWhole(rig.fetch());
  }

  @ParameterizedTest
  @CsvSource({
    "OTHER_SIZE, the file has",
    "OTHER_COMMIT, X-Repo-Commit",
    "REDIRECT_LOOP, was sent from one address to the next 10 times",
    "REDIRECT_TO_FILE, sends on to an address that is none",
    "ENTRY_NOT_FOUND, the Hub has it in its list only"
  })
  void whatWillNotPassIsTriedOnce(HubFault fault, String reason) {
    String file = "scheduler/scheduler_config.json";
    rig.server.inject(HubFault.Plan.always("file " + file, fault));

    assertRefused(rig::fetch, file, reason);

    assertThat(rig.waits).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "../../etc/cron.d/x",
        "/etc/passwd",
        "unet/../../x",
        "a//b",
        "a\\b",
        "C:x",
        "a\nb"
      })
  void namesThatLeadElsewhereAreRefused(String name) throws IOException {
    rig.server.tamper(list -> ((ObjectNode) list.get(list.size() - 1)).put("path", name));

    assertRefused(rig::fetch, "would lead out of the model's folder; do not use this model");

    try (Stream<Path> all = Files.walk(home)) {
      assertThat(all.filter(Files::isRegularFile)).isEmpty();
    }
  }

  @ParameterizedTest
  @CsvSource({
    "size, -1, a size cannot be -1",
    "size, 9223372036854775807, a size cannot be 9223372036854775807",
    "size, 900000000000000, more on the disk",
    "oid, ../../../x, a git hash must be lower-case hexadecimal digits"
  })
  void listsThatCannotBeAreRefused(String field, String value, String reason) {
    rig.server.tamper(
        list ->
            list.forEach(
                entry -> {
                  if (entry.path("path").asText().equals("model_index.json")) {
                    if (field.equals("size")) {
                      ((ObjectNode) entry).put(field, Long.parseLong(value));
                    } else {
                      ((ObjectNode) entry).put(field, value);
                    }
                  }
                }));

    assertRefused(rig::fetch, reason);
  }

  @Test
  void aListWithoutAnEndIsNotReadForEver() {
    rig.server.inject(HubFault.Plan.always("info ", HubFault.REDIRECT_LOOP));

    assertRefused(rig::fetch, "wanted to look at hf://test/tiny, but was sent from one address");
  }

  @Test
  void waitsAsLongAsTheHubAsks() throws IOException {
    rig.server.retryAfter("17");
    rig.server.inject(HubFault.Plan.first(1, "info ", HubFault.TOO_MANY_REQUESTS));

    rig.fetch();

    assertThat(rig.waits).containsExactly(Duration.ofSeconds(17));
  }

  @Test
  void doesNotWaitForHours() {
    rig.server.retryAfter("7200");
    rig.server.inject(HubFault.Plan.always("info ", HubFault.TOO_MANY_REQUESTS));

    assertRefused(rig::fetch, "answered with status 429, and is to be asked again in 7200 s only");

    assertThat(rig.waits).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({
    "UNAUTHORIZED, there is no model test/tiny at",
    "BAD_TOKEN, the Hub does not know the token from HF_TOKEN; make a new one at",
    "FORBIDDEN, the Hub refused (status 403); look at",
    "REPO_NOT_FOUND, or the account of the token from HF_TOKEN may not see it; check its name",
    "REVISION_NOT_FOUND, test/tiny has no revision main; its branches and tags are listed at"
  })
  void refusalsSayWhatToDo(HubFault fault, String reason) {
    rig.server.inject(HubFault.Plan.always("info ", fault));

    assertRefused(rig::fetch, reason);

    assertThat(rig.waits).isEmpty();
  }

  @Test
  void whoHasNoAccessIsToldWhereToAskForIt() throws IOException {
    rig.server.gate("hf_another");

    rig.environment.remove("HF_TOKEN");
    assertRefused(
        rig::fetch,
        "test/tiny is gated, and there is no token that says who asks; ask for access at "
            + rig.server.url()
            + "/test/tiny, make a token that can read at "
            + rig.server.url()
            + "/settings/tokens, and set HF_TOKEN to it, log in by `hf auth login`, or name a"
            + " secret that holds it by --hfTokenSecret");

    rig.environment.put("HF_TOKEN", TOKEN);
    assertRefused(rig::fetch, "the Hub does not know the token from HF_TOKEN");
    rig.server.inject(HubFault.Plan.always("info ", HubFault.GATED));
    assertRefused(
        rig::fetch, "is gated, and the account of the token from HF_TOKEN has no access; ask for");

    rig.server.inject(HubFault.Plan.none());
    rig.server.gate(TOKEN);
    assertWhole(rig.fetch());
    assertThat(rig.server.authorizations()).contains("Bearer " + TOKEN);
  }

  @Test
  void aTokenThatCannotBeOneIsNotShown() {
    rig.environment.put("HF_TOKEN", "hf_secret\nwith a line");

    assertThatThrownBy(rig::hub)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("HF_TOKEN must be an access token")
        .hasMessageNotContaining("hf_secret");
  }

  @Test
  void whereNobodyListensIsToldSoon() throws IOException {
    rig.environment.put("HF_ENDPOINT", unusedAddress());

    assertRefused(
        rig::fetch,
        "wanted to look at hf://test/tiny, but no connection can be made (127.0.0.1:",
        " does not answer), 3 times; look at the network");
  }

  private static String unusedAddress() {
    FakeHub gone = FakeHub.start();
    gone.close();
    return gone.url();
  }

  @Test
  void whatTheCacheHasStandsInForAHubOutOfReach() throws IOException {
    Path snapshot = rig.fetch();
    rig.environment.put("HF_ENDPOINT", unusedAddress());

    HubListing listing = rig.hub().look(HubRig.MODEL);

    assertThat(listing.cached()).contains(snapshot);
    assertThat(listing.commit()).isEqualTo(rig.commit);
    assertThat(listing.reason()).contains("no connection can be made");
    assertWhole(rig.fetch());
  }
}
