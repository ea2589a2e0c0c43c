/* SPDX-License-Identifier: MIT */
/* main.c - a Godwit server inside a program: a method that clients call, and
 * what the program itself publishes, asks and closes, and is told. Run it with the flags of
 * `godwit serve`; it ends by itself when a client has called `finish`. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "godwit/server.h"

/** What the handlers share. */
typedef struct app {
  gw_server *server;
} app;

static const gw_view nothing;

static void on_closed(void *arg, uint32_t code, gw_view message, uint32_t num) {
  app *a = arg;
  (void)message;
  printf("closed %u: %s\n", num, gw_code_name(code));
  gw_server_stop(a->server);
}

/** The client has answered: say goodbye to it. */
static void on_answer(void *arg, uint32_t code, gw_view message,
                      const gw_rpc_result *result) {
  app *a = arg;
  (void)message;
  if (code == GW_CODE_OK)
    printf("answer %.*s\n", (int)result->json.len,
           (const char *)result->json.data);
  else
    printf("no answer: %s\n", gw_code_name(code));
  gw_server_who everybody_called_ada = {.user = "ada"};
  if (gw_server_disconnect(a->server, &everybody_called_ada, 942,
                           "that was all", on_closed, a) < 0)
    exit(EXIT_FAILURE);
}

static void on_published(void *arg, uint32_t code, gw_view message,
                         uint64_t epoch, uint64_t offset) {
  (void)arg;
  (void)message;
  (void)epoch;
  printf("published at %llu: %s\n", (unsigned long long)offset,
         gw_code_name(code));
}

/** Clients call this; it publishes, and calls the client back. */
static void finish(void *user, const gw_server_call *call, const gw_rpc *rpc) {
  app *a = user;
  gw_server_publication news = {
      .channel = "news", .json = rpc->json, .user = "the program"};
  gw_rpc question = {.to = call->client,
                     .method = gw_view_of("how are you"),
                     .json = gw_view_of("null")};
  gw_server_answer(call, GW_CODE_OK, nothing, NULL);
  if (gw_server_publish(a->server, &news, on_published, a) < 0 ||
      gw_server_rpc(a->server, &question, on_answer, a) < 0)
    exit(EXIT_FAILURE);
}

/** What clients publish with a tag `event` that begins with order. */
static bool on_order(void *user, const gw_server_event *e) {
  (void)user;
  printf("event %.*s in %.*s: %.*s\n", (int)e->name.len,
         (const char *)e->name.data, (int)e->channel.len,
         (const char *)e->channel.data, (int)e->json.len,
         (const char *)e->json.data);
  return true;
}

/** What the server tells itself. */
static bool on_own(void *user, const gw_server_event *e) {
  (void)user;
  printf("own %.*s\n", (int)e->name.len, (const char *)e->name.data);
  return true;
}

/** Who comes into a channel's presence, and leaves it. */
static bool on_presence(void *user, const gw_server_event *e) {
  (void)user;
  printf("%.*s %.*s %.*s%s%s\n", (int)e->name.len, (const char *)e->name.data,
         (int)e->user.len, (const char *)e->user.data, (int)e->state.len,
         (const char *)e->state.data, e->first ? " first" : "",
         e->last ? " last" : "");
  return true;
}

int main(int argc, char **argv) {
  app a = {NULL};
  (void)setvbuf(stdout, NULL, _IOLBF, 0);
  gw_server_options options = {
      .argc = argc - 1, .argv = argv + 1, .takes_signals = true};
  if (gw_server_new(&a.server, &options) < 0) return EXIT_FAILURE;
  int err = gw_server_handle(a.server, "finish", finish, &a);
  if (err == 0) err = gw_server_on_event(a.server, "order.*", on_order, &a);
  if (err == 0) err = gw_server_on_event(a.server, "$connection.*", on_own, &a);
  if (err == 0) err = gw_server_on_event(a.server, "$channel.*", on_own, &a);
  if (err == 0)
    err = gw_server_on_event(a.server, "$presence.>", on_presence, &a);
  if (err == 0) err = gw_server_listen(a.server);
  if (err == 0) {
    printf("port %u\n", gw_server_port(a.server));
    err = gw_server_run(a.server);
  }
  gw_server_free(a.server);
  return err == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
