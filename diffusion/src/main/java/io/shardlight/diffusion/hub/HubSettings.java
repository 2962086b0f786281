package io.shardlight.diffusion.hub;

import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Where the Hub is, where its files are kept, and who asks, as the environment says it to Python's
 * huggingface_hub too.
 *
 * @param endpoint scheme and host, and perhaps a path, without a slash at the end
 * @param cache the folder of {@code models--owner--name}
 * @param tokenOrigin where the token comes from, or where one was looked for, for messages
 * @param offline whether only the cache may be asked
 * @see <a
 *     href="https://huggingface.co/docs/huggingface_hub/package_reference/environment_variables">
 *     Environment variables</a>
 */
public record HubSettings(
    URI endpoint, Path cache, Optional<AccessToken> token, String tokenOrigin, boolean offline) {
  private static final String ENDPOINT = "https://huggingface.co";
  private static final Set<String> TRUE = Set.of("1", "ON", "YES", "TRUE");

  /**
   * Reads {@code HF_ENDPOINT}, {@code HF_HOME}, {@code HF_HUB_CACHE}, {@code HF_TOKEN}, {@code
   * HF_TOKEN_PATH}, {@code HF_HUB_OFFLINE} and what these stand in for.
   *
   * @param home the user's home directory
   * @throws IllegalArgumentException if one of them cannot be used
   * @throws IOException if there is a file with a token that can't be read
   */
  public static HubSettings of(Map<String, String> environment, Path home) throws IOException {
    Path base =
        path(environment, "HF_HOME", home)
            .orElseGet(
                () ->
                    path(environment, "XDG_CACHE_HOME", home)
                        .orElse(home.resolve(".cache"))
                        .resolve("huggingface"));
    Path cache =
        path(environment, "HF_HUB_CACHE", home)
            .or(() -> path(environment, "HUGGINGFACE_HUB_CACHE", home))
            .orElse(base.resolve("hub"));
    Path tokenFile = path(environment, "HF_TOKEN_PATH", home).orElse(base.resolve("token"));
    Optional<AccessToken> token = Optional.empty();
    String origin = "HF_TOKEN and " + tokenFile;
    if (!isTrue(environment, "HF_HUB_DISABLE_IMPLICIT_TOKEN")) {
      Optional<String> variable = given(environment, "HF_TOKEN");
      Optional<String> older = given(environment, "HUGGING_FACE_HUB_TOKEN");
      if (variable.isPresent() || older.isPresent()) {
        origin = variable.isPresent() ? "HF_TOKEN" : "HUGGING_FACE_HUB_TOKEN";
        token = Optional.of(AccessToken.of(variable.or(() -> older).orElseThrow(), origin));
      } else if (Files.isRegularFile(tokenFile)) {
        String text = Files.readString(tokenFile, StandardCharsets.ISO_8859_1);
        if (!text.isBlank()) {
          origin = tokenFile.toString();
          token = Optional.of(AccessToken.of(text, origin));
        }
      }
    }
    return new HubSettings(
        endpoint(given(environment, "HF_ENDPOINT").orElse(ENDPOINT)),
        cache,
        token,
        origin,
        isTrue(environment, "HF_HUB_OFFLINE"));
  }

  /** The same with another token. */
  public HubSettings withToken(AccessToken value, String origin) {
    return new HubSettings(endpoint, cache, Optional.of(value), origin, offline);
  }

  private static URI endpoint(String text) {
    try {
      URI uri = URI.create(text.strip().replaceFirst("/+$", ""));
      if (("https".equals(uri.getScheme()) || "http".equals(uri.getScheme()))
          && uri.getHost() != null
          && uri.getRawUserInfo() == null
          && uri.getRawQuery() == null) {
        return uri;
      }
    } catch (IllegalArgumentException e) {
      // The same as one that is no web address.
    }
    throw new IllegalArgumentException(
        "HF_ENDPOINT must be an address such as "
            + ENDPOINT
            + ", without user, password and query; correct it, or unset it");
  }

  private static Optional<String> given(Map<String, String> environment, String name) {
    return Optional.ofNullable(environment.get(name)).filter(value -> !value.isBlank());
  }

  private static Optional<Path> path(Map<String, String> environment, String name, Path home) {
    return given(environment, name)
        .map(
            value ->
                value.equals("~") || value.startsWith("~/")
                    ? home.resolve(value.replaceFirst("^~/?", ""))
                    : Path.of(value))
        .map(Path::toAbsolutePath);
  }

  private static boolean isTrue(Map<String, String> environment, String name) {
    return given(environment, name)
        .map(value -> TRUE.contains(value.strip().toUpperCase(Locale.ROOT)))
        .orElse(false);
  }
}
