package io.shardlight.terraform;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnknownFieldSet;
import com.google.protobuf.UnknownFieldSet.Field;
import io.grpc.HandlerRegistry;
import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.MethodType;
import io.grpc.Server;
import io.grpc.ServerMethodDefinition;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.ServerCalls;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The Google provider as far as its schema goes: a server of terraform's plugin protocol, version
 * 5, in this process. Terraform checks and computes everything itself; what a cloud would answer
 * comes from {@link PretendedCloud}.
 *
 * <p>Messages are read and written by field number, as {@code tfplugin5.proto} has them.
 */
final class SchemaProvider implements AutoCloseable {
  private static final String SERVICE = "tfplugin5.Provider/";

  private final ProviderSchema schema;
  private final PretendedCloud cloud;
  private final Server server;

  private SchemaProvider(ProviderSchema schema) throws IOException {
    this.schema = schema;
    this.cloud = new PretendedCloud(schema);
    this.server =
        NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
            .fallbackHandlerRegistry(new Methods(this::answer))
            .maxInboundMessageSize(64 << 20)
            .build()
            .start();
  }

  static SchemaProvider start() throws IOException {
    return new SchemaProvider(ProviderSchema.load());
  }

  /** Has {@code terraform} take this for the provider. */
  TerraformProgram attach(TerraformProgram terraform) {
    String address = "127.0.0.1:" + server.getPort();
    return terraform.with(
        "TF_REATTACH_PROVIDERS",
        "{\""
            + schema.source()
            + "\":{\"Protocol\":\"grpc\",\"ProtocolVersion\":5,\"Test\":true,\"Pid\":"
            + ProcessHandle.current().pid()
            + ",\"Addr\":{\"Network\":\"tcp\",\"String\":\""
            + address
            + "\"}}}");
  }

  @Override
  public void close() {
    server.shutdownNow();
  }

  private Optional<UnknownFieldSet> answer(String method, UnknownFieldSet request) {
    return Optional.ofNullable(
        switch (method) {
          case "GetSchema" -> wholeSchema();
          // The configuration as it came.
          case "PrepareProviderConfig" -> message(Map.of(1, bytes(request, 1)));
          case "Configure" -> {
            cloud.configure(dynamic(request, 2));
            yield UnknownFieldSet.getDefaultInstance();
          }
          case "ValidateResourceTypeConfig", "ValidateDataSourceConfig", "Stop" ->
              UnknownFieldSet.getDefaultInstance();
          // JSON of the same schema.
          case "UpgradeResourceState" ->
              message(Map.of(1, message(Map.of(2, bytes(message(request, 3), 1))).toByteString()));
          case "ReadResource" -> message(Map.of(1, bytes(request, 2)));
          case "PlanResourceChange" ->
              isNull(dynamic(request, 3))
                  ? message(Map.of(1, bytes(request, 3)))
                  : message(Map.of(1, dynamic(cloud.plan(type(request), dynamic(request, 3)))));
          case "ApplyResourceChange" ->
              isNull(dynamic(request, 3))
                  ? message(Map.of(1, bytes(request, 3)))
                  : message(Map.of(1, dynamic(cloud.apply(type(request), dynamic(request, 3)))));
          case "ReadDataSource" ->
              message(Map.of(1, dynamic(cloud.read(type(request), dynamic(request, 2)))));
          default -> null;
        });
  }

  private static boolean isNull(byte[] value) {
    return value.length == 1 && value[0] == (byte) 0xc0;
  }

  private static String type(UnknownFieldSet request) {
    return bytes(request, 1).toStringUtf8();
  }

  /** A value's MessagePack. */
  private static byte[] dynamic(UnknownFieldSet request, int field) {
    return bytes(message(request, field), 1).toByteArray();
  }

  private static ByteString dynamic(byte[] value) {
    return message(Map.of(1, ByteString.copyFrom(value))).toByteString();
  }

  // Messages

  private UnknownFieldSet wholeSchema() {
    UnknownFieldSet.Builder response =
        message(Map.of(1, root(schema.provider(), "provider"))).toBuilder();
    schema
        .resources()
        .forEach((type, block) -> response.mergeField(2, entry(type, root(block, "resource"))));
    schema
        .data()
        .forEach((type, block) -> response.mergeField(3, entry(type, root(block, "data"))));
    return response.build();
  }

  private static Field entry(String key, ByteString value) {
    return field(message(Map.of(1, ByteString.copyFromUtf8(key), 2, value)).toByteString());
  }

  private static ByteString root(ProviderSchema.Block block, String kind) {
    return message(Map.of(2, block(block, kind))).toByteString();
  }

  private static ByteString block(ProviderSchema.Block block, String kind) {
    UnknownFieldSet.Builder message = UnknownFieldSet.newBuilder();
    block
        .attributes()
        .forEach(
            (name, attribute) -> {
              boolean optional = !attribute.required() && !attribute.computed();
              message.mergeField(
                  2,
                  field(
                      UnknownFieldSet.newBuilder()
                          .addField(1, field(ByteString.copyFromUtf8(name)))
                          .addField(2, field(ByteString.copyFromUtf8(attribute.type().toString())))
                          .addField(4, number(attribute.required()))
                          .addField(5, number(optional))
                          .addField(
                              6,
                              number(
                                  !kind.equals("provider")
                                      && PretendedCloud.fills(name, attribute)))
                          .build()
                          .toByteString()));
            });
    block
        .blocks()
        .forEach(
            (name, nested) ->
                message.mergeField(
                    3,
                    field(
                        UnknownFieldSet.newBuilder()
                            .addField(1, field(ByteString.copyFromUtf8(name)))
                            .addField(2, field(block(nested.block(), "block")))
                            .addField(3, number(nesting(nested.nesting())))
                            .addField(4, number(nested.required()))
                            .addField(
                                5, number(nested.atMostOne() && !nested.nesting().equals("single")))
                            .build()
                            .toByteString())));
    return message.build().toByteString();
  }

  private static int nesting(String name) {
    return switch (name) {
      case "single" -> 1;
      case "list" -> 2;
      case "set" -> 3;
      default -> throw new IllegalArgumentException(name);
    };
  }

  private static UnknownFieldSet message(Map<Integer, ByteString> fields) {
    UnknownFieldSet.Builder message = UnknownFieldSet.newBuilder();
    fields.forEach((number, value) -> message.addField(number, field(value)));
    return message.build();
  }

  private static Field field(ByteString value) {
    return Field.newBuilder().addLengthDelimited(value).build();
  }

  private static Field number(long value) {
    return Field.newBuilder().addVarint(value).build();
  }

  private static Field number(boolean value) {
    return number(value ? 1 : 0);
  }

  private static ByteString bytes(UnknownFieldSet message, int field) {
    return message.getField(field).getLengthDelimitedList().stream()
        .findFirst()
        .orElse(ByteString.EMPTY);
  }

  private static UnknownFieldSet message(UnknownFieldSet message, int field) {
    try {
      return UnknownFieldSet.parseFrom(bytes(message, field));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private interface Answer {
    Optional<UnknownFieldSet> to(String method, UnknownFieldSet request);
  }

  /** Any method of the service; others, such as the plugin's own streams, are not there. */
  private static final class Methods extends HandlerRegistry {
    private final Answer answer;

    Methods(Answer answer) {
      this.answer = answer;
    }

    @Override
    public @Nullable ServerMethodDefinition<?, ?> lookupMethod(
        String method, @Nullable String authority) {
      if (!method.startsWith(SERVICE)) {
        return null;
      }
      String name = method.substring(SERVICE.length());
      // Terraform does without the newer ones, and falls back to the schema.
      if (name.startsWith("Get") && !name.equals("GetSchema")) {
        return null;
      }
      return ServerMethodDefinition.create(
          MethodDescriptor.<UnknownFieldSet, UnknownFieldSet>newBuilder()
              .setType(MethodType.UNARY)
              .setFullMethodName(method)
              .setRequestMarshaller(new AnyMessage())
              .setResponseMarshaller(new AnyMessage())
              .build(),
          ServerCalls.asyncUnaryCall(
              (request, observer) -> {
                try {
                  observer.onNext(
                      answer
                          .to(name, request)
                          .orElseThrow(() -> new IllegalStateException("no answer to " + name)));
                  observer.onCompleted();
                } catch (RuntimeException e) {
                  observer.onError(
                      io.grpc.Status.INTERNAL
                          .withDescription(name + ": " + e)
                          .asRuntimeException());
                }
              }));
    }
  }

  private static final class AnyMessage implements MethodDescriptor.Marshaller<UnknownFieldSet> {
    @Override
    public InputStream stream(UnknownFieldSet message) {
      return new ByteArrayInputStream(message.toByteArray());
    }

    @Override
    public UnknownFieldSet parse(InputStream in) {
      try {
        return UnknownFieldSet.parseFrom(in);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }
}
