/* SPDX-License-Identifier: MIT */
/* client.c - the client's life and its turns: what the host calls. */
#include <string.h>

#include "client/internal.h"
#include "proto/guard.h"

/** Rounds of a turn: handlers may answer each event with another command, and
 * the host must get its thread back. */
#define MAX_ROUNDS 8

/* ---- small things that every part uses ----------------------------------- */

void *gw__alloc(gw_client *c, size_t size) {
  return c->alloc.realloc_fn(c->alloc.user, NULL, size);
}

void gw__free(gw_client *c, void *ptr) {
  if (ptr != NULL) c->alloc.realloc_fn(c->alloc.user, ptr, 0);
}

int gw__copy(gw_client *c, gw_view from, gw_view *to) {
  *to = (gw_view){NULL, 0};
  if (from.len == 0) return 0;
  uint8_t *data = gw__alloc(c, from.len);
  if (data == NULL) return GW_ERR_NOMEM;
  memcpy(data, from.data, from.len);
  *to = (gw_view){data, from.len};
  return 0;
}

void gw__drop(gw_client *c, gw_view *copy) {
  gw__free(c, (void *)(uintptr_t)copy->data);
  *copy = (gw_view){NULL, 0};
}

uint64_t gw__random(gw_client *c) {
  return c->port.random(c->user);
}

void gw__log(gw_client *c, enum gw_log_level level, const char *text) {
  if (c->port.log != NULL) c->port.log(c->user, level, text);
}

uint32_t gw__next_request(gw_client *c) {
  do {
    c->last_request++;
  } while (c->last_request == 0 || gw__call_by_request(c, c->last_request));
  return c->last_request;
}

gw_payload gw__payload(gw_view data, gw_view json) {
  if (json.len != 0) return (gw_payload){GW_PAYLOAD_JSON, json};
  return (gw_payload){GW_PAYLOAD_BYTES, data};
}

bool gw__fits_frame(const gw_client *c, size_t len) {
  uint32_t limit = c->limits.max_frame_bytes;
  if (limit == 0 || limit > GW_MAX_FRAME_BYTES_HARD)
    limit = GW_MAX_FRAME_BYTES_HARD;
  return len + GW_FRAME_HEAD_MAX <= limit;
}

int gw__check_channel(const gw_client *c, gw_view channel) {
  uint32_t limit = c->limits.max_channel_bytes;
  if (limit == 0 || limit > GW_MAX_CHANNEL_BYTES) limit = GW_MAX_CHANNEL_BYTES;
  if (channel.len == 0) return GW_ERR_INVALID;
  if (channel.len > limit) return GW_ERR_TOO_BIG;
  return gw_view_is_text(channel) ? 0 : GW_ERR_TEXT;
}

int gw__check_payload(gw_payload payload) {
  if (payload.type != GW_PAYLOAD_JSON) return 0;
  return gw_view_is_text(payload.bytes) ? 0 : GW_ERR_TEXT;
}

/* ---- life ---------------------------------------------------------------- */

static uint32_t or_default(uint32_t value, uint32_t default_value) {
  return value != 0 ? value : default_value;
}

static bool is_short_text(gw_view v, size_t max) {
  return v.len <= max && gw_view_is_text(v);
}

static bool options_are_valid(const gw_client_options *o) {
  if (o->num_endpoints == 0) return false;
  for (size_t i = 0; i < o->num_endpoints; i++) {
    if (o->endpoints[i].len == 0) return false;
  }
  if (o->credit_bytes > GW_MAX_CREDIT_BYTES &&
      o->credit_bytes != GW_CREDIT_NONE)
    return false;
  return (o->instance.len == 0 || o->instance.len == GW_INSTANCE_BYTES) &&
         is_short_text(o->token, GW_MAX_TOKEN_BYTES) &&
         is_short_text(o->user, GW_MAX_USER_BYTES) &&
         is_short_text(o->agent, GW_MAX_AGENT_BYTES);
}

static int copy_options(gw_client *c, const gw_client_options *o) {
  size_t size = o->num_endpoints * sizeof *c->endpoints;
  c->endpoints = gw__alloc(c, size);
  if (c->endpoints == NULL) return GW_ERR_NOMEM;
  memset(c->endpoints, 0, size);
  c->num_endpoints = o->num_endpoints;
  int err = 0;
  for (size_t i = 0; err == 0 && i < o->num_endpoints; i++)
    err = gw__copy(c, o->endpoints[i], &c->endpoints[i]);
  if (err == 0) err = gw__copy(c, o->token, &c->token.text);
  if (err == 0) err = gw__copy(c, o->user, &c->user_id);
  if (err == 0) err = gw__copy(c, o->agent, &c->agent);
  return err;
}

/** A server remembers keys for GW_DEDUP_WINDOW_MS: what is sent again later
 * would be taken for new. */
static uint32_t clamp_age(uint32_t wanted_ms) {
  uint32_t max = GW_DEDUP_WINDOW_MS - GW_REQUEST_TIMEOUT_MS;
  return wanted_ms < max ? wanted_ms : max;
}

static void set_numbers(gw_client *c, const gw_client_options *o) {
  gw__backoff_set(&c->backoff, &o->retry);
  c->ping_interval_ms = o->ping_interval_ms;
  c->connect_timeout_ms =
      or_default(o->connect_timeout_ms, GW_HANDSHAKE_TIMEOUT_MS);
  c->request_timeout_ms =
      or_default(o->request_timeout_ms, GW_REQUEST_TIMEOUT_MS);
  c->suspend_after_ms = or_default(o->suspend_after_ms, 120000);
  c->outbox.max_count = or_default(o->outbox_max_count, 1024);
  c->outbox.max_bytes = or_default(o->outbox_max_bytes, 1024 * 1024);
  c->outbox_max_age_ms =
      clamp_age(or_default(o->outbox_max_age_ms, 5 * 60 * 1000));
  c->credit_bytes = o->credit_bytes == GW_CREDIT_NONE
                        ? 0
                        : or_default(o->credit_bytes, GW_CREDIT_BYTES);
  c->max_frame_bytes = or_default(o->max_frame_bytes, 1024 * 1024);
  c->last_key = o->first_key != 0 ? o->first_key - 1 : 0;
  c->token.is_asked = o->asks_token;
}

static void set_instance(gw_client *c, gw_view instance) {
  if (instance.len != 0) {
    memcpy(c->instance, instance.data, GW_INSTANCE_BYTES);
    return;
  }
  for (size_t i = 0; i < GW_INSTANCE_BYTES; i += 8) {
    uint64_t bits = gw__random(c);
    memcpy(c->instance + i, &bits, 8);
  }
}

gw_client *gw_client_new(const gw_client_options *options, const gw_port *port,
                         void *user) {
  if (!options_are_valid(options)) return NULL;
  gw_alloc alloc =
      options->alloc.realloc_fn != NULL ? options->alloc : gw_alloc_libc;
  gw_client *c = alloc.realloc_fn(alloc.user, NULL, sizeof *c);
  if (c == NULL) return NULL;
  *c = (gw_client){.port = *port,
                   .user = user,
                   .alloc = alloc,
                   .timer_ms = UINT64_MAX,
                   .state = GW_STATE_IDLE};
  c->now = c->since_ms = c->acted_ms = port->now(user);
  set_numbers(c, options);
  set_instance(c, options->instance);
  if (copy_options(c, options) < 0 || gw__events_reserve(c, 0) < 0) {
    gw_client_free(c);
    return NULL;
  }
  return c;
}

void gw_client_free(gw_client *c) {
  if (c == NULL) return;
  if (c->link.phase >= GW__LINK_OPENING)
    c->port.close(c->user, c->link.generation, 1000, (gw_view){NULL, 0});
  if (c->link.has_reader) gw_reader_deinit(&c->link.reader);
  gw__subs_free(c);
  gw__calls_free(c);
  gw__publish_free(c);
  gw__members_free_chain(c->removed, &c->alloc);
  for (size_t i = 0; i < c->num_endpoints; i++)
    gw__drop(c, &c->endpoints[i]);
  gw__free(c, c->endpoints);
  gw__drop(c, &c->token.text);
  gw__drop(c, &c->user_id);
  gw__drop(c, &c->agent);
  gw__drop(c, &c->server_user);
  gw__resume_keep(c, (gw_view){NULL, 0});
  gw__drop(c, &c->other_endpoint);
  gw__free(c, c->events.items);
  gw__free(c, c->out.data);
  gw__free(c, c);
}

/* ---- turns --------------------------------------------------------------- */

void gw__kick(gw_client *c) {
  if (c->inside || c->timer_ms == 0) return; /* a turn is there, or coming */
  c->timer_ms = 0;
  c->port.set_timer(c->user, 0);
}

void gw__acted(gw_client *c) {
  c->acted_ms = c->inside ? c->now : c->port.now(c->user);
}

bool gw__due(gw_client *c, uint64_t at_ms) {
  if (c->now >= at_ms) {
    c->acted = true;
    return true;
  }
  if (at_ms < c->next_ms) c->next_ms = at_ms;
  return false;
}

static void connect_now(gw_client *c) {
  switch (c->state) {
  case GW_STATE_IDLE:
  case GW_STATE_CLOSED:
  case GW_STATE_FAILED:
    c->backoff.attempt = 0;
    c->token.num_refused = 0;
    c->lost_ms = c->now;
    c->offline = false; /* hosts do not tell a client that has ended */
    gw__link_open(c);
    break;
  case GW_STATE_WAITING:
  case GW_STATE_SUSPENDED:
    /* What the server asked for holds for the application's hurry, too: else
     * a handler that connects at each refusal makes a storm. */
    if (c->now >= c->backoff.not_before_ms)
      gw__link_open(c);
    else
      c->retry_at_ms = c->backoff.not_before_ms;
    break;
  default: /* connected, or about to be */
    break;
  }
}

static void run_asked(gw_client *c) {
  if (c->close_asked) {
    c->close_asked = false;
    if (c->state != GW_STATE_CLOSED)
      gw__link_end(c, GW_STATE_CLOSED, GW_CODE_CLOSED, NULL);
  }
  if (c->connect_asked) {
    c->connect_asked = false;
    connect_now(c);
  }
}

static void pump(gw_client *c) {
  gw__link_settle(c, GW_CODE_OK); /* a subscription may have ended */
  gw__tokens_answered(c);
  gw__link_pump(c);
  if (c->link.phase >= GW__LINK_OPEN) gw__subs_pump(c);
  gw__tokens_pump(c);
  if (gw__is_welcome(c)) {
    gw__link_grant(c);
    gw__calls_pump(c);
    gw__publish_pump(c);
  }
  if (!c->broken) gw__flush(c);
  if (c->broken) gw__link_fail(c, GW_CODE_CONNECTION_LOST, "out of memory");
}

static void check_deadlines(gw_client *c) {
  c->next_ms = UINT64_MAX;
  c->acted = false;
  gw__link_due(c);
  gw__tokens_due(c);
  gw__subs_due(c);
  gw__publish_due(c);
  gw__calls_due(c);
}

static void set_timer(gw_client *c) {
  /* An earlier timer stays: it comes to nothing, and is cheaper than a new
   * wish after each message. */
  if (c->next_ms == c->timer_ms ||
      (c->next_ms > c->timer_ms && c->next_ms != UINT64_MAX))
    return;
  c->timer_ms = c->next_ms;
  c->port.set_timer(c->user, c->next_ms == UINT64_MAX ? UINT64_MAX
                                                      : c->next_ms - c->now);
}

static bool enter(gw_client *c) {
  if (c->inside) return false;
  c->inside = true;
  c->now = c->port.now(c->user);
  gw__dispatch(c);
  return true;
}

static void leave(gw_client *c) {
  bool more = true;
  for (int round = 0; more && round < MAX_ROUNDS; round++) {
    gw__dispatch(c);
    run_asked(c);
    pump(c);
    check_deadlines(c);
    more = c->acted || c->events.num > 0 || c->close_asked || c->connect_asked;
  }
  if (more) c->next_ms = c->now;
  c->inside = false;
  set_timer(c);
}

/* ---- news from the host -------------------------------------------------- */

/** The host called from inside a handler, which it must not: what it said
 * cannot be taken in there, so the link starts anew. */
static void forbidden(gw_client *c) {
  gw__log(c, GW_LOG_ERROR, "news from inside a handler");
  c->broken = true;
}

static bool is_current(const gw_client *c, uint32_t generation) {
  return c->link.phase >= GW__LINK_OPENING &&
         (c->link.generation == generation || !GW_GUARD(GENERATION));
}

void gw_client_on_open(gw_client *c, uint32_t generation) {
  if (!enter(c)) {
    forbidden(c);
    return;
  }
  run_asked(c);
  if (is_current(c, generation) && c->link.phase == GW__LINK_OPENING)
    gw__link_opened(c);
  leave(c);
}

int gw__frame(gw_client *c, const gw_frame *frame) {
  int err = gw__link_frame(c, frame);
  if (err == GW_ERR_NOMEM)
    gw__link_fail(c, GW_CODE_CONNECTION_LOST, "out of memory");
  else if (err < 0)
    gw__link_fail(c, GW_CODE_PROTOCOL, "unexpected frame");
  gw__dispatch(c);
  bool go_on = c->link.phase >= GW__LINK_OPEN && !c->close_asked && !c->broken;
  return go_on ? 0 : GW_ERR_STATE;
}

static void feed(gw_client *c, gw_view data, bool end_of_message) {
  uint32_t generation = c->link.generation;
  c->link.feeding = true;
  int err = gw_reader_feed(&c->link.reader, data, gw__take_frame, c);
  c->link.feeding = false;
  if (!is_current(c, generation)) {
    gw_reader_deinit(&c->link.reader); /* lost on the way */
    c->link.has_reader = false;
  } else if (err == GW_ERR_PEER_TOO_BIG) {
    gw__link_fail(c, GW_CODE_TOO_BIG, "frame over the limit");
  } else if (err == GW_ERR_NOMEM) {
    gw__link_fail(c, GW_CODE_CONNECTION_LOST, "out of memory");
  } else if (err == GW_ERR_PROTOCOL || (err == 0 && end_of_message &&
                                        !gw_reader_is_empty(&c->link.reader))) {
    gw__link_fail(c, GW_CODE_PROTOCOL, "malformed frame");
  }
}

void gw_client_on_data(gw_client *c, uint32_t generation, gw_view data,
                       bool end_of_message) {
  if (!enter(c)) {
    forbidden(c);
    return;
  }
  run_asked(c); /* nothing more is told after a close */
  if (is_current(c, generation) && c->link.phase >= GW__LINK_OPEN) {
    gw__link_alive(c);
    feed(c, data, end_of_message);
  }
  leave(c);
}

void gw_client_on_closed(gw_client *c, uint32_t generation, uint32_t code,
                         gw_view reason) {
  gw_client_on_refused(c, generation, code, 0, reason);
}

void gw_client_on_refused(gw_client *c, uint32_t generation, uint32_t code,
                          uint32_t retry_after_ms, gw_view reason) {
  if (!enter(c)) {
    forbidden(c);
    return;
  }
  /* Before what was asked for: a goodbye has no way out any more. */
  if (is_current(c, generation)) {
    gw__link_closed(c, code, retry_after_ms, &reason);
    gw__dispatch(c); /* while the reason holds */
  }
  leave(c);
}

void gw_client_on_timer(gw_client *c) {
  c->timer_ms = UINT64_MAX;
  if (!enter(c)) {
    gw__log(c, GW_LOG_ERROR, "timer from inside a handler");
    return; /* the turn that goes on sets it again */
  }
  leave(c);
}

void gw_client_on_wake(gw_client *c, enum gw_wake why) {
  if (!enter(c)) return;
  run_asked(c);
  gw__link_wake(c, why);
  leave(c);
}

/* ---- commands ------------------------------------------------------------ */

int gw_client_connect(gw_client *c) {
  c->connect_asked = true;
  gw__kick(c);
  return 0;
}

void gw_client_close(gw_client *c) {
  c->close_asked = true;
  c->connect_asked = false;
  gw__resume_keep(c, (gw_view){NULL, 0});
  gw__token_void(&c->token);
  gw__kick(c);
}

void gw_client_set_retry(gw_client *c, const gw_retry_policy *policy) {
  gw__backoff_set(&c->backoff, policy);
  for (gw__sub *s = c->subs; s != NULL; s = s->next)
    s->backoff.policy = c->backoff.policy;
  bool waits = c->state == GW_STATE_WAITING || c->state == GW_STATE_SUSPENDED;
  if (!waits || c->retry_at_ms == 0 || c->offline) return;
  uint64_t at = c->port.now(c->user) +
                gw__backoff_delay(&c->backoff.policy, c->backoff.attempt,
                                  (uint32_t)gw__random(c));
  c->retry_at_ms =
      at > c->backoff.not_before_ms ? at : c->backoff.not_before_ms;
  gw__kick(c);
}

int gw_client_set_token(gw_client *c, gw_view token) {
  if (token.len > GW_MAX_TOKEN_BYTES) return GW_ERR_TOO_BIG;
  if (!gw_view_is_text(token)) return GW_ERR_TEXT;
  if (gw_view_eq(token, c->token.text)) return 0;
  gw_view copy;
  int err = gw__copy(c, token, &copy);
  if (err < 0) return err;
  gw__drop(c, &c->token.text);
  c->token.text = copy;
  c->token.expires_ms = 0;
  gw__token_void(&c->token);
  c->new_token = true;
  gw__kick(c);
  return 0;
}

void gw_client_info_get(const gw_client *c, gw_client_info *info) {
  *info = (gw_client_info){
      .state = c->state,
      .since_ms = c->since_ms,
      .code = c->code,
      .attempt = c->backoff.attempt,
      .retry_at_ms = c->retry_at_ms,
      .generation = c->link.generation,
      .rtt_ms = c->rtt_ms,
      .connection = gw__is_welcome(c) ? c->connection : 0,
      .client = c->client_id,
      .user = c->server_user,
      .endpoint = gw__link_endpoint(c),
      .limits = c->limits,
      .outbox_count = c->outbox.count,
      .outbox_bytes = c->outbox.bytes,
      .num_subs = c->num_subs,
      .num_duplicates = c->num_duplicates,
      .num_ignored = c->num_ignored,
      .num_bad_deltas = c->num_bad_deltas,
      .resumed = c->resumed,
  };
}
