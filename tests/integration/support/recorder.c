/* SPDX-License-Identifier: MIT */
/* recorder.c - a plugin for tests: a route with handlers that tell what they were
 * shown. Its settings make it fail in one way or another. */
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "godwit/plugin.h"

#ifndef ABI
#define ABI GW_PLUGIN_ABI
#endif

static atomic_uint num_connects, num_disconnects, num_frames, num_refused;

static bool on_request(void *user, const gw_request *r, gw_refusal *refusal) {
  (void)user;
  if (gw_request_get(r, GW_REQUEST_QUERY, "refuse").len == 0) return true;
  refusal->status = 418;
  refusal->content_type = "text/html";
  refusal->body = gw_view_of("<p>no tea here</p>");
  refusal->message = "a teapot";
  return false;
}

static void on_refused(void *user, const gw_request *r, const gw_refusal *why) {
  (void)user;
  (void)r;
  (void)why;
  atomic_fetch_add(&num_refused, 1);
}

/** Keeps the parameter as long as the connection. */
static void on_connect(void *user, gw_connection *c) {
  gw_view id = gw_connection_param(c, "id");
  void **slot = gw_connection_slot(c);
  (void)user;
  atomic_fetch_add(&num_connects, 1);
  if (slot != NULL) *slot = strndup((const char *)id.data, id.len);
}

static bool on_frame(void *user, gw_connection *c, const gw_frame_view *f,
                     gw_refusal *refusal) {
  (void)user;
  (void)c;
  atomic_fetch_add(&num_frames, 1);
  if (!gw_view_eq(f->method, gw_view_of("forbidden"))) return true;
  refusal->code = 942;
  refusal->message = "not for you";
  return false;
}

static bool on_publication(void *user, gw_connection *c, gw_draft *d,
                           gw_refusal *refusal) {
  char text[64];
  (void)user;
  (void)refusal;
  int len = snprintf(text, sizeof text, "{\"by\":\"%.*s\"}",
                     (int)gw_connection_param(c, "id").len,
                     (const char *)gw_connection_param(c, "id").data);
  uint8_t *space = gw_draft_space(d, (size_t)len);
  if (space == NULL) return false;
  memcpy(space, text, (size_t)len);
  d->json = (gw_view){space, (size_t)len};
  d->data = (gw_view){NULL, 0};
  return true;
}

static void on_disconnect(void *user, gw_connection *c, const gw_end *end) {
  void **slot = gw_connection_slot(c);
  (void)user;
  (void)end;
  atomic_fetch_add(&num_disconnects, 1);
  if (slot != NULL) free(*slot);
}

/** recorder.state: what is known of the caller. */
static void state(void *user, const gw_server_call *call, const gw_rpc *rpc) {
  gw_connection *c = call->connection;
  const gw_request *r = gw_connection_request(c);
  gw_view id = gw_connection_param(c, "id"), peer = gw_connection_peer(c);
  gw_view agent = {NULL, 0};
  char json[512];
  (void)user;
  (void)rpc;
  if (r != NULL) agent = gw_request_get(r, GW_REQUEST_HEADER, "user-agent");
  int len = snprintf(
      json, sizeof json,
      "{\"route\":\"%s\",\"id\":\"%.*s\",\"peer\":\"%.*s\",\"agent\":\"%.*s\","
      "\"kept\":%s,\"connects\":%u,\"disconnects\":%u,\"frames\":%u,"
      "\"refused\":%u}",
      gw_connection_route(c), (int)id.len, (const char *)id.data, (int)peer.len,
      (const char *)peer.data, (int)agent.len, (const char *)agent.data,
      r != NULL ? "true" : "false", atomic_load(&num_connects),
      atomic_load(&num_disconnects), atomic_load(&num_frames),
      atomic_load(&num_refused));
  gw_rpc_result result = {.json = {(const uint8_t *)json, (size_t)len}};
  gw_server_answer(call, GW_CODE_OK, (gw_view){NULL, 0}, &result);
}

static int load(gw_server *s, const char *settings, char why[GW_PLUGIN_WHY_MAX],
                void **own) {
  static const gw_middleware handlers = {.size = sizeof handlers,
                                         .on_request = on_request,
                                         .on_refused = on_refused,
                                         .on_connect = on_connect,
                                         .on_frame = on_frame,
                                         .on_publication = on_publication,
                                         .on_disconnect = on_disconnect};
  const gw_server_route_options with = {.size = sizeof with,
                                        .channels = "rec:{id}",
                                        .keeps_request =
                                            strcmp(settings, "keep") == 0,
                                        .handlers = &handlers};
  (void)own;
  if (strcmp(settings, "fail") == 0) {
    snprintf(why, GW_PLUGIN_WHY_MAX, "there is no more tea");
    return GW_ERR_STATE;
  }
  int err = gw_server_route(s, "/rec/:id", &with, NULL);
  if (err == 0 && strcmp(settings, "twice") == 0)
    err = gw_server_route(s, "/rec/:name", NULL, NULL);
  if (err == 0) err = gw_server_route(s, "/plain", NULL, NULL);
  return err < 0 ? err : gw_server_handle(s, "recorder.state", state, NULL);
}

#ifndef NOTHING
GW_PLUGIN(.name = "recorder", .version = "1", .load = load, .abi = ABI);
#else
int (*const unused)(gw_server *, const char *, char *, void **) = load;
#endif
