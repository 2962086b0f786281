package io.shardlight.terraform;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Who may do what: README's table says it, and nothing else is granted. */
class RolesTest {
  private static final Pattern ROW =
      Pattern.compile(
          "^\\| (\\w+) \\| `(roles/[\\w.]+)` \\| ([^|]+) \\| ([^|]+) \\| `([\\w.-]+)` \\|$");

  /** What a row of the table and a resource must have in common. */
  private record Grant(String who, String role, String on) {}

  private static Stream<HclBlock> grants(TerraformModule module) {
    return module.blocks("resource").filter(resource -> resource.label(0).contains("_iam_"));
  }

  private static Map<String, Grant> granted() {
    Map<String, Grant> granted = new TreeMap<>();
    TerraformModule.children()
        .values()
        .forEach(
            module ->
                grants(module)
                    .forEach(
                        resource ->
                            granted.put(
                                module.name() + "." + resource.label(1),
                                new Grant(
                                    who(resource),
                                    resource
                                        .attribute("role")
                                        .orElseThrow()
                                        .literal()
                                        .orElseThrow(),
                                    on(resource)))));
    return granted;
  }

  /** Of lists of people, the variable; of accounts, their name. */
  private static String who(HclBlock resource) {
    HclExpression member = resource.attribute("member").orElseThrow();
    if (member.text().equals("each.value")) {
      HclExpression all = resource.attribute("for_each").orElseThrow();
      return all.names("var").iterator().next();
    }
    return member
        .text()
        .replaceFirst("^google_service_account\\.(\\w+)\\.member$", "$1")
        .replaceFirst("^var\\.(\\w+)_member$", "$1");
  }

  private static String on(HclBlock resource) {
    return switch (resource.label(0)) {
      case "google_project_iam_member" -> "project";
      case "google_service_account_iam_member" ->
          resource
              .attribute("service_account_id")
              .orElseThrow()
              .text()
              .replaceFirst("^google_service_account\\.(\\w+)\\.name$", "$1 account");
      case "google_storage_bucket_iam_member" ->
          resource.attribute("bucket").orElseThrow().literals().get(0) + " bucket";
      case "google_artifact_registry_repository_iam_member" -> "images repository";
      case "google_secret_manager_secret_iam_member" -> "hub token secret";
      default -> throw new AssertionError(resource.where() + ": grants on what?");
    };
  }

  @Test
  void theTableSaysWhatIsGrantedAndNothingElse() throws IOException {
    Map<String, Grant> told = new TreeMap<>();
    for (String line : Files.readAllLines(TerraformModule.ROOT.resolve("README.md"))) {
      Matcher row = ROW.matcher(line);
      if (row.matches()) {
        assertThat(row.group(4)).as(line).hasSizeGreaterThan(8);
        told.put(row.group(5), new Grant(row.group(1), row.group(2), row.group(3)));
      } else {
        assertThat(line).doesNotContainPattern("^\\|.*`roles/.*\\|.*\\|.*\\|.*\\|");
      }
    }

    assertThat(told).isEqualTo(granted()).hasSizeGreaterThan(15);
  }

  @Test
  void operatorsAreGrantedInTheirOwnName() {
    // The table's first column is read off expressions; this one is read off what they mean.
    assertThat(granted().get("accounts.operator_dataflow"))
        .isEqualTo(new Grant("operators", "roles/dataflow.developer", "project"));
    assertThat(granted().get("storage.worker_staging"))
        .isEqualTo(new Grant("worker", "roles/storage.objectUser", "staging bucket"));
  }

  @Test
  void grantsAreAddedAndNeverReplaceOthers() {
    List<String> types =
        TerraformModule.all().flatMap(RolesTest::grants).map(block -> block.label(0)).toList();

    assertThat(types).isNotEmpty().allMatch(type -> type.endsWith("_iam_member"));
  }

  @Test
  void nobodyHasTheProject() {
    List<String> roles =
        TerraformModule.all()
            .flatMap(TerraformModule::expressions)
            .flatMap(expression -> expression.literals().stream())
            .filter(text -> text.contains("roles/"))
            .toList();

    // Also not by an expression that puts a role together.
    assertThat(roles)
        .isNotEmpty()
        .allMatch(role -> role.matches("roles/[a-z]+\\.[a-zA-Z]+"))
        .noneMatch(role -> role.matches("roles/(owner|editor|viewer|.*[aA]dmin)"));
  }

  @Test
  void nothingIsOpenToTheWorld() {
    Stream<HclExpression> expressions = TerraformModule.all().flatMap(TerraformModule::expressions);

    assertThat(expressions.flatMap(expression -> expression.literals().stream()))
        .noneMatch(text -> text.equals("allUsers") || text.equals("allAuthenticatedUsers"))
        .noneMatch(text -> text.contains("0.0.0.0/0") || text.contains("::/0"))
        .noneMatch(text -> text.contains("WORKER_IP_PUBLIC"));
    assertThat(TerraformModule.all().flatMap(module -> module.blocks().stream()))
        .noneMatch(
            block ->
                block.type().equals("resource")
                    && block.label(0).matches("google_compute_(global_)?address|.*_key"));
  }

  @Test
  void nobodysKeyOrTokenStandsInAFile() throws IOException {
    assertThat(
            TerraformModule.all()
                .flatMap(module -> module.blocks("resource"))
                .map(block -> block.label(0)))
        .doesNotContain("google_secret_manager_secret_version", "google_service_account_key");
    assertThat(Files.readString(TerraformModule.ROOT.resolve("terraform.tfvars.example")))
        .doesNotContainPattern("hf_[A-Za-z0-9]{8}|-----BEGIN|ya29\\.");
  }
}
