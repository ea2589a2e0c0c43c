/* SPDX-License-Identifier: MIT */
/* dispatcher.c - the way of named events through the handlers of a host. */
#include "godwit/dispatcher.h"

#include <assert.h>
#include <string.h>

#include "client/internal.h"

#define SPACE_END ':'

/** Bytes of the longest name of the client's own. */
#define NAME_MAX_BYTES 64u

/** From the innermost place to the outermost. */
enum place { CHANNEL, SPACE, CLIENT, EVERYWHERE, NUM_PLACES };

typedef struct handler handler;
struct handler {
  handler *next;
  uint32_t id;
  enum place place;
  bool capture;
  bool once;
  bool is_off; /* freed when no event is on its way */
  const gw_client *client;
  gw_on_named_event on_event;
  void *user;
  gw_view pattern; /* behind it, as the name */
  gw_view name;    /* of the channel or namespace */
};

struct gw_dispatcher {
  gw_alloc alloc;
  handler *first;
  handler **end;
  uint32_t num;
  uint32_t last_id;
  bool is_telling;
  bool has_off;
};

gw_dispatcher *gw_dispatcher_new(const gw_alloc *alloc) {
  if (alloc == NULL) alloc = &gw_alloc_libc;
  gw_dispatcher *d = alloc->realloc_fn(alloc->user, NULL, sizeof *d);
  if (d == NULL) return NULL;
  *d = (gw_dispatcher){.alloc = *alloc};
  d->end = &d->first;
  return d;
}

/** Free those that are off, or all. */
static void sweep(gw_dispatcher *d, bool all) {
  handler **at = &d->first;
  while (*at != NULL) {
    handler *h = *at;
    if (!all && !h->is_off) {
      at = &h->next;
      continue;
    }
    *at = h->next;
    d->num--;
    (void)d->alloc.realloc_fn(d->alloc.user, h, 0);
  }
  d->end = at;
  d->has_off = false;
}

void gw_dispatcher_free(gw_dispatcher *d) {
  if (d == NULL) return;
  assert(!d->is_telling && "a handler frees what it is called by");
  sweep(d, true);
  gw_alloc alloc = d->alloc;
  (void)alloc.realloc_fn(alloc.user, d, 0);
}

/* ---- handlers ------------------------------------------------------------ */

static enum place place_of(const gw_handler_place *p) {
  if (p->client == NULL) return EVERYWHERE;
  if (p->channel.len != 0) return CHANNEL;
  return p->space.len != 0 ? SPACE : CLIENT;
}

static gw_view name_of(const gw_handler_place *p) {
  return p->channel.len != 0 ? p->channel : p->space;
}

static gw_view keep(uint8_t *at, gw_view v) {
  if (v.len != 0) memcpy(at, v.data, v.len);
  return (gw_view){at, v.len};
}

static handler *make(gw_dispatcher *d, gw_view pattern,
                     const gw_handler_place *p) {
  gw_view name = name_of(p);
  handler *h = d->alloc.realloc_fn(d->alloc.user, NULL,
                                   sizeof *h + pattern.len + name.len);
  if (h == NULL) return NULL;
  uint8_t *space = (uint8_t *)(h + 1);
  *h = (handler){.place = place_of(p),
                 .capture = p->capture,
                 .once = p->once,
                 .client = p->client,
                 .pattern = keep(space, pattern)};
  h->name = keep(space + pattern.len, name);
  return h;
}

int64_t gw_dispatcher_on(gw_dispatcher *d, gw_view pattern,
                         const gw_handler_place *place,
                         gw_on_named_event on_event, void *user) {
  static const gw_handler_place everywhere;
  if (place == NULL) place = &everywhere;
  gw_view name = name_of(place);
  if (!gw_event_is_good_pattern(pattern)) return GW_ERR_INVALID;
  if (name.len != 0 && place->client == NULL) return GW_ERR_INVALID;
  if (name.len > GW_MAX_CHANNEL_BYTES) return GW_ERR_TOO_BIG;
  if (d->num == GW_DISPATCHER_MAX) return GW_ERR_FULL;
  handler *h = make(d, pattern, place);
  if (h == NULL) return GW_ERR_NOMEM;
  h->id = ++d->last_id;
  h->on_event = on_event;
  h->user = user;
  *d->end = h;
  d->end = &h->next;
  d->num++;
  return h->id;
}

static void end(gw_dispatcher *d, handler *h) {
  h->is_off = true;
  d->has_off = true;
}

static void settle(gw_dispatcher *d) {
  if (d->has_off && !d->is_telling) sweep(d, false);
}

int gw_dispatcher_off(gw_dispatcher *d, uint32_t id) {
  handler *h = d->first;
  while (h != NULL && (h->id != id || h->is_off))
    h = h->next;
  if (h == NULL) return GW_ERR_NOT_FOUND;
  end(d, h);
  settle(d);
  return 0;
}

void gw_dispatcher_forget(gw_dispatcher *d, const gw_client *client) {
  for (handler *h = d->first; h != NULL && client != NULL; h = h->next) {
    if (h->client == client) end(d, h);
  }
  settle(d);
}

/* ---- names --------------------------------------------------------------- */

static gw_view join(char space[NAME_MAX_BYTES], const char *kind,
                    const char *what) {
  size_t kind_len = strlen(kind), len = strlen(what);
  assert(kind_len + len <= NAME_MAX_BYTES && "names of states are short");
  /* A view ends without a NUL. */
  /* NOLINTBEGIN(bugprone-not-null-terminated-result) */
  memcpy(space, kind, kind_len);
  memcpy(space + kind_len, what, len);
  /* NOLINTEND(bugprone-not-null-terminated-result) */
  return (gw_view){(const uint8_t *)space, kind_len + len};
}

static const char *presence_word(uint32_t kind) {
  switch (kind) {
  case GW_PRESENCE_ENTER:
    return "enter";
  case GW_PRESENCE_LEAVE:
    return "leave";
  default:
    return "update";
  }
}

/** What a publication says that it is; empty: no event. */
static gw_view published_name(const gw_event *e) {
  gw_publication p;
  if (e->u.publication.num_tags == 0 ||
      gw_decode_publication(e->u.publication.body, &p) < 0)
    return (gw_view){NULL, 0};
  return gw_event_name(&p);
}

/** As above: names that begin with a $ nobody can send. */
static gw_view sent_name(const gw_event *e) {
  gw_view name = e->u.message.event;
  bool is_own = name.len != 0 && name.data[0] == '$';
  return is_own ? (gw_view){NULL, 0} : name;
}

static gw_view event_name(const gw_event *e, char space[NAME_MAX_BYTES]) {
  switch (e->type) {
  case GW_EVENT_PUBLICATION:
    return published_name(e);
  case GW_EVENT_MESSAGE:
    return sent_name(e);
  case GW_EVENT_STATE:
    return join(space, "$connection.", gw_state_name(e->u.state.to));
  case GW_EVENT_SUB_STATE:
    return join(space, "$subscription.", gw_sub_state_name(e->u.sub.to));
  case GW_EVENT_GAP:
    return join(space, "$subscription.", "gap");
  case GW_EVENT_PRESENCE:
    return join(space, "$presence.", presence_word(e->u.presence.kind));
  default:
    return (gw_view){NULL, 0};
  }
}

static uint32_t sub_of(const gw_event *e) {
  switch (e->type) {
  case GW_EVENT_PUBLICATION:
    return e->u.publication.sub;
  case GW_EVENT_GAP:
    return e->u.gap.sub;
  case GW_EVENT_PRESENCE:
    return e->u.presence.sub;
  default:
    return 0;
  }
}

/* ---- the way ------------------------------------------------------------- */

/** Where an event goes. */
typedef struct way {
  gw_named_event event;
  gw_view channel; /**< as it was subscribed to; empty: of the connection */
  gw_view space;
  uint32_t last_id; /**< handlers up to this one were there when it came */
} way;

/** What was subscribed to: a subscription that has ended is known no more, and
 * its last event says it. */
static gw_view subscribed_to(const gw_client *c, const gw_event *e) {
  if (e->type == GW_EVENT_SUB_STATE) return e->u.sub.channel;
  return gw_client_sub_channel(c, sub_of(e));
}

static gw_view space_of(gw_view channel) {
  const uint8_t *colon =
      channel.len != 0 ? memchr(channel.data, SPACE_END, channel.len) : NULL;
  size_t len = colon != NULL ? (size_t)(colon - channel.data) : 0;
  return (gw_view){channel.data, len};
}

static bool stands_on(const handler *h, const way *w, enum place place) {
  if (h->place != place || h->is_off || h->id > w->last_id) return false;
  if (place == EVERYWHERE) return true;
  if (h->client != w->event.client) return false;
  if (place == CLIENT) return true;
  return gw_view_eq(h->name, place == CHANNEL ? w->channel : w->space);
}

static enum gw_event_flow tell_place(gw_dispatcher *d, const way *w,
                                     enum place place, bool capture) {
  enum gw_event_flow flow = GW_EVENT_GO_ON;
  for (handler *h = d->first; h != NULL; h = h->next) {
    if (h->capture != capture || !stands_on(h, w, place) ||
        !gw_event_matches(h->pattern, w->event.name))
      continue;
    if (h->once) end(d, h);
    enum gw_event_flow now = h->on_event(h->user, &w->event);
    if (now > flow) flow = now;
    if (flow == GW_EVENT_STOP_NOW) break;
  }
  return flow;
}

static void go(gw_dispatcher *d, const way *w) {
  for (int p = NUM_PLACES - 1; p >= 0; p--) {
    if (tell_place(d, w, (enum place)p, true) != GW_EVENT_GO_ON) return;
  }
  for (int p = 0; p < NUM_PLACES; p++) {
    if (tell_place(d, w, (enum place)p, false) != GW_EVENT_GO_ON) return;
  }
}

bool gw_dispatcher_tell(gw_dispatcher *d, const gw_client *client,
                        const gw_event *e) {
  char space[NAME_MAX_BYTES];
  assert(!d->is_telling && "a handler tells an event");
  gw_view name = event_name(e, space);
  if (name.len == 0) return false;
  way w = {.event = {.name = name, .client = client, .event = e},
           .channel = subscribed_to(client, e),
           .last_id = d->last_id};
  w.space = space_of(w.channel);
  bool is_matched =
      e->type == GW_EVENT_PUBLICATION && e->u.publication.channel.len != 0;
  w.event.channel = is_matched ? e->u.publication.channel : w.channel;
  d->is_telling = true;
  go(d, &w);
  d->is_telling = false;
  settle(d);
  return true;
}
