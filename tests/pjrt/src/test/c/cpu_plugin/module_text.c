// As much of MLIR's text form as is needed: the types of @main, and constants for replica_id.
#include "plugin.h"

#include <stdio.h>
#include <stdlib.h>

static const char *skip_blanks(const char *at) {
  for (;;) {
    while (*at && strchr(" \t\r\n", *at)) {
      at++;
    }
    if (at[0] != '/' || at[1] != '/') {
      return at;
    }
    while (*at && *at != '\n') {
      at++;
    }
  }
}

// From a string's opening quote to behind its closing one.
static const char *skip_string(const char *at) {
  for (at++; *at && *at != '"'; at++) {
    if (*at == '\\' && at[1]) {
      at++;
    }
  }
  return *at ? at + 1 : at;
}

// From an opening bracket to behind its closing one; knows strings, comments and arrows.
static const char *skip_brackets(const char *at) {
  int depth = 0;
  for (at = skip_blanks(at); *at; at = skip_blanks(at)) {
    if (*at == '"') {
      at = skip_string(at);
    } else if (at[0] == '-' && at[1] == '>') {
      at += 2;
    } else if (strchr("([{<", *at)) {
      depth++;
      at++;
    } else if (strchr(")]}>", *at)) {
      depth--;
      at++;
      if (depth == 0) {
        return at;
      }
    } else {
      at++;
    }
  }
  return at;
}

static bool is_in_name(char c) {
  return c == '_' || c == '.' || c == '$' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
         (c >= 'A' && c <= 'Z');
}

static bool starts_with(const char *text, const char *start) {
  return strncmp(text, start, strlen(start)) == 0;
}

static bool contains(const char *from, const char *to, const char *word) {
  return memmem(from, (size_t)(to - from), word, strlen(word)) != NULL;
}

// Reads "2x3xf32"; false if there is something else.
static bool parse_dimensions(const char *at, ArrayType *type) {
  while (*at >= '0' && *at <= '9') {
    char *end;
    if (type->rank == MAX_RANK) {
      return false;
    }
    type->dimensions[type->rank++] = strtoll(at, &end, 10);
    if (*end != 'x') {
      return false;
    }
    at = end + 1;
  }
  for (int i = 0; i < element_type_count; i++) {
    const char *name = element_types[i].mlir;
    if (starts_with(at, name) && !is_in_name(at[strlen(name)])) {
      type->element = i;
      type->bytes = element_types[i].bytes;
      for (int axis = 0; axis < type->rank; axis++) {
        type->bytes *= type->dimensions[axis];
      }
      return true;
    }
  }
  return false;
}

// Reads "tensor<2x3xf32> {attributes} loc(...)" and returns what is behind; NULL if there is
// something else.
static const char *parse_type(const char *at, ArrayType *type) {
  static const char start[] = "tensor<";
  memset(type, 0, sizeof *type);
  at = skip_blanks(at);
  if (!starts_with(at, start)) {
    return NULL;
  }
  const char *end = skip_brackets(at + strlen(start) - 1);
  if (!parse_dimensions(skip_blanks(at + strlen(start)), type)) {
    return NULL;
  }
  at = skip_blanks(end);
  if (*at == '{') {
    end = skip_brackets(at);
    type->donated =
        contains(at, end, "tf.aliasing_output") || contains(at, end, "jax.buffer_donor");
    at = skip_blanks(end);
  }
  if (starts_with(at, "loc(")) {
    at = skip_blanks(skip_brackets(at + 3));
  }
  return at;
}

static void append(ArrayType **list, int *size, ArrayType type) {
  *list = realloc(*list, sizeof **list * (size_t)(*size + 1));
  (*list)[(*size)++] = type;
}

static void read_module_name(Program *program, const char *at) {
  size_t size = 0;
  while (is_in_name(at[size]) && size < MAX_NAME - 1) {
    size++;
  }
  memcpy(program->name, at, size);
}

// Behind "func.func public @main"; NULL if there is none.
static const char *find_main(Program *program) {
  static const char module[] = "module @";
  static const char function[] = "func.func";
  static const char main_name[] = "@main";
  const char *text = program->text;
  for (const char *at = skip_blanks(text); *at; at = skip_blanks(at)) {
    if (*at == '"') {
      at = skip_string(at);
      continue;
    }
    if (starts_with(at, module) && !program->name[0]) {
      read_module_name(program, at + strlen(module));
    }
    if (starts_with(at, function) && (at == text || !is_in_name(at[-1]))) {
      const char *name = skip_blanks(at + strlen(function));
      if (starts_with(name, "public")) {
        name = skip_blanks(name + strlen("public"));
      }
      if (starts_with(name, main_name) && !is_in_name(name[strlen(main_name)])) {
        return skip_blanks(name + strlen(main_name));
      }
    }
    at++;
  }
  return NULL;
}

static Error *not_understood(const char *what, const char *at) {
  return new_error(INVALID_ARGUMENT,
                   "@main: %s not understood (ranked, static tensors only) at: %.60s", what, at);
}

// Reads "(%a: type, %b: type)" and moves behind it.
static Error *parse_parameters(Program *program, const char **position) {
  const char *at = *position;
  if (*at != '(') {
    return not_understood("parameters", at);
  }
  at = skip_blanks(at + 1);
  while (*at != ')') {
    const char *from = at;
    ArrayType type;
    while (*at && *at != ':') {
      at++;
    }
    at = *at ? parse_type(at + 1, &type) : NULL;
    if (!at || (*at != ',' && *at != ')')) {
      return not_understood("parameter", from);
    }
    append(&program->parameters, &program->parameter_count, type);
    if (*at == ',') {
      at = skip_blanks(at + 1);
    }
  }
  *position = skip_blanks(at + 1);
  return NULL;
}

// Reads "-> type" or "-> (type, type)"; nothing is no results.
static Error *parse_results(Program *program, const char *at) {
  if (!starts_with(at, "->")) {
    return NULL;
  }
  at = skip_blanks(at + 2);
  bool many = *at == '(';
  if (many) {
    at = skip_blanks(at + 1);
  }
  while (*at && *at != ')') {
    const char *from = at;
    ArrayType type;
    at = parse_type(at, &type);
    if (!at || (many && *at != ',' && *at != ')')) {
      return not_understood("result", from);
    }
    append(&program->results, &program->result_count, type);
    if (!many) {
      break;
    }
    if (*at == ',') {
      at = skip_blanks(at + 1);
    }
  }
  return NULL;
}

Error *parse_signature(Program *program) {
  const char *at = find_main(program);
  if (!at) {
    return new_error(INVALID_ARGUMENT, "the module has no public function @main");
  }
  Error *error = parse_parameters(program, &at);
  return error ? error : parse_results(program, at);
}

// Replaces every place of a text.
static char *replace(char *text, const char *what, const char *with) {
  for (char *at = strstr(text, what); at;) {
    size_t before = (size_t)(at - text);
    char *next;
    if (asprintf(&next, "%.*s%s%s", (int)before, text, with, at + strlen(what)) < 0) {
      return text;
    }
    free(text);
    text = next;
    at = strstr(text + before + strlen(with), what);
  }
  return text;
}

char *specialize(const char *text, int replica) {
  char id[64];
  char typed_id[72];
  snprintf(id, sizeof id, "stablehlo.constant dense<%d>", replica);
  snprintf(typed_id, sizeof typed_id, "%s :", id);
  char *special = strdup(text);
  special = replace(special, "\"stablehlo.partition_id\"() : () ->",
                    "stablehlo.constant dense<0> :");
  special = replace(special, "stablehlo.partition_id", "stablehlo.constant dense<0>");
  special = replace(special, "\"stablehlo.replica_id\"() : () ->", typed_id);
  return replace(special, "stablehlo.replica_id", id);
}
