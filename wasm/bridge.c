/* SPDX-License-Identifier: MIT */
/* bridge.c - the functions that the module offers to JavaScript, and the port
 * that it gives to the core. src/engine.ts is the other side.
 *
 * One module serves many clients. Arguments that are structs, texts or bytes lie
 * one after the other in the input, which JavaScript fills before a call; the
 * lengths of the latter are the numbers named ..._len. Functions on_... are
 * turns: the events that they led to are in the records afterwards. Commands
 * lead to no event.
 */
#include <stdlib.h>
#include <string.h>

#include "wasm/abi.h"
#include "wasm/layout.h"

/* ---- input --------------------------------------------------------------- */

/** Shared by all clients: no call leaves anything in it. */
static bridge_buf input;

/** Returns the input, made large enough for len bytes; NULL when out of memory.
 * It stays where it is until a call with a larger len. */
EXPORT(a) uint8_t *bridge_input(uint32_t len) {
  if (len > input.cap) {
    free(input.data);
    input.data = malloc(len);
    input.cap = input.data != NULL ? len : 0;
  }
  input.len = 0;
  return input.data;
}

static gw_view first(uint32_t len) {
  return (gw_view){input.data, len};
}

/** What follows the first `at` bytes. */
static gw_view after(uint32_t at, uint32_t len) {
  return (gw_view){input.data + at, len};
}

static gw_payload payload_of(uint32_t type, gw_view bytes) {
  return (gw_payload){(enum gw_payload_type)type, bytes};
}

/* ---- port ---------------------------------------------------------------- */

static uint32_t id_of(void *user) {
  return ((bridge *)user)->id;
}

static void port_open(void *user, uint32_t generation, gw_view endpoint) {
  host_open(id_of(user), generation, endpoint.data, (uint32_t)endpoint.len);
}

static void port_send(void *user, uint32_t generation, gw_view message) {
  host_send(id_of(user), generation, message.data, (uint32_t)message.len);
}

static void port_close(void *user, uint32_t generation, uint32_t code,
                       gw_view reason) {
  host_close(id_of(user), generation, code, reason.data, (uint32_t)reason.len);
}

static void port_set_timer(void *user, uint64_t delay_ms) {
  bridge *b = user;
  b->has_timer = 1;
  b->timer_ms = delay_ms < UINT32_MAX ? (uint32_t)delay_ms : UINT32_MAX;
}

/** The host's clock is asked at most once in a call. */
static uint64_t port_now(void *user) {
  bridge *b = user;
  if (!b->now_known) {
    b->now_ms = (uint64_t)host_now(b->id);
    b->now_known = true;
  }
  return b->now_ms;
}

static uint64_t port_random(void *user) {
  (void)user;
  uint64_t high = host_random();
  return high << 32 | host_random();
}

static void port_log(void *user, enum gw_log_level level, const char *text) {
  host_log(id_of(user), level, text, (uint32_t)strlen(text));
}

static bool port_may_move(void *user, enum gw_state from, enum gw_state to,
                          uint32_t code) {
  return host_may_move(id_of(user), from, to, code) != 0;
}

static void port_store_put(void *user, uint64_t key, gw_view entry) {
  host_store_put(id_of(user), (uint32_t)key, (uint32_t)(key >> 32), entry.data,
                 (uint32_t)entry.len);
}

static void port_store_remove(void *user, uint64_t key) {
  host_store_remove(id_of(user), (uint32_t)key, (uint32_t)(key >> 32));
}

static const gw_port port = {
    .open = port_open,
    .send = port_send,
    .close = port_close,
    .set_timer = port_set_timer,
    .now = port_now,
    .random = port_random,
    .event = bridge_events_put,
    .log = port_log,
    .may_move = port_may_move,
    .store_put = port_store_put,
    .store_remove = port_store_remove,
};

/* ---- life ---------------------------------------------------------------- */

/** The input begins with gw_client_options, whose views lie behind it. Returns
 * a handle; NULL when out of memory or an option is not valid. */
EXPORT(b) bridge *bridge_create(uint32_t id) {
  bridge *b = malloc(sizeof *b);
  if (b == NULL) return NULL;
  *b = (bridge){.id = id};
  b->client = gw_client_new((const void *)input.data, &port, b);
  if (b->client != NULL) return b;
  free(b);
  return NULL;
}

EXPORT(c) void bridge_destroy(bridge *b) {
  gw_client_free(b->client);
  free(b->records.data);
  free(b->texts.data);
  free(b->bytes.data);
  free(b);
}

/** Begin a call: time may have passed since the last one. */
static gw_client *enter(bridge *b) {
  b->now_known = false;
  return b->client;
}

EXPORT(i) int bridge_connect(bridge *b) {
  return gw_client_connect(enter(b));
}

EXPORT(j) void bridge_close(bridge *b) {
  gw_client_close(enter(b));
}

/* ---- turns --------------------------------------------------------------- */

static gw_client *begin_turn(bridge *b) {
  bridge_events_begin(b);
  return enter(b);
}

EXPORT(d) void bridge_on_open(bridge *b, uint32_t generation) {
  gw_client_on_open(begin_turn(b), generation);
}

EXPORT(e)
void bridge_on_data(bridge *b, uint32_t generation, uint32_t len) {
  gw_client_on_data(begin_turn(b), generation, first(len), true);
}

EXPORT(f)
void bridge_on_closed(bridge *b, uint32_t generation, uint32_t code,
                      uint32_t reason_len) {
  gw_client_on_closed(begin_turn(b), generation, code, first(reason_len));
}

EXPORT(g) void bridge_on_timer(bridge *b) {
  gw_client_on_timer(begin_turn(b));
}

EXPORT(h) void bridge_on_wake(bridge *b, uint32_t why) {
  gw_client_on_wake(begin_turn(b), (enum gw_wake)why);
}

/* ---- subscriptions ------------------------------------------------------- */

/** Input: gw_sub_options, of whose token and metadata there is the length only,
 * and of whose filter the number of terms; channel, token and metadata as one
 * text; terms. */
EXPORT(k)
int bridge_subscribe(bridge *b, uint32_t text_len, uint32_t type,
                     uint32_t terms_len) {
  gw_sub_options *options = (void *)input.data;
  gw_view channel = after(sizeof *options, text_len);
  (void)type;
  options->filter = gw_list_of(after(sizeof *options + text_len, terms_len),
                               options->filter.num);
  channel.len -= options->token.len + options->meta.len;
  options->token.data = channel.data + channel.len;
  options->meta.data = options->token.data + options->token.len;
  return (int)gw_client_subscribe(enter(b), channel, options);
}

EXPORT(l) int bridge_unsubscribe(bridge *b, uint32_t sub) {
  return gw_client_unsubscribe(enter(b), sub);
}

/** Returned beside: the position of what was handed over. */
EXPORT(m) void bridge_position(bridge *b, uint32_t sub) {
  b->returned = gw_client_sub_position(enter(b), sub);
}

/* ---- publications -------------------------------------------------------- */

/** Input: gw_publish_options, of whose item and metadata there are the lengths
 * only, and of whose tags the number; channel, item and metadata as one text;
 * tags and payload as one. Returned beside: the key. */
EXPORT(n)
int bridge_publish(bridge *b, uint32_t tags_len, uint32_t text_len,
                   uint32_t type, uint32_t payload_len) {
  gw_publish_options *options = (void *)input.data;
  gw_view channel = after(sizeof *options, text_len);
  gw_view bytes = after(sizeof *options + text_len, payload_len);
  options->tags = gw_list_of(bytes, options->tags.num);
  options->tags.rest.len = tags_len;
  bytes.data += tags_len;
  bytes.len -= tags_len;
  channel.len -= options->item.len + options->meta.len;
  options->item.data = channel.data + channel.len;
  options->meta.data = options->item.data + options->item.len;
  return gw_client_publish(enter(b), channel, payload_of(type, bytes), options,
                           &b->returned.epoch);
}

EXPORT(o) int bridge_restore(bridge *b, uint32_t entry_len) {
  return gw_client_restore(enter(b), first(entry_len));
}

/* ---- presence ------------------------------------------------------------ */

/** Input: state, payload. */
EXPORT(p)
int bridge_presence_set(bridge *b, uint32_t sub, uint32_t state_len,
                        uint32_t type, uint32_t payload_len) {
  gw_payload payload = payload_of(type, after(state_len, payload_len));
  return gw_client_presence_set(enter(b), sub, first(state_len), payload);
}

EXPORT(q) int bridge_presence_leave(bridge *b, uint32_t sub) {
  return gw_client_presence_leave(enter(b), sub);
}

EXPORT(r) int bridge_presence_get(bridge *b, uint32_t channel_len) {
  return (int)gw_client_presence_get(enter(b), first(channel_len));
}

/* ---- calls --------------------------------------------------------------- */

/** Input: gw_call_options, method, payload. */
EXPORT(s)
int bridge_call(bridge *b, uint32_t method_len, uint32_t type,
                uint32_t payload_len) {
  const gw_call_options *options = (const void *)input.data;
  gw_view method = after(sizeof *options, method_len);
  gw_view bytes = after(sizeof *options + method_len, payload_len);
  return (int)gw_client_call(enter(b), method, payload_of(type, bytes),
                             options);
}

/** Input: reason, payload. */
EXPORT(t)
int bridge_answer(bridge *b, uint32_t call, uint32_t code,
                  uint32_t retry_after_ms, uint32_t reason_len, uint32_t type,
                  uint32_t payload_len) {
  gw_payload payload = payload_of(type, after(reason_len, payload_len));
  gw_view reason = first(reason_len);
  if (code == GW_CODE_OK)
    return gw_client_answer(enter(b), call, code, reason, payload);
  return gw_client_refuse(enter(b), call, code, reason, retry_after_ms);
}

/* ---- settings and facts -------------------------------------------------- */

/** Input: gw_retry_policy. */
EXPORT(u) void bridge_set_retry(bridge *b) {
  gw_client_set_retry(enter(b), (const void *)input.data);
}

EXPORT(v) int bridge_set_token(bridge *b, uint32_t token_len) {
  return gw_client_set_token(enter(b), first(token_len));
}

/** Answer a question for a token. Input: token; with a code there is none. */
EXPORT(x)
int bridge_token(bridge *b, uint32_t ask, uint32_t code, uint32_t token_len) {
  if (code != 0) return gw_client_no_token(enter(b), ask, code);
  return gw_client_give_token(enter(b), ask, first(token_len));
}

/** Returns the facts; good until the next call. */
EXPORT(w) const gw_client_info *bridge_info(bridge *b) {
  static gw_client_info facts;
  gw_client_info_get(enter(b), &facts);
  return &facts;
}
