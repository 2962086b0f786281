// Errors, events and the counters of what lives.
#include "plugin.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static int64_t counters[COUNTERS];

void count(enum counter counter, int64_t change) {
  add_i64(&counters[counter], change);
}

int64_t counted(enum counter counter) {
  return __atomic_load_n(&counters[counter], __ATOMIC_SEQ_CST);
}

Error *new_error(int code, const char *format, ...) {
  Error *error = malloc(sizeof *error);
  va_list values;
  va_start(values, format);
  error->code = code;
  if (vasprintf(&error->message, format, values) < 0) {
    error->message = strdup("out of memory");
  }
  va_end(values);
  count(LIVE_ERRORS, 1);
  return error;
}

void uncount_error(const Error *error) {
  if (error) {
    count(LIVE_ERRORS, -1);
  }
}

void free_uncounted_error(Error *error) {
  if (error) {
    free(error->message);
    free(error);
  }
}

void free_error(Error *error) {
  uncount_error(error);
  free_uncounted_error(error);
}

Error *check_size(const void *args, int64_t needed, const char *name) {
  int64_t given = get_i64(args, 0);
  if (given >= needed) {
    return NULL;
  }
  return new_error(INVALID_ARGUMENT,
                   "Unexpected %s size: expected %ld, got %ld. Check installed software versions.",
                   name, (long)needed, (long)given);
}

Error *error_destroy(void *args) {
  free_error(get_pointer(args, SELF));
  return NULL;
}

Error *error_message(void *args) {
  const Error *error = get_pointer(args, SELF);
  set_array(args, ANSWER, error->message, strlen(error->message));
  return NULL;
}

Error *error_code(void *args) {
  REQUIRE_SIZE(args, 28, "PJRT_Error_GetCode_Args");
  const Error *error = get_pointer(args, SELF);
  set_i32(args, ANSWER, error->code);
  return NULL;
}

Event *new_event(void) {
  Event *event = calloc(1, sizeof *event);
  pthread_mutex_init(&event->mutex, NULL);
  pthread_cond_init(&event->changed, NULL);
  event->references = 1;
  return event;
}

Event *share_event(Event *event) {
  add_int(&event->references, 1);
  return event;
}

void release_event(Event *event) {
  if (event && add_int(&event->references, -1) == 0) {
    pthread_mutex_destroy(&event->mutex);
    pthread_cond_destroy(&event->changed);
    free(event->message);
    free(event);
  }
}

Event *hand_out_event(Event *event) {
  count(LIVE_EVENTS, 1);
  return share_event(event);
}

// A copy for each who asks.
static Error *event_error(const Event *event) {
  return event->code ? new_error(event->code, "%s", event->message) : NULL;
}

void fire_event(Event *event, const Error *error) {
  pthread_mutex_lock(&event->mutex);
  if (error) {
    event->code = error->code;
    event->message = strdup(error->message);
  }
  event->ready = true;
  CallbackNode *node = event->callbacks;
  event->callbacks = NULL;
  pthread_cond_broadcast(&event->changed);
  pthread_mutex_unlock(&event->mutex);
  while (node) {
    CallbackNode *next = node->next;
    node->callback(event_error(event), node->argument);
    free(node);
    node = next;
  }
}

Error *await_event(Event *event) {
  pthread_mutex_lock(&event->mutex);
  while (!event->ready) {
    pthread_cond_wait(&event->changed, &event->mutex);
  }
  pthread_mutex_unlock(&event->mutex);
  return event_error(event);
}

Error *event_destroy(void *args) {
  REQUIRE_SIZE(args, 24, "PJRT_Event_Destroy_Args");
  release_event(get_pointer(args, SELF));
  count(LIVE_EVENTS, -1);
  return NULL;
}

Error *event_is_ready(void *args) {
  REQUIRE_SIZE(args, 25, "PJRT_Event_IsReady_Args");
  Event *event = get_pointer(args, SELF);
  pthread_mutex_lock(&event->mutex);
  set_bool(args, ANSWER, event->ready);
  pthread_mutex_unlock(&event->mutex);
  return NULL;
}

Error *event_await(void *args) {
  REQUIRE_SIZE(args, 24, "PJRT_Event_Await_Args");
  return await_event(get_pointer(args, SELF));
}

Error *event_on_ready(void *args) {
  REQUIRE_SIZE(args, 40, "PJRT_Event_OnReady_Args");
  Event *event = get_pointer(args, SELF);
  CallbackNode *node = calloc(1, sizeof *node);
  void *callback = get_pointer(args, 24);
  memcpy(&node->callback, &callback, sizeof callback);
  node->argument = get_pointer(args, 32);
  pthread_mutex_lock(&event->mutex);
  bool ready = event->ready;
  if (!ready) {
    node->next = event->callbacks;
    event->callbacks = node;
  }
  pthread_mutex_unlock(&event->mutex);
  if (ready) {
    node->callback(event_error(event), node->argument);
    free(node);
  }
  return NULL;
}
