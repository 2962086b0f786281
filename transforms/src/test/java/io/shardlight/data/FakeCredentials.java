package io.shardlight.data;

import com.google.auth.Credentials;
import com.google.auth.oauth2.AccessToken;
import com.google.auth.oauth2.GoogleCredentials;
import java.time.Instant;
import java.util.Date;
import org.apache.beam.sdk.extensions.gcp.auth.CredentialFactory;
import org.apache.beam.sdk.options.PipelineOptions;

/** An account that no server knows, for Beam's {@code credentialFactoryClass}. */
public final class FakeCredentials implements CredentialFactory {
  static final String TOKEN = "ya29.ofNobody";

  /** Beam calls it by this name. */
  public static FakeCredentials fromOptions(PipelineOptions options) {
    return new FakeCredentials();
  }

  @Override
  public Credentials getCredential() {
    return GoogleCredentials.create(
        new AccessToken(TOKEN, Date.from(Instant.parse("2999-01-01T00:00:00Z"))));
  }
}
