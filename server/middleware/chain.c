/* SPDX-License-Identifier: MIT */
/* chain.c - links are an array that is walked. */
#include "server/middleware/chain.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BETWEEN ", \t"

static void free_links(gw_chain_link *links, size_t num) {
  for (size_t i = 0; i < num; i++)
    free(links[i].name);
  free(links);
}

void gw_chain_deinit(gw_chain *c) {
  free_links(c->links, c->num);
  free_links(c->handlers, c->num_handlers);
  *c = (gw_chain){.num = 0};
}

/* ---- filling ----------------------------------------------------------------- */

/** A struct of an older header is shorter: what it lacks stays NULL. */
static bool take(gw_middleware *to, const gw_middleware *from) {
  size_t least = offsetof(gw_middleware, on_request);
  size_t size = from->size < sizeof *to ? from->size : sizeof *to;
  *to = (gw_middleware){.size = 0};
  if (from->size < least || from->size > 64 * sizeof *to) return false;
  memcpy(to, from, size);
  return true;
}

static uint32_t wants_of(const gw_middleware *on) {
  uint32_t wants = on->keeps_request ? GW_CHAIN_KEEP : 0;
  if (on->on_request != NULL) wants |= GW_CHAIN_REQUEST;
  if (on->on_refused != NULL) wants |= GW_CHAIN_REFUSED;
  if (on->on_connect != NULL) wants |= GW_CHAIN_CONNECT;
  if (on->on_frame != NULL) wants |= GW_CHAIN_FRAME;
  if (on->on_publication != NULL) wants |= GW_CHAIN_PUBLICATION;
  if (on->on_disconnect != NULL) wants |= GW_CHAIN_DISCONNECT;
  return wants;
}

static int add(gw_chain_link **links, size_t *num, const gw_middleware *on,
               void *user) {
  gw_chain_link one = {.user = user};
  if (!take(&one.on, on)) return GW_ERR_INVALID;
  if (*num == GW_CHAIN_MAX) return GW_ERR_FULL;
  gw_chain_link *more = realloc(*links, (*num + 1) * sizeof *more);
  if (more == NULL) return GW_ERR_NOMEM;
  *links = more;
  one.name = strdup(one.on.name != NULL ? one.on.name : "");
  if (one.name == NULL) return GW_ERR_NOMEM;
  one.on.name = one.name;
  more[(*num)++] = one;
  return 0;
}

static size_t find(const gw_chain *c, gw_view name) {
  size_t i = 0;
  while (i < c->num && !gw_view_eq(gw_view_of(c->links[i].name), name))
    i++;
  return i;
}

int gw_chain_add(gw_chain *c, const gw_middleware *on, void *user) {
  const char *name = on->size > offsetof(gw_middleware, name) ? on->name : NULL;
  if (name == NULL || *name == '\0' || strpbrk(name, BETWEEN) != NULL)
    return GW_ERR_INVALID;
  if (find(c, gw_view_of(name)) < c->num) return GW_ERR_EXISTS;
  int err = add(&c->links, &c->num, on, user);
  if (err == 0) c->wants |= wants_of(&c->links[c->num - 1].on);
  return err;
}

int gw_chain_add_handlers(gw_chain *c, const gw_middleware *on, void *user,
                          size_t *place) {
  int err = add(&c->handlers, &c->num_handlers, on, user);
  if (err < 0) return err;
  *place = c->num_handlers;
  c->handlers_want |= wants_of(&c->handlers[c->num_handlers - 1].on);
  return 0;
}

/* Those that are named are added before; here are all that could be. */
#define BUILT_IN "access_log, metrics, rate_limit, auth and compression"

static void explain(const gw_chain *c, gw_view word, char *why) {
  size_t len = (size_t)snprintf(
      why, GW_CHAIN_WHY_MAX, "there is no '%.*s'%s",
      (int)(word.len < 64 ? word.len : 64), (const char *)word.data,
      c->num != 0 ? "; there are " BUILT_IN ", and here"
                  : "; there are " BUILT_IN);
  for (size_t i = 0; i < c->num && len < GW_CHAIN_WHY_MAX; i++)
    len += (size_t)snprintf(why + len, GW_CHAIN_WHY_MAX - len, "%s %s",
                            i != 0 ? "," : "", c->links[i].name);
}

static void move_to(gw_chain *c, size_t from, size_t to) {
  gw_chain_link one = c->links[from];
  memmove(c->links + to + 1, c->links + to, (from - to) * sizeof one);
  c->links[to] = one;
}

int gw_chain_arrange(gw_chain *c, const char *order,
                     char why[GW_CHAIN_WHY_MAX]) {
  size_t num_placed = 0;
  for (const char *p = order + strspn(order, BETWEEN); *p != '\0';) {
    gw_view word = {(const uint8_t *)p, strcspn(p, BETWEEN)};
    size_t at = find(c, word);
    if (at == c->num) {
      explain(c, word, why);
      return GW_ERR_NOT_FOUND;
    }
    if (at >= num_placed) move_to(c, at, num_placed++);
    p += word.len;
    p += strspn(p, BETWEEN);
  }
  return 0;
}

uint32_t gw_chain_handlers_want(const gw_chain *c, size_t handlers) {
  return handlers != 0 ? wants_of(&c->handlers[handlers - 1].on) : 0;
}

/* ---- running ---------------------------------------------------------------- */

/** The i-th of those that a connection passes; NULL behind the last. */
static const gw_chain_link *link_at(const gw_chain *c, size_t handlers,
                                    size_t i) {
  if (i < c->num) return &c->links[i];
  return i == c->num && handlers != 0 ? &c->handlers[handlers - 1] : NULL;
}

#define EACH(c, handlers)        \
  const gw_chain_link *l = NULL; \
  for (size_t i = 0; (l = link_at(c, handlers, i)) != NULL; i++)

bool gw_chain_request(const gw_chain *c, size_t handlers, const gw_request *r,
                      gw_refusal *refusal) {
  EACH(c, handlers) {
    *refusal = (gw_refusal){.code = GW_CODE_OK};
    if (l->on.on_request != NULL && !l->on.on_request(l->user, r, refusal))
      return false;
  }
  return true;
}

void gw_chain_refused(const gw_chain *c, const gw_request *r,
                      const gw_refusal *refusal) {
  EACH(c, 0) {
    if (l->on.on_refused != NULL) l->on.on_refused(l->user, r, refusal);
  }
}

void gw_chain_connect(const gw_chain *c, gw_connection *conn) {
  EACH(c, conn->handlers) {
    conn->slot = i;
    if (l->on.on_connect != NULL) l->on.on_connect(l->user, conn);
  }
}

bool gw_chain_frame(const gw_chain *c, gw_connection *conn,
                    const gw_frame_view *frame, gw_refusal *refusal) {
  EACH(c, conn->handlers) {
    conn->slot = i;
    *refusal = (gw_refusal){.code = GW_CODE_OK};
    if (l->on.on_frame != NULL &&
        !l->on.on_frame(l->user, conn, frame, refusal))
      return false;
  }
  return true;
}

bool gw_chain_publication(const gw_chain *c, gw_connection *conn,
                          gw_draft *draft, gw_refusal *refusal) {
  EACH(c, conn != NULL ? conn->handlers : 0) {
    if (conn != NULL) conn->slot = i;
    *refusal = (gw_refusal){.code = GW_CODE_OK};
    if (l->on.on_publication != NULL &&
        !l->on.on_publication(l->user, conn, draft, refusal))
      return false;
  }
  return true;
}

void gw_chain_disconnect(const gw_chain *c, gw_connection *conn,
                         const gw_end *end) {
  EACH(c, conn->handlers) {
    conn->slot = i;
    if (l->on.on_disconnect != NULL) l->on.on_disconnect(l->user, conn, end);
  }
}

gw_verdict gw_chain_verdict(const gw_refusal *refusal) {
  gw_verdict v = {.code = refusal->code,
                  .retry_after_ms = refusal->retry_after_ms};
  if (v.code == GW_CODE_OK || v.code >= 1000)
    v.code = GW_CODE_PERMISSION_DENIED;
  if (refusal->message != NULL) v.message = gw_view_of(refusal->message);
  if (v.message.len > GW_MAX_REASON_BYTES || !gw_view_is_text(v.message))
    v.message.len = 0;
  return v;
}
