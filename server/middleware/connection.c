/* SPDX-License-Identifier: MIT */
/* connection.c - what handlers may ask a connection. */
#include "server/middleware/connection.h"

#include <stdlib.h>

uint64_t gw_connection_client(const gw_connection *c) {
  return c->facts->client;
}

uint64_t gw_connection_id(const gw_connection *c) {
  return c->facts->connection;
}

gw_view gw_connection_user(const gw_connection *c) {
  return c->facts->user;
}

bool gw_connection_is_known(const gw_connection *c) {
  return c->facts->is_known;
}

gw_view gw_connection_peer(const gw_connection *c) {
  return c->facts->peer;
}

const char *gw_connection_route(const gw_connection *c) {
  return c->route;
}

gw_view gw_connection_param(const gw_connection *c, const char *name) {
  if (c->state == NULL || c->state->request == NULL) return (gw_view){NULL, 0};
  return gw_request_get(c->state->request, GW_REQUEST_PARAM, name);
}

const gw_request *gw_connection_request(const gw_connection *c) {
  return c->state != NULL && c->state->is_whole ? c->state->request : NULL;
}

void gw_connection_stay_plain(gw_connection *c) {
  c->is_plain = true;
}

void **gw_connection_slot(gw_connection *c) {
  if (c->state == NULL) return NULL;
  if (c->state->slots == NULL)
    c->state->slots = calloc(c->num_slots, sizeof(void *));
  return c->state->slots != NULL ? &c->state->slots[c->slot] : NULL;
}
