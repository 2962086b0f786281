package io.shardlight.diffusion.hub;

import java.net.URI;
import java.net.http.HttpHeaders;

/** Says in plain words why the Hub refuses, and what to do about it. */
final class HubFaults {
  /**
   * The header by which the Hub says what is wrong.
   *
   * @see <a href="https://huggingface.co/docs/huggingface_hub/package_reference/utilities">Errors
   *     of huggingface_hub</a>
   */
  private static final String CODE = "X-Error-Code";

  private static final String MESSAGE = "X-Error-Message";

  private final HubSettings settings;

  HubFaults(HubSettings settings) {
    this.settings = settings;
  }

  /** Where people look at a model. */
  String page(HubModel model) {
    return settings.endpoint() + "/" + model.id();
  }

  /**
   * @param wanted as it goes on after "wanted to"
   */
  HubException refusal(HubModel model, String wanted, int status, HttpHeaders headers) {
    String code = headers.firstValue(CODE).orElse("");
    String words = Answers.printable(headers.firstValue(MESSAGE).orElse(""));
    boolean badToken = status == 401 && words.startsWith("Invalid credentials");
    if (code.equals("GatedRepo")) {
      return HubException.refused(
          model.id()
              + " is gated, and "
              + (settings.token().isPresent()
                  ? "the account of the token from " + settings.tokenOrigin() + " has no access"
                  : "there is no token that says who asks")
              + "; ask for access at "
              + page(model)
              + ", "
              + giveToken());
    }
    if (code.equals("RevisionNotFound")) {
      return HubException.refused(
          model.id()
              + " has no revision "
              + model.revision()
              + "; its branches and tags are listed at "
              + page(model)
              + "/tree/main");
    }
    if (code.equals("EntryNotFound")) {
      return HubException.refused(
          "wanted to "
              + wanted
              + ", but the Hub has it in its list only, and not the file; try again later, or"
              + " another revision");
    }
    if (badToken) {
      return HubException.refused(
          "the Hub does not know the token from "
              + settings.tokenOrigin()
              + "; make a new one at "
              + settings.endpoint()
              + "/settings/tokens, or take the old one away");
    }
    if (code.equals("RepoNotFound") || status == 404 || status == 401) {
      return HubException.refused(
          "there is no model "
              + model.id()
              + " at "
              + settings.endpoint()
              + (settings.token().isPresent()
                  ? ", or the account of the token from "
                      + settings.tokenOrigin()
                      + " may not see it; check its name"
                  : ", or it is private; check its name, or " + giveToken()));
    }
    return HubException.refused(
        "wanted to "
            + wanted
            + ", but the Hub refused (status "
            + status
            + (words.isEmpty() ? "" : ": " + words)
            + "); look at "
            + page(model));
  }

  /** A server that is not the Hub's, to which the Hub sent us. */
  static TransientFault elsewhere(URI place, int status) {
    return new TransientFault(Answers.show(place) + " answered with status " + status);
  }

  private String giveToken() {
    return "make a token that can read at "
        + settings.endpoint()
        + "/settings/tokens, and set HF_TOKEN to it, log in by `hf auth login`, or name a secret"
        + " that holds it by --hfTokenSecret";
  }
}
