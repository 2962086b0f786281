package io.shardlight.gallery;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.stream.Stream;
import org.openqa.selenium.OutputType;
import org.openqa.selenium.chrome.ChromeDriver;
import org.openqa.selenium.chrome.ChromeDriverService;
import org.openqa.selenium.chrome.ChromeOptions;
import org.openqa.selenium.logging.LogEntry;
import org.openqa.selenium.logging.LogType;
import org.openqa.selenium.logging.LoggingPreferences;
import org.openqa.selenium.support.ui.WebDriverWait;

/**
 * The machine's own Chromium, without a window, and a record of all it asked for. Nothing is
 * fetched: where browser or driver is missing, tests are skipped, but in continuous integration
 * they fail.
 */
final class Chromium implements AutoCloseable {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final List<String> BROWSERS =
      List.of("chromium", "chromium-browser", "google-chrome");

  private static final String DRIVER = "chromedriver";

  /** Selenium warns that it has no classes for the newest browser's own protocol. */
  private static final Logger SELENIUM = Logger.getLogger("org.openqa.selenium");

  private static final Duration PATIENCE = Duration.ofSeconds(30);

  private final ChromeDriver driver;
  private final Map<String, String> requests = new LinkedHashMap<>();

  private Chromium(ChromeDriver driver) {
    this.driver = driver;
  }

  /** Whether to test: where there is a browser, and in continuous integration always. */
  static boolean isWanted() {
    return System.getenv("CI") != null || (browser().isPresent() && onPath(DRIVER).isPresent());
  }

  private static Optional<Path> browser() {
    return BROWSERS.stream().flatMap(name -> onPath(name).stream()).findFirst();
  }

  /**
   * @param profile an empty directory
   */
  static Chromium start(Path profile) {
    Optional<Path> browser = browser();
    Optional<Path> chromedriver = onPath(DRIVER);
    assertThat(browser.isPresent() && chromedriver.isPresent())
        .as("chromium and chromedriver on the PATH")
        .isTrue();

    SELENIUM.setLevel(Level.SEVERE);
    ChromeOptions options = new ChromeOptions();
    options.setBinary(browser.orElseThrow().toFile());
    options.addArguments(
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--force-device-scale-factor=1",
        "--window-size=1280,900",
        "--user-data-dir=" + profile);
    LoggingPreferences logs = new LoggingPreferences();
    logs.enable(LogType.PERFORMANCE, Level.ALL);
    logs.enable(LogType.BROWSER, Level.ALL);
    options.setCapability("goog:loggingPrefs", logs);
    ChromeDriverService service =
        new ChromeDriverService.Builder()
            .usingDriverExecutable(chromedriver.orElseThrow().toFile())
            .usingAnyFreePort()
            .build();
    return new Chromium(new ChromeDriver(service, options));
  }

  private static Optional<Path> onPath(String program) {
    String path = System.getenv("PATH");
    return Stream.of((path == null ? "" : path).split(":", -1))
        .map(folder -> Path.of(folder.isEmpty() ? "." : folder, program))
        .filter(Files::isExecutable)
        .findFirst();
  }

  ChromeDriver driver() {
    return driver;
  }

  /** Opens a file anew, whatever was open before. */
  void open(Path page, String hash) {
    driver.get("about:blank");
    requests();
    requests.clear();
    complaints();
    driver.get(page.toUri() + hash);
  }

  /** Runs a function's body in the page. */
  Object script(String body, Object... arguments) {
    Object value = driver.executeScript(body, arguments);
    return value == null ? "" : value;
  }

  String text(String body, Object... arguments) {
    return String.valueOf(script(body, arguments));
  }

  long number(String body, Object... arguments) {
    return ((Number) script(body, arguments)).longValue();
  }

  /** Waits until an expression is true. */
  void await(String expression) {
    new WebDriverWait(driver, PATIENCE, Duration.ofMillis(20))
        .withMessage(expression)
        .until(d -> Boolean.TRUE.equals(script("return Boolean(" + expression + ")")));
  }

  void prefer(String scheme) {
    driver.executeCdpCommand(
        "Emulation.setEmulatedMedia",
        Map.of("features", List.of(Map.of("name", "prefers-color-scheme", "value", scheme))));
  }

  /**
   * Every address that the page asked for since it was opened, but for data within the page, and
   * but for what its own policy refused.
   */
  List<String> requests() {
    for (LogEntry entry : driver.manage().logs().get(LogType.PERFORMANCE)) {
      JsonNode event;
      try {
        event = JSON.readTree(entry.getMessage()).path("message");
      } catch (JsonProcessingException e) {
        throw new IllegalStateException("the driver's log must be JSON", e);
      }
      String id = event.at("/params/requestId").asText();
      String url = event.at("/params/request/url").asText();
      switch (event.path("method").asText()) {
        case "Network.requestWillBeSent" -> requests.put(id, url);
        case "Network.loadingFailed" -> {
          if (event.at("/params/blockedReason").asText().equals("csp")) {
            requests.remove(id);
          }
        }
        default -> {
          // Answers and the page's own life.
        }
      }
    }
    return requests.values().stream().filter(url -> !url.startsWith("data:")).toList();
  }

  /** Errors and refusals that the page reported. */
  List<String> complaints() {
    return driver.manage().logs().get(LogType.BROWSER).getAll().stream()
        .map(LogEntry::getMessage)
        .toList();
  }

  /** Keeps what is to be seen in a file, where the system property names a folder for it. */
  void keep(String name) throws IOException {
    String folder = System.getProperty("shardlight.screenshots");
    if (folder != null) {
      Files.createDirectories(Path.of(folder));
      Files.write(Path.of(folder, name + ".png"), driver.getScreenshotAs(OutputType.BYTES));
    }
  }

  @Override
  public void close() {
    driver.quit();
  }
}
