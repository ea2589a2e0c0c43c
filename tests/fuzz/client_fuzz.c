/* SPDX-License-Identifier: MIT */
/* client_fuzz.c - the client core and what a server may do to it: any bytes, well
 * formed frames in any order, ends of the connection, while the application
 * gives commands, also from its handlers. The input is a list of steps as in
 * hub_fuzz.c. */
#include <stdlib.h>
#include <string.h>

#include "client/ports/test.h"
#include "tests/fuzz/support/node.h"
#include "tests/unit/support/exact.h"

/* What a client may hold, whatever its server says: queued commands, lists of
 * members and pieces of frames are all capped. */
#define MEMORY_MAX (16u << 20)
#define MAX_SUBS   16u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static gw_test_port p;
static uint64_t now;
static uint64_t held;     /* bytes of memory */
static bool is_reentrant; /* handlers give commands */
static gw_position at[MAX_SUBS];
static uint64_t settled; /* bit k: key k */

/* ---- memory -------------------------------------------------------------- */

/** A block begins with its size. */
static void *counted_realloc(void *user, void *block, size_t size) {
  uint64_t *old = block != NULL ? (uint64_t *)block - 2 : NULL;
  (void)user;
  held -= old != NULL ? *old : 0;
  if (size == 0) {
    free(old);
    return NULL;
  }
  held += size;
  must(held < MEMORY_MAX);
  uint64_t *now_at = realloc(old, size + 2 * sizeof *old);
  must(now_at != NULL);
  *now_at = size;
  return now_at + 2;
}

/* ---- what the application must not see ------------------------------------ */

/** Follows the last, or a gap was told. Those that match a pattern have streams
 * of their own. */
static void check_publication(const gw_event *e) {
  uint32_t sub = e->u.publication.sub;
  gw_position to = e->u.publication.position;
  if (sub >= MAX_SUBS || e->u.publication.channel.len != 0) return;
  if (at[sub].epoch != 0) {
    must(to.epoch == at[sub].epoch);
    must(to.offset > at[sub].offset);
  }
  at[sub] = to;
}

static void check_event(const gw_event *e) {
  switch (e->type) {
  case GW_EVENT_PUBLICATION:
    check_publication(e);
    break;
  case GW_EVENT_GAP:
    if (e->u.gap.sub < MAX_SUBS) at[e->u.gap.sub] = e->u.gap.position;
    break;
  case GW_EVENT_SUB_STATE:
    if (e->u.sub.to == GW_SUB_ENDED && e->u.sub.sub < MAX_SUBS)
      at[e->u.sub.sub] = (gw_position){0};
    break;
  case GW_EVENT_PUBLISHED:
    if (e->u.published.key >= 64 || e->u.published.key == 0) break;
    must((settled >> e->u.published.key & 1) == 0); /* once */
    settled |= UINT64_C(1) << e->u.published.key;
    break;
  case GW_EVENT_STATE:
    must(gw_state_may_move(e->u.state.from, e->u.state.to));
    break;
  default:
    break;
  }
}

/* ---- commands -------------------------------------------------------------- */

static gw_view name_of(uint8_t how) {
  static const char *const names[] = {"a",  "b", "c",    "map:d",
                                      "a*", "",  "\x01", "e"};
  return gw_view_of(names[how % 8]);
}

static bool visit(void *arg, const gw_presence_member *m) {
  *(uint64_t *)arg += m->client + m->user.len;
  return true;
}

static void publish(uint8_t how) {
  gw_payload text = {how & 8 ? GW_PAYLOAD_JSON : GW_PAYLOAD_BYTES,
                     gw_view_of("\"x\"")};
  gw_publish_options o = {.no_echo = (how & 16) != 0,
                          .at_most_once = (how & 32) != 0,
                          .compare = (how & 64) != 0,
                          .item = gw_view_of(how & 128 ? "i" : "")};
  uint64_t key;
  (void)!gw_client_publish(p.client, name_of(how), text, &o, &key);
}

static void subscribe(uint8_t how) {
  gw_sub_options o = {.recover = (how & 8) != 0,
                      .presence = (how & 16) != 0,
                      .asks_token = (how & 32) != 0};
  (void)!gw_client_subscribe(p.client, name_of(how), &o);
}

static void command(uint8_t what, uint8_t how) {
  gw_payload text = {GW_PAYLOAD_JSON, gw_view_of("{}")};
  uint64_t sum = 0;
  switch (what % 16) {
  case 0:
    (void)!gw_client_connect(p.client);
    break;
  case 1:
    gw_client_close(p.client);
    break;
  case 2:
  case 3:
    subscribe(how);
    break;
  case 4:
    (void)gw_client_unsubscribe(p.client, how % MAX_SUBS);
    break;
  case 5:
  case 6:
    publish(how);
    break;
  case 7:
    (void)!gw_client_presence_set(p.client, how % MAX_SUBS, gw_view_of("s"),
                                  text);
    break;
  case 8:
    (void)!gw_client_presence_leave(p.client, how % MAX_SUBS);
    break;
  case 9:
    (void)!gw_client_call(p.client, name_of(how), text, NULL);
    break;
  case 10:
    (void)!gw_client_presence_get(p.client, name_of(how));
    break;
  case 11:
    (void)!gw_client_answer(p.client, how, how & 1 ? GW_CODE_TIMEOUT : 0,
                            gw_view_of("r"), text);
    break;
  case 12:
    (void)!gw_client_send(p.client, &(gw_send){.user = name_of(how)});
    break;
  case 13:
    (void)!gw_client_give_token(p.client, how, gw_view_of("t"));
    break;
  case 14:
    (void)gw_client_no_token(p.client, how >> 4, how & 8 ? 100 : 0);
    break;
  default:
    gw_client_cancel(p.client, how);
    gw_client_members(p.client, how % MAX_SUBS, visit, &sum);
  }
}

static void on_event(gw_test_port *port, const gw_event *e) {
  (void)port;
  check_event(e);
  if (!is_reentrant) return;
  command((uint8_t)(e->type + now), (uint8_t)(e->type * 37u + now));
}

/* ---- the server ------------------------------------------------------------ */

static void tell(gw_view bytes, bool end) {
  /* In a block of its own, so that reading past its end is found. */
  gw_view copy = exact(bytes.data, bytes.len);
  if (p.wanted && p.is_open)
    gw_client_on_data(p.client, p.generation, copy, end);
  exact_free(copy);
}

#define TELL(M, head, ...)                                           \
  do {                                                               \
    uint8_t bytes_[512];                                             \
    gw_out out_ = {bytes_, 0, sizeof bytes_};                        \
    must(gw_encode_##M(&out_, (head), &(gw_##M){__VA_ARGS__}) == 0); \
    tell((gw_view){out_.data, out_.len}, true);                      \
  } while (0)

/** The oldest request of a type that was not answered; 0: none. */
static uint32_t asked(uint8_t type) {
  const gw_test_frame *f = gw_test_take_frame(&p, type);
  return f != NULL ? f->head.request : 0;
}

static void welcome(uint8_t how) {
  gw_head head = {.type = GW_FRAME_WELCOME, .request = asked(GW_FRAME_HELLO)};
  TELL(welcome, &head, .version = GW_PROTOCOL_VERSION, .connection = 5,
       .client = 6, .features = how & 1 ? GW_FEATURE_CREDIT : 0,
       .token_ttl_ms = how & 2 ? 1000 : 0,
       .limits = {.max_frame_bytes = 65536,
                  .max_message_bytes = how & 4 ? 2 : 65536,
                  .max_channel_bytes = 255,
                  .max_subscriptions = 8,
                  .max_presence_bytes = 4096,
                  .max_calls = 4},
       .ping_interval_ms = 1000, .ping_timeout_ms = 500);
}

static void be_server(uint8_t how, uint8_t n) {
  gw_head head = {.type = GW_FRAME_SUBSCRIBED, .channel = n % 8 + 1u};
  switch (how % 8) {
  case 0:
    welcome(n);
    break;
  case 1:
    head.request = asked(GW_FRAME_SUBSCRIBE);
    TELL(subscribed, &head, .epoch = 7, .offset = n >> 4, .live = true,
         .result = how >> 6, .gap_from = how & 8, .gap_to = how & 16);
    break;
  case 2:
    head.type = GW_FRAME_PUBLICATION;
    TELL(publication, &head, .offset = n >> 3, .data = gw_view_of("x"),
         .client = how >> 3, .key = how >> 4);
    break;
  case 3:
    head = (gw_head){GW_FRAME_PUBLISHED, 0, asked(GW_FRAME_PUBLISH), 0};
    TELL(published, &head, .epoch = 7, .offset = n);
    break;
  case 4:
    head.request = asked(how & 8 ? GW_FRAME_PUBLISH : GW_FRAME_SUBSCRIBE);
    head.type = GW_FRAME_ERROR;
    head.channel = 0;
    TELL(error, &head, .code = (how >> 4) * 50u + n % 50);
    break;
  case 5:
    head.type = GW_FRAME_RECOVERY;
    TELL(recovery, &head, .from = n & 15, .to = n >> 4, .live = how & 8,
         .gap = how >> 6, .gap_from = how & 16, .gap_to = how & 32);
    break;
  case 6:
    head.type = GW_FRAME_UNSUBSCRIBED;
    TELL(unsubscribed, &head, .code = (how >> 3) * 20u);
    break;
  default:
    head = (gw_head){.type = GW_FRAME_CLOSE};
    TELL(close, &head, .code = (how >> 3) * 20u, .retry_after_ms = n);
  }
}

/** Well-formed frames, whose bodies are the input's. */
static size_t frame(uint8_t type, gw_view rest) {
  uint8_t bytes[512];
  gw_out out = {bytes, 0, sizeof bytes};
  if (rest.len < 4) return rest.len;
  size_t len = rest.data[3] < rest.len - 4 ? rest.data[3] : rest.len - 4;
  gw_head head = {.type = type,
                  .flags = rest.data[0],
                  .request = rest.data[1],
                  .channel = rest.data[2]};
  if (gw_frame_put(&out, &head, (gw_view){rest.data + 4, len}) == 0)
    tell((gw_view){out.data, out.len}, true);
  return len + 4;
}

static size_t raw(gw_view rest, bool end) {
  if (rest.len == 0) return 0;
  size_t len = rest.data[0] < rest.len - 1 ? rest.data[0] : rest.len - 1;
  tell((gw_view){rest.data + 1, len}, end);
  return len + 1;
}

/* ---- steps ----------------------------------------------------------------- */

static void transport(uint8_t how) {
  if (!p.wanted) return;
  if (!p.is_open && (how & 1) != 0) {
    gw_test_open(&p);
  } else if (!p.is_open && (how & 2) != 0) {
    p.wanted = false;
    gw_client_on_refused(p.client, p.generation, 4000u + how, how * 10u,
                         gw_view_of("no"));
  } else {
    gw_test_close(&p, how & 4 ? 4000u + how * 2u : 0);
  }
}

static size_t step(uint8_t what, uint8_t how, gw_view rest) {
  switch (what % 8) {
  case 0:
    return raw(rest, (how & 1) == 0);
  case 1:
    return frame(how, rest);
  case 2:
  case 3:
    if (rest.len == 0) return 0;
    be_server(how, rest.data[0]);
    return 1;
  case 4:
    command(what >> 3, how);
    break;
  case 5:
    transport(how);
    break;
  case 6:
    gw_test_run(&p, &now, (uint64_t)how << (what >> 4));
    break;
  default:
    gw_client_on_wake(p.client, (enum gw_wake)(how % 4));
  }
  return 0;
}

static void begin(uint8_t how) {
  gw_client_options o = {.alloc = {counted_realloc, NULL},
                         .token = gw_view_of(how & 1 ? "t" : ""),
                         .asks_token = (how & 2) != 0,
                         .outbox_max_count = 8,
                         .credit_bytes = how & 8 ? 400 : 0};
  now = 1000;
  held = 0;
  settled = 0;
  memset(at, 0, sizeof at);
  is_reentrant = (how & 4) != 0;
  must(gw_test_port_init(&p, &o, &now, 1) != NULL);
  p.hooks.event = on_event;
  (void)!gw_client_connect(p.client);
  if ((how & 16) == 0) return;
  gw_test_run(&p, &now, 1);
  transport(1);
  welcome(1);
  gw_test_run(&p, &now, 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0) return 0;
  begin(data[0]);
  gw_view rest = {data + 1, size - 1};
  while (rest.len >= 2) {
    gw_view after = {rest.data + 2, rest.len - 2};
    size_t used = step(rest.data[0], rest.data[1], after);
    rest = (gw_view){after.data + used, after.len - used};
    gw_test_run(&p, &now, 0); /* commands only queue */
    p.trace[0] = '\0';
  }
  gw_test_port_deinit(&p);
  must(held == 0);
  return 0;
}
