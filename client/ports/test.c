/* SPDX-License-Identifier: MIT */
/* test.c - a port without I/O. */
#include "client/ports/test.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- records ------------------------------------------------------------- */

#define VIEWS_MAX 5

/** The views of an event that hold texts; the rest is plain. */
static int views_of(gw_event *e, gw_view *views[VIEWS_MAX]) {
  int n = 0;
  switch (e->type) {
  case GW_EVENT_STATE:
    views[n++] = &e->u.state.reason;
    break;
  case GW_EVENT_SUB_STATE:
    views[n++] = &e->u.sub.channel;
    views[n++] = &e->u.sub.reason;
    break;
  case GW_EVENT_PUBLICATION:
    views[n++] = &e->u.publication.payload.bytes;
    views[n++] = &e->u.publication.user;
    views[n++] = &e->u.publication.item;
    views[n++] = &e->u.publication.channel;
    views[n++] = &e->u.publication.body;
    break;
  case GW_EVENT_PUBLISHED:
    views[n++] = &e->u.published.reason;
    views[n++] = &e->u.published.field;
    break;
  case GW_EVENT_PRESENCE:
    views[n++] = &e->u.presence.member.user;
    views[n++] = &e->u.presence.member.state;
    views[n++] = &e->u.presence.member.data;
    views[n++] = &e->u.presence.member.json;
    break;
  case GW_EVENT_REPLY:
    views[n++] = &e->u.reply.reason;
    views[n++] = &e->u.reply.payload.bytes;
    e->u.reply.members = NULL; /* a view into the frame */
    break;
  case GW_EVENT_TOKEN:
    views[n++] = &e->u.token.channel;
    break;
  case GW_EVENT_CALL:
    views[n++] = &e->u.call.method;
    views[n++] = &e->u.call.payload.bytes;
    views[n++] = &e->u.call.from_user;
    break;
  case GW_EVENT_META:
    views[n++] = &e->u.meta.meta;
    break;
  case GW_EVENT_MESSAGE:
    views[n++] = &e->u.message.user;
    views[n++] = &e->u.message.group;
    views[n++] = &e->u.message.event;
    views[n++] = &e->u.message.payload.bytes;
    break;
  default:
    break;
  }
  return n;
}

static void keep_event(gw_test_port *p, const gw_event *event) {
  gw_event copy = *event;
  gw_view *views[VIEWS_MAX];
  int num = views_of(&copy, views);
  size_t len = 0;
  for (int i = 0; i < num; i++)
    len += views[i]->len;
  gw_test_event *t = malloc(sizeof *t + len + 1);
  assert(t != NULL);
  uint8_t *at = (uint8_t *)(t + 1);
  for (int i = 0; i < num; i++) {
    if (views[i]->len != 0) memcpy(at, views[i]->data, views[i]->len);
    views[i]->data = at;
    at += views[i]->len;
  }
  *t = (gw_test_event){.event = copy};
  *p->events_end = t;
  p->events_end = &t->next;
}

static void keep_frames(gw_test_port *p, gw_view message) {
  while (message.len > 0) {
    gw_frame frame;
    int64_t used = gw_frame_parse(message, GW_MAX_FRAME_BYTES_HARD, &frame);
    assert(used > 0); /* a client sends whole, valid frames */
    gw_test_frame *f = malloc(sizeof *f + frame.body.len);
    assert(f != NULL);
    uint8_t *body = (uint8_t *)(f + 1);
    if (frame.body.len != 0) memcpy(body, frame.body.data, frame.body.len);
    *f = (gw_test_frame){.message = p->num_messages,
                         .head = frame.head,
                         .body = {body, frame.body.len}};
    *p->frames_end = f;
    p->frames_end = &f->next;
    message.data += used;
    message.len -= (size_t)used;
  }
}

static void trace(gw_test_port *p, const char *format, ...) {
  size_t len = strlen(p->trace);
  va_list args;
  va_start(args, format);
  vsnprintf(p->trace + len, sizeof p->trace - len, format, args);
  va_end(args);
}

static void trace_event(gw_test_port *p, const gw_event *e) {
  static const char *const kinds[] = {"enter", "update", "leave"};
  typedef unsigned long long ull;
  switch (e->type) {
  case GW_EVENT_STATE:
    trace(p, "%s ", gw_state_name(e->u.state.to));
    break;
  case GW_EVENT_SUB_STATE:
    trace(p, "sub%u:%s ", e->u.sub.sub, gw_sub_state_name(e->u.sub.to));
    break;
  case GW_EVENT_PUBLICATION:
    trace(p, "pub%u:%llu ", e->u.publication.sub,
          (ull)e->u.publication.position.offset);
    break;
  case GW_EVENT_GAP:
    trace(p, "gap%u:%llu-%llu ", e->u.gap.sub, (ull)e->u.gap.from,
          (ull)e->u.gap.to);
    break;
  case GW_EVENT_PUBLISHED:
    if (e->u.published.code == GW_CODE_OK)
      trace(p, "ack%llu ", (ull)e->u.published.key);
    else
      trace(p, "nack%llu:%u ", (ull)e->u.published.key, e->u.published.code);
    break;
  case GW_EVENT_PRESENCE:
    trace(p, "%s%u:%llu ", kinds[e->u.presence.kind], e->u.presence.sub,
          (ull)e->u.presence.member.client);
    break;
  case GW_EVENT_PRESENCE_SYNC:
    trace(p, "sync%u ", e->u.presence_sync.sub);
    break;
  case GW_EVENT_REPLY:
    trace(p, "reply%u:%u ", e->u.reply.request, e->u.reply.code);
    break;
  case GW_EVENT_CALL:
    trace(p, "call%u ", e->u.call.call);
    break;
  case GW_EVENT_META:
    trace(p, "meta%u ", e->u.meta.sub);
    break;
  case GW_EVENT_TOKEN:
    trace(p, "token%u:%u ", e->u.token.sub, e->u.token.code);
    break;
  case GW_EVENT_RTT:
    break;
  case GW_EVENT_MESSAGE:
    trace(p, "msg%llu ", (ull)e->u.message.client);
    break;
  }
}

void gw_test_forget(gw_test_port *p) {
  for (gw_test_event *t = p->events, *next; t != NULL; t = next) {
    next = t->next;
    free(t);
  }
  for (gw_test_frame *f = p->frames, *next; f != NULL; f = next) {
    next = f->next;
    free(f);
  }
  p->events = NULL;
  p->events_end = &p->events;
  p->frames = NULL;
  p->frames_end = &p->frames;
  p->trace[0] = '\0';
}

/** What was taken last lives in these until the next is taken. */
static gw_test_event taken_event;
static gw_test_frame taken_frame;
static void *taken_event_block, *taken_frame_block;

const gw_event *gw_test_take_event(gw_test_port *p, enum gw_event_type type) {
  free(taken_event_block);
  taken_event_block = NULL;
  gw_test_event **link = &p->events;
  while (*link != NULL && (*link)->event.type != type)
    link = &(*link)->next;
  if (*link == NULL) return NULL;
  gw_test_event *t = *link;
  *link = t->next;
  if (t->next == NULL) p->events_end = link;
  taken_event = *t;
  taken_event_block = t;
  return &taken_event.event;
}

const gw_test_frame *gw_test_take_frame(gw_test_port *p, uint8_t type) {
  free(taken_frame_block);
  taken_frame_block = NULL;
  gw_test_frame **link = &p->frames;
  while (*link != NULL && (*link)->head.type != type)
    link = &(*link)->next;
  if (*link == NULL) return NULL;
  gw_test_frame *f = *link;
  *link = f->next;
  if (f->next == NULL) p->frames_end = link;
  taken_frame = *f;
  taken_frame_block = f;
  return &taken_frame;
}

/* ---- the port ------------------------------------------------------------ */

static void on_open_wanted(void *user, uint32_t generation, gw_view endpoint) {
  gw_test_port *p = user;
  assert(!p->wanted);                      /* one transport at a time */
  assert(generation == p->generation + 1); /* counts attempts */
  p->generation = generation;
  p->wanted = true;
  p->is_open = false;
  p->num_opens++;
  p->close_code = 0;
  snprintf(p->endpoint, sizeof p->endpoint, "%.*s", (int)endpoint.len,
           (const char *)endpoint.data);
  if (p->hooks.open != NULL) p->hooks.open(p, generation, endpoint);
}

static bool starts_with_hello(gw_view message) {
  gw_frame frame;
  return gw_frame_parse(message, GW_MAX_FRAME_BYTES_HARD, &frame) > 0 &&
         frame.head.type == GW_FRAME_HELLO;
}

static void on_send(void *user, uint32_t generation, gw_view message) {
  gw_test_port *p = user;
  assert(p->wanted && p->is_open && generation == p->generation);
  assert(message.len > 0);
  /* What was meant for an older connection does not come first. */
  assert(p->is_greeted || starts_with_hello(message));
  p->is_greeted = true;
  p->num_messages++;
  if (p->keep_records) keep_frames(p, message);
  if (p->hooks.send != NULL) p->hooks.send(p, generation, message);
}

static void on_close_wanted(void *user, uint32_t generation, uint32_t code,
                            gw_view reason) {
  gw_test_port *p = user;
  assert(p->wanted && generation == p->generation);
  p->wanted = false;
  p->is_open = false;
  p->close_code = code;
  if (p->hooks.close != NULL) p->hooks.close(p, generation, code, reason);
}

static void on_set_timer(void *user, uint64_t delay_ms) {
  gw_test_port *p = user;
  p->timer_ms = delay_ms == UINT64_MAX ? UINT64_MAX : *p->now_ms + delay_ms;
}

static uint64_t on_now(void *user) {
  return *((gw_test_port *)user)->now_ms;
}

/** SplitMix64: every seed gives a good sequence. */
static uint64_t on_random(void *user) {
  gw_test_port *p = user;
  uint64_t z = p->random_state += UINT64_C(0x9E3779B97F4A7C15);
  z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
  z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
  return z ^ z >> 31;
}

static void on_event(void *user, const gw_event *event) {
  gw_test_port *p = user;
  if (p->keep_records) {
    keep_event(p, event);
    trace_event(p, event);
  }
  if (p->hooks.event != NULL) p->hooks.event(p, event);
}

static void on_log(void *user, enum gw_log_level level, const char *text) {
  gw_test_port *p = user;
  if (p->hooks.log != NULL) p->hooks.log(p, level, text);
}

static bool on_may_move(void *user, enum gw_state from, enum gw_state to,
                        uint32_t code) {
  gw_test_port *p = user;
  return p->hooks.may_move == NULL || p->hooks.may_move(p, from, to, code);
}

static void on_store_put(void *user, uint64_t key, gw_view entry) {
  gw_test_port *p = user;
  if (p->hooks.store_put != NULL) p->hooks.store_put(p, key, entry);
}

static void on_store_remove(void *user, uint64_t key) {
  gw_test_port *p = user;
  if (p->hooks.store_remove != NULL) p->hooks.store_remove(p, key);
}

static const gw_port test_port = {
    .open = on_open_wanted,
    .send = on_send,
    .close = on_close_wanted,
    .set_timer = on_set_timer,
    .now = on_now,
    .random = on_random,
    .event = on_event,
    .log = on_log,
    .may_move = on_may_move,
    .store_put = on_store_put,
    .store_remove = on_store_remove,
};

gw_client *gw_test_port_init(gw_test_port *p, const gw_client_options *options,
                             const uint64_t *now_ms, uint64_t seed) {
  static const char name[] = "test:1";
  gw_view endpoint = {(const uint8_t *)name, sizeof name - 1};
  gw_client_options o = options != NULL ? *options : (gw_client_options){0};
  if (o.num_endpoints == 0) {
    o.endpoints = &endpoint;
    o.num_endpoints = 1;
  }
  *p = (gw_test_port){.now_ms = now_ms,
                      .random_state = seed,
                      .timer_ms = UINT64_MAX,
                      .keep_records = true,
                      .frames_end = &p->frames,
                      .events_end = &p->events};
  p->client = gw_client_new(&o, &test_port, p);
  return p->client;
}

void gw_test_port_deinit(gw_test_port *p) {
  gw_client_free(p->client);
  p->client = NULL;
  gw_test_forget(p);
  free(taken_event_block);
  free(taken_frame_block);
  taken_event_block = taken_frame_block = NULL;
}

/* ---- news ---------------------------------------------------------------- */

bool gw_test_tick(gw_test_port *p) {
  if (p->timer_ms > *p->now_ms) return false;
  p->timer_ms = UINT64_MAX;
  gw_client_on_timer(p->client);
  return true;
}

void gw_test_run(gw_test_port *p, uint64_t *now_ms, uint64_t ms) {
  assert(p->now_ms == now_ms);
  uint64_t end = *now_ms + ms;
  for (uint32_t same = 0;;) {
    while (gw_test_tick(p)) {
      same++;
      assert(same < 1000); /* a timer that never comes to rest */
    }
    if (p->timer_ms > end) break;
    *now_ms = p->timer_ms;
    same = 0;
  }
  *now_ms = end;
}

void gw_test_open(gw_test_port *p) {
  assert(p->wanted);
  p->is_open = true;
  p->is_greeted = false;
  gw_client_on_open(p->client, p->generation);
}

void gw_test_close(gw_test_port *p, uint32_t code) {
  assert(p->wanted);
  p->wanted = false;
  p->is_open = false;
  gw_client_on_closed(p->client, p->generation, code, (gw_view){NULL, 0});
}

void gw_test_data(gw_test_port *p, gw_view message) {
  gw_client_on_data(p->client, p->generation, message, true);
}

/* ---- allocator ----------------------------------------------------------- */

static void *failing_realloc(void *user, void *ptr, size_t size) {
  gw_test_alloc *a = user;
  if (size == 0) {
    if (ptr != NULL) a->num_blocks--;
    free(ptr);
    return NULL;
  }
  a->num_calls++;
  if (a->fail_at != 0 && (a->num_calls == a->fail_at ||
                          (a->and_after && a->num_calls > a->fail_at)))
    return NULL;
  void *block = realloc(ptr, size);
  if (block != NULL && ptr == NULL) a->num_blocks++;
  return block;
}

gw_alloc gw_test_alloc_use(gw_test_alloc *a) {
  return (gw_alloc){failing_realloc, a};
}
