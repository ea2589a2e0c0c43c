/* SPDX-License-Identifier: MIT */
/* bridge.c - the functions that the module offers to JavaScript, and the port
 * that it gives to the core. src/core.ts is the other side.
 *
 * One module serves many clients. Arguments that are bytes lie one after the
 * other in the input buffer, which JavaScript fills before a call; their
 * lengths are the numbers named ..._len. Functions on_... are turns: what they
 * led to is read from the handle's words afterwards. Commands lead to no event.
 */
#include <stdlib.h>
#include <string.h>

#include "wasm/abi.h"
#include "wasm/bridge.h"

_Static_assert(offsetof(bridge, timer_ms) == 16, "JavaScript reads it there");
_Static_assert(offsetof(bridge, result) == 24, "JavaScript reads it there");

/* ---- input --------------------------------------------------------------- */

/** Shared by all clients: no call leaves anything in it. */
static bridge_buf input_buf;

/** Returns the input buffer, made large enough for len bytes; NULL when out of
 * memory. It stays where it is until a call with a larger len. */
EXPORT(input) uint8_t *bridge_input(uint32_t len) {
  if (len > input_buf.cap) {
    free(input_buf.data);
    input_buf.data = malloc(len);
    input_buf.cap = input_buf.data != NULL ? len : 0;
  }
  return input_buf.data;
}

/** Take the next argument from the input buffer. */
static gw_view take(uint32_t *at, uint32_t len) {
  gw_view v = {input_buf.data + *at, len};
  *at += len;
  return v;
}

static gw_view first(uint32_t len) {
  return (gw_view){input_buf.data, len};
}

static gw_payload payload_of(uint32_t type, gw_view bytes) {
  return (gw_payload){
      type == GW_PAYLOAD_JSON ? GW_PAYLOAD_JSON : GW_PAYLOAD_BYTES, bytes};
}

static uint64_t u64(uint32_t low, uint32_t high) {
  return (uint64_t)high << 32 | low;
}

/* Result words are written from the first on. */

static uint32_t *put64(uint32_t *at, uint64_t number) {
  *at++ = (uint32_t)number;
  *at++ = (uint32_t)(number >> 32);
  return at;
}

static uint32_t *put_view(uint32_t *at, gw_view v) {
  *at++ = (uint32_t)(uintptr_t)v.data;
  *at++ = (uint32_t)v.len;
  return at;
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
  b->timer_ms = delay_ms == UINT64_MAX ? -1 : (double)delay_ms;
}

/** The host's clock is asked at most once in a turn. */
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
  uint32_t low = host_random();
  return u64(low, host_random());
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
};

/* ---- life ---------------------------------------------------------------- */

/** Words at the start of the input of `create`; the bytes of the texts follow,
 * in the order of their lengths, the endpoints last. */
enum {
  OPT_RETRY, /* six words */
  OPT_PING_INTERVAL_MS = 6,
  OPT_CONNECT_TIMEOUT_MS,
  OPT_REQUEST_TIMEOUT_MS,
  OPT_SUSPEND_AFTER_MS,
  OPT_OUTBOX_MAX_COUNT,
  OPT_OUTBOX_MAX_BYTES,
  OPT_OUTBOX_MAX_AGE_MS,
  OPT_HAS_STORE,
  OPT_FIRST_KEY, /* two words */
  OPT_FIRST_KEY_HIGH,
  OPT_TOKEN_LEN,
  OPT_USER_LEN,
  OPT_AGENT_LEN,
  OPT_INSTANCE_LEN,
  OPT_NUM_ENDPOINTS,
  OPT_WORDS
};

static gw_retry_policy retry_of(const uint32_t *w) {
  return (gw_retry_policy){w[0], w[1], w[2], w[3], w[4], w[5]};
}

/** Fill all but the endpoints; returns where in the input these begin. */
static uint32_t read_options(gw_client_options *o, const uint32_t *w) {
  uint32_t at = (OPT_WORDS + w[OPT_NUM_ENDPOINTS]) * 4;
  *o = (gw_client_options){
      .retry = retry_of(w + OPT_RETRY),
      .ping_interval_ms = w[OPT_PING_INTERVAL_MS],
      .connect_timeout_ms = w[OPT_CONNECT_TIMEOUT_MS],
      .request_timeout_ms = w[OPT_REQUEST_TIMEOUT_MS],
      .suspend_after_ms = w[OPT_SUSPEND_AFTER_MS],
      .outbox_max_count = w[OPT_OUTBOX_MAX_COUNT],
      .outbox_max_bytes = w[OPT_OUTBOX_MAX_BYTES],
      .outbox_max_age_ms = w[OPT_OUTBOX_MAX_AGE_MS],
      .first_key = u64(w[OPT_FIRST_KEY], w[OPT_FIRST_KEY_HIGH]),
      .num_endpoints = w[OPT_NUM_ENDPOINTS],
  };
  o->token = take(&at, w[OPT_TOKEN_LEN]);
  o->user = take(&at, w[OPT_USER_LEN]);
  o->agent = take(&at, w[OPT_AGENT_LEN]);
  o->instance = take(&at, w[OPT_INSTANCE_LEN]);
  return at;
}

static gw_client *open_client(bridge *b) {
  const uint32_t *w = (const uint32_t *)(const void *)input_buf.data;
  gw_client_options options;
  uint32_t at = read_options(&options, w);
  gw_view *endpoints = calloc(options.num_endpoints, sizeof *endpoints);
  if (endpoints == NULL) return NULL;
  for (size_t i = 0; i < options.num_endpoints; i++)
    endpoints[i] = take(&at, w[OPT_WORDS + i]);
  options.endpoints = endpoints;
  gw_port with_store = port;
  if (w[OPT_HAS_STORE]) {
    with_store.store_put = port_store_put;
    with_store.store_remove = port_store_remove;
  }
  gw_client *client = gw_client_new(&options, &with_store, b);
  free(endpoints);
  return client;
}

/** Returns a handle; NULL when out of memory or an option is not valid. */
EXPORT(create) bridge *bridge_create(uint32_t id) {
  bridge *b = calloc(1, sizeof *b);
  if (b == NULL) return NULL;
  b->id = id;
  b->client = open_client(b);
  if (b->client != NULL) return b;
  free(b);
  return NULL;
}

EXPORT(destroy) void bridge_destroy(bridge *b) {
  gw_client_free(b->client);
  bridge_events_deinit(b);
  free(b);
}

/** Begin a call: time may have passed since the last one. */
static gw_client *enter(bridge *b) {
  b->now_known = false;
  return b->client;
}

EXPORT(connect) int bridge_connect(bridge *b) {
  return gw_client_connect(enter(b));
}

EXPORT(close) void bridge_close(bridge *b) {
  gw_client_close(enter(b));
}

/* ---- turns --------------------------------------------------------------- */

static gw_client *begin_turn(bridge *b) {
  bridge_events_begin(b);
  return enter(b);
}

EXPORT(on_open) void bridge_on_open(bridge *b, uint32_t generation) {
  gw_client_on_open(begin_turn(b), generation);
  bridge_events_end(b);
}

EXPORT(on_data)
void bridge_on_data(bridge *b, uint32_t generation, uint32_t len) {
  b->message = first(len);
  gw_client_on_data(begin_turn(b), generation, b->message, true);
  b->message = (gw_view){0};
  bridge_events_end(b);
}

EXPORT(on_closed)
void bridge_on_closed(bridge *b, uint32_t generation, uint32_t code,
                      uint32_t reason_len) {
  gw_client_on_closed(begin_turn(b), generation, code, first(reason_len));
  bridge_events_end(b);
}

EXPORT(on_timer) void bridge_on_timer(bridge *b) {
  gw_client_on_timer(begin_turn(b));
  bridge_events_end(b);
}

EXPORT(on_wake) void bridge_on_wake(bridge *b, uint32_t why) {
  gw_client_on_wake(begin_turn(b), (enum gw_wake)why);
  bridge_events_end(b);
}

/* ---- subscriptions ------------------------------------------------------- */

#define SUB_RECOVER        0x1u
#define SUB_PRESENCE       0x2u
#define SUB_OVERFLOW_SHIFT 8

EXPORT(subscribe)
int bridge_subscribe(bridge *b, uint32_t channel_len, uint32_t flags,
                     uint32_t epoch_low, uint32_t epoch_high,
                     uint32_t offset_low, uint32_t offset_high) {
  gw_sub_options options = {
      .recover = (flags & SUB_RECOVER) != 0,
      .presence = (flags & SUB_PRESENCE) != 0,
      .overflow = flags >> SUB_OVERFLOW_SHIFT,
      .since = {u64(epoch_low, epoch_high), u64(offset_low, offset_high)},
  };
  return (int)gw_client_subscribe(enter(b), first(channel_len), &options);
}

EXPORT(unsubscribe) int bridge_unsubscribe(bridge *b, uint32_t sub) {
  return gw_client_unsubscribe(enter(b), sub);
}

/** Result words 0 to 3: epoch and offset of what was handed over. */
EXPORT(position) void bridge_position(bridge *b, uint32_t sub) {
  gw_position position = gw_client_sub_position(enter(b), sub);
  put64(put64(b->result, position.epoch), position.offset);
}

/* ---- publications -------------------------------------------------------- */

#define PUBLISH_NO_ECHO      0x1u
#define PUBLISH_AT_MOST_ONCE 0x2u
#define PUBLISH_COMPARE      0x4u

/** The key is result words 0 and 1. */
EXPORT(publish)
int bridge_publish(bridge *b, uint32_t channel_len, uint32_t type,
                   uint32_t payload_len, uint32_t flags, uint32_t ttl_ms,
                   uint32_t epoch_low, uint32_t epoch_high, uint32_t offset_low,
                   uint32_t offset_high) {
  gw_publish_options options = {
      .no_echo = (flags & PUBLISH_NO_ECHO) != 0,
      .at_most_once = (flags & PUBLISH_AT_MOST_ONCE) != 0,
      .compare = (flags & PUBLISH_COMPARE) != 0,
      .expected = {u64(epoch_low, epoch_high), u64(offset_low, offset_high)},
      .ttl_ms = ttl_ms,
  };
  uint32_t at = 0;
  gw_view channel = take(&at, channel_len);
  gw_payload payload = payload_of(type, take(&at, payload_len));
  uint64_t key = 0;
  int err = gw_client_publish(enter(b), channel, payload, &options, &key);
  b->result[0] = (uint32_t)key;
  b->result[1] = (uint32_t)(key >> 32);
  return err;
}

EXPORT(restore) int bridge_restore(bridge *b, uint32_t entry_len) {
  return gw_client_restore(enter(b), first(entry_len));
}

/* ---- presence ------------------------------------------------------------ */

EXPORT(presence_set)
int bridge_presence_set(bridge *b, uint32_t sub, uint32_t state_len,
                        uint32_t type, uint32_t payload_len) {
  uint32_t at = 0;
  gw_view state = take(&at, state_len);
  gw_payload payload = payload_of(type, take(&at, payload_len));
  return gw_client_presence_set(enter(b), sub, state, payload);
}

EXPORT(presence_leave) int bridge_presence_leave(bridge *b, uint32_t sub) {
  return gw_client_presence_leave(enter(b), sub);
}

EXPORT(presence_get) int bridge_presence_get(bridge *b, uint32_t channel_len) {
  return (int)gw_client_presence_get(enter(b), first(channel_len));
}

/* ---- calls --------------------------------------------------------------- */

EXPORT(call)
int bridge_call(bridge *b, uint32_t method_len, uint32_t type,
                uint32_t payload_len, uint32_t timeout_ms, uint32_t to_low,
                uint32_t to_high) {
  gw_call_options options = {timeout_ms, u64(to_low, to_high)};
  uint32_t at = 0;
  gw_view method = take(&at, method_len);
  gw_payload payload = payload_of(type, take(&at, payload_len));
  return (int)gw_client_call(enter(b), method, payload, &options);
}

EXPORT(answer)
int bridge_answer(bridge *b, uint32_t call_id, uint32_t code,
                  uint32_t reason_len, uint32_t type, uint32_t payload_len) {
  uint32_t at = 0;
  gw_view reason = take(&at, reason_len);
  gw_payload payload = payload_of(type, take(&at, payload_len));
  return gw_client_answer(enter(b), call_id, code, reason, payload);
}

/* ---- settings and facts -------------------------------------------------- */

/** The policy is six words of input. */
EXPORT(set_retry) void bridge_set_retry(bridge *b) {
  const uint32_t *w = (const uint32_t *)(const void *)input_buf.data;
  gw_retry_policy policy = retry_of(w);
  gw_client_set_retry(enter(b), &policy);
}

EXPORT(set_token) int bridge_set_token(bridge *b, uint32_t token_len) {
  return gw_client_set_token(enter(b), first(token_len));
}

/** Fills the result words; texts are good until the next call. */
EXPORT(info) void bridge_info(bridge *b) {
  gw_client_info i;
  gw_client_info_get(enter(b), &i);
  uint32_t *at = b->result;
  at = put64(at, i.connection);
  at = put64(at, i.client);
  at = put_view(at, i.user);
  at = put_view(at, i.endpoint);
  at = put64(at, i.num_duplicates);
  *at++ = i.outbox_count;
  *at++ = i.outbox_bytes;
  *at++ = i.limits.max_frame_bytes;
  *at++ = i.limits.max_message_bytes;
  *at++ = i.limits.max_channel_bytes;
  *at++ = i.limits.max_subscriptions;
  *at++ = i.limits.max_presence_bytes;
  *at++ = i.limits.max_calls;
  *at++ = i.limits.max_queue_bytes;
  *at++ = i.limits.publish_per_second;
}
