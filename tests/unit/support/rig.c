/* SPDX-License-Identifier: MIT */
/* rig.c - a client on the test port, and a hand that plays its server. */
#include "tests/unit/support/rig.h"

/* cmocka.h needs these before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint8_t block[256 * 1024];
static gw_out out;

static gw_out *fresh(void) {
  out = (gw_out){block, 0, sizeof block};
  return &out;
}

static void deliver(rig *r) {
  gw_test_data(&r->port, (gw_view){out.data, out.len});
}

#define SAY(r, M, head, m)                                \
  do {                                                    \
    assert_int_equal(gw_encode_##M(fresh(), head, m), 0); \
    deliver(r);                                           \
  } while (0)

/* ---- life ---------------------------------------------------------------- */

void rig_init(rig *r, const gw_client_options *options) {
  *r = (rig){.now = 1000};
  r->c = gw_test_port_init(&r->port, options, &r->now, 1);
  assert_non_null(r->c);
}

void rig_deinit(rig *r) {
  gw_test_port_deinit(&r->port);
}

void rig_go(rig *r) {
  gw_test_run(&r->port, &r->now, 0);
}

void rig_run(rig *r, uint64_t ms) {
  gw_test_run(&r->port, &r->now, ms);
}

void rig_open(rig *r) {
  gw_test_open(&r->port);
}

void rig_welcome_with(rig *r, const gw_welcome *w) {
  const gw_test_frame *hello = rig_sent(r, GW_FRAME_HELLO);
  gw_head head = {.type = GW_FRAME_WELCOME, .request = hello->head.request};
  SAY(r, welcome, &head, w);
}

void rig_welcome(rig *r) {
  gw_welcome w = {.version = 1,
                  .connection = 5,
                  .client = RIG_CLIENT_ID,
                  .user = gw_view_of("ann"),
                  .ping_interval_ms = 25000,
                  .ping_timeout_ms = 10000};
  rig_welcome_with(r, &w);
}

void rig_ready(rig *r) {
  assert_int_equal(gw_client_connect(r->c), 0);
  rig_go(r);
  rig_open(r);
  rig_welcome(r);
}

void rig_until_try(rig *r) {
  uint32_t opens = r->port.num_opens;
  for (int i = 0; i < 60000 && r->port.num_opens == opens; i++)
    rig_run(r, 1);
  assert_int_equal(r->port.num_opens, opens + 1);
}

void rig_back(rig *r) {
  rig_until_try(r);
  rig_open(r);
  rig_welcome(r);
}

/* ---- what the server says ------------------------------------------------ */

void rig_bytes(rig *r, const void *data, size_t len) {
  gw_test_data(&r->port, (gw_view){data, len});
}

void rig_subscribed(rig *r, uint32_t request, uint32_t number,
                    const gw_subscribed *m) {
  gw_head head = {
      .type = GW_FRAME_SUBSCRIBED, .request = request, .channel = number};
  SAY(r, subscribed, &head, m);
}

void rig_live(rig *r, uint32_t number, uint64_t offset) {
  const gw_test_frame *asked = rig_sent(r, GW_FRAME_SUBSCRIBE);
  gw_subscribed m = {.epoch = RIG_EPOCH, .offset = offset, .live = true};
  rig_subscribed(r, asked->head.request, number, &m);
}

void rig_unsubscribed(rig *r, uint32_t number, uint32_t code) {
  gw_head head = {.type = GW_FRAME_UNSUBSCRIBED, .channel = number};
  gw_unsubscribed m = {.code = code, .reason = gw_view_of("because")};
  SAY(r, unsubscribed, &head, &m);
}

void rig_publication(rig *r, uint32_t number, uint64_t offset, uint64_t client,
                     uint64_t key) {
  gw_head head = {.type = GW_FRAME_PUBLICATION, .channel = number};
  gw_publication m = {.offset = offset,
                      .data = gw_view_of("hi"),
                      .client = client,
                      .key = key,
                      .user = gw_view_of("bob")};
  SAY(r, publication, &head, &m);
}

void rig_publication_quiet(rig *r, uint32_t number, uint64_t offset,
                           uint64_t key) {
  gw_head head = {.type = GW_FRAME_PUBLICATION, .channel = number};
  gw_publication m = {.offset = offset,
                      .data = gw_view_of("hi"),
                      .client = RIG_CLIENT_ID,
                      .key = key,
                      .no_echo = true};
  SAY(r, publication, &head, &m);
}

void rig_own_stub(rig *r, uint32_t number, uint64_t offset, uint64_t key) {
  gw_head head = {
      .type = GW_FRAME_PUBLICATION, .flags = GW_FLAG_OWN, .channel = number};
  gw_publication m = {.offset = offset, .client = RIG_CLIENT_ID, .key = key};
  SAY(r, publication, &head, &m);
}

void rig_recovery(rig *r, uint32_t number, const gw_recovery *m) {
  gw_head head = {.type = GW_FRAME_RECOVERY, .channel = number};
  SAY(r, recovery, &head, m);
}

void rig_lagged(rig *r, uint32_t number, uint64_t from, uint64_t to) {
  gw_head head = {.type = GW_FRAME_LAGGED, .channel = number};
  gw_lagged m = {.from = from,
                 .to = to,
                 .count = to - from + 1,
                 .reason = GW_GAP_SLOW_READER};
  SAY(r, lagged, &head, &m);
}

void rig_published(rig *r, uint32_t request, uint64_t offset, bool duplicate) {
  gw_head head = {.type = GW_FRAME_PUBLISHED, .request = request};
  gw_published m = {
      .epoch = RIG_EPOCH, .offset = offset, .duplicate = duplicate};
  SAY(r, published, &head, &m);
}

void rig_error(rig *r, uint32_t request, uint32_t code, uint32_t retry_after) {
  gw_head head = {.type = GW_FRAME_ERROR, .request = request};
  gw_error m = {
      .code = code, .message = gw_view_of("no"), .retry_after_ms = retry_after};
  SAY(r, error, &head, &m);
}

void rig_ok(rig *r, uint32_t request) {
  rig_empty(r, GW_FRAME_OK, request, 0);
}

void rig_close(rig *r, const gw_close *m) {
  gw_head head = {.type = GW_FRAME_CLOSE};
  SAY(r, close, &head, m);
}

void rig_ping(rig *r, uint64_t time) {
  gw_head head = {.type = GW_FRAME_PING};
  gw_ping m = {time};
  SAY(r, ping, &head, &m);
}

void rig_pong(rig *r, uint64_t time) {
  gw_head head = {.type = GW_FRAME_PONG};
  gw_ping m = {time};
  SAY(r, ping, &head, &m);
}

void rig_empty(rig *r, uint8_t type, uint32_t request, uint32_t channel) {
  gw_head head = {.type = type, .request = request, .channel = channel};
  assert_int_equal(gw_frame_put(fresh(), &head, (gw_view){NULL, 0}), 0);
  deliver(r);
}

/* ---- presence ------------------------------------------------------------ */

#define MAX_ITEMS 16

static uint8_t item_block[MAX_ITEMS][128];
static gw_view items[MAX_ITEMS];

static gw_presence_member member_of(char digit) {
  static char states[MAX_ITEMS][3];
  static int next;
  char *state = states[next++ % MAX_ITEMS];
  state[0] = 's';
  state[1] = digit;
  state[2] = '\0';
  return (gw_presence_member){.client = (uint64_t)(digit - '0'),
                              .user = gw_view_of("u"),
                              .state = gw_view_of(state),
                              .since_ms = 1};
}

void rig_snapshot(rig *r, uint32_t request, uint32_t number, uint64_t version,
                  const char *ids, bool more) {
  size_t num = strlen(ids);
  assert_true(num <= MAX_ITEMS);
  for (size_t i = 0; i < num; i++) {
    gw_presence_member m = member_of(ids[i]);
    gw_out item = {item_block[i], 0, sizeof item_block[i]};
    assert_int_equal(gw_encode_presence_member(&item, NULL, &m), 0);
    items[i] = (gw_view){item.data, item.len};
  }
  gw_head head = {.type = GW_FRAME_PRESENCE_SNAPSHOT,
                  .request = request,
                  .channel = number};
  gw_presence_snapshot s = {.version = version,
                            .more = more,
                            .mode = r->mode,
                            .clients = r->clients,
                            .users = r->users};
  s.members.items = items;
  s.members.num = num;
  SAY(r, presence_snapshot, &head, &s);
}

void rig_diff(rig *r, uint32_t number, uint64_t version, const char *changes) {
  size_t num = 0;
  for (const char *p = changes; *p != '\0'; p++) {
    if (*p == ' ') continue;
    gw_presence_change change = {.kind = *p == '+'   ? GW_PRESENCE_ENTER
                                         : *p == '*' ? GW_PRESENCE_UPDATE
                                                     : GW_PRESENCE_LEAVE,
                                 .member = member_of(p[1])};
    if (*p == '*') change.member.state = gw_view_of("changed");
    if (p[2] == '!') change.first = *p == '+', change.last = *p == '-';
    gw_out item = {item_block[num], 0, sizeof item_block[num]};
    assert_int_equal(gw_encode_presence_change(&item, NULL, &change), 0);
    items[num++] = (gw_view){item.data, item.len};
    p += p[2] == '!' ? 2 : 1;
  }
  gw_head head = {.type = GW_FRAME_PRESENCE_DIFF, .channel = number};
  gw_presence_diff d = {
      .version = version, .clients = r->clients, .users = r->users};
  d.changes.items = items;
  d.changes.num = num;
  SAY(r, presence_diff, &head, &d);
}

/* ---- calls --------------------------------------------------------------- */

void rig_call(rig *r, uint32_t request, const char *method) {
  gw_head head = {.type = GW_FRAME_RPC, .request = request};
  gw_rpc m = {.method = gw_view_of(method),
              .json = gw_view_of("{}"),
              .timeout_ms = 5000,
              .from = 9};
  SAY(r, rpc, &head, &m);
}

void rig_result(rig *r, uint32_t request, const char *data) {
  gw_head head = {.type = GW_FRAME_RPC_RESULT, .request = request};
  gw_rpc_result m = {.data = gw_view_of(data)};
  SAY(r, rpc_result, &head, &m);
}

/* ---- messages ------------------------------------------------------------ */

void rig_message(rig *r, uint64_t client, const char *event, const char *json) {
  gw_head head = {.type = GW_FRAME_MESSAGE};
  gw_message m = {.client = client,
                  .user = gw_view_of("u"),
                  .to = GW_ADDRESS_USER,
                  .event = gw_view_of(event),
                  .json = gw_view_of(json),
                  .time_ms = 5};
  SAY(r, message, &head, &m);
}

void rig_receivers(rig *r, uint32_t request, uint32_t receivers) {
  gw_head head = {.type = GW_FRAME_SENT, .request = request};
  gw_sent m = {.receivers = receivers};
  SAY(r, sent, &head, &m);
}

/* ---- a server that says yes ---------------------------------------------- */

bool rig_is_up(const rig *r) {
  return r->port.wanted && r->port.is_open;
}

static void answer_subscribe(rig *r, const gw_test_frame *f) {
  gw_subscribe asked;
  assert_int_equal(gw_decode_subscribe(f->body, &asked), 0);
  gw_subscribed m = {.epoch = RIG_EPOCH, .offset = asked.offset, .live = true};
  uint32_t number = f->head.channel;
  rig_subscribed(r, f->head.request, number, &m);
  if (asked.presence && rig_is_up(r))
    rig_snapshot(r, 0, number, 3, "123456789", false);
}

static void answer(rig *r, const gw_test_frame *f) {
  switch (f->head.type) {
  case GW_FRAME_SUBSCRIBE:
    answer_subscribe(r, f);
    break;
  case GW_FRAME_PUBLISH:
    rig_published(r, f->head.request, 50, false);
    break;
  case GW_FRAME_RPC:
    rig_result(r, f->head.request, "ok");
    break;
  case GW_FRAME_SEND:
    rig_receivers(r, f->head.request, 1);
    break;
  case GW_FRAME_PRESENCE_SET:
  case GW_FRAME_PRESENCE_LEAVE:
    rig_ok(r, f->head.request);
    break;
  default:
    break;
  }
}

void rig_serve(rig *r, uint64_t ms) {
  for (uint64_t i = 0; i < ms; i++) {
    rig_run(r, 1);
    if (r->port.wanted && !r->port.is_open) {
      rig_forget(r); /* requests of the old connection */
      rig_open(r);
    }
    if (r->port.frames == NULL || !rig_is_up(r)) continue;
    uint8_t type = r->port.frames->head.type;
    if (type == GW_FRAME_HELLO)
      rig_welcome(r);
    else
      answer(r, gw_test_take_frame(&r->port, type));
  }
}

/* ---- what the client did ------------------------------------------------- */

const gw_test_frame *rig_sent(rig *r, uint8_t type) {
  const gw_test_frame *f = gw_test_take_frame(&r->port, type);
  if (f == NULL) fail_msg("the client sent no %s", gw_type_name(type));
  return f;
}

void rig_not_sent(rig *r, uint8_t type) {
  if (gw_test_take_frame(&r->port, type) != NULL)
    fail_msg("the client sent a %s", gw_type_name(type));
}

gw_subscribe rig_sent_subscribe(rig *r, gw_head *head) {
  const gw_test_frame *f = rig_sent(r, GW_FRAME_SUBSCRIBE);
  gw_subscribe m;
  assert_int_equal(gw_decode_subscribe(f->body, &m), 0);
  *head = f->head;
  return m;
}

gw_publish rig_sent_publish(rig *r, gw_head *head) {
  const gw_test_frame *f = rig_sent(r, GW_FRAME_PUBLISH);
  gw_publish m;
  assert_int_equal(gw_decode_publish(f->body, &m), 0);
  *head = f->head;
  return m;
}

void rig_expect(rig *r, const char *trace) {
  assert_string_equal(r->port.trace, trace);
  r->port.trace[0] = '\0';
}

void rig_expect_within(rig *r, const char *part) {
  if (strstr(r->port.trace, part) == NULL)
    fail_msg("no \"%s\" in \"%s\"", part, r->port.trace);
  r->port.trace[0] = '\0';
}

void rig_forget(rig *r) {
  gw_test_forget(&r->port);
}

/* ---- the application ----------------------------------------------------- */

uint32_t rig_sub(rig *r, const char *channel, const gw_sub_options *options) {
  int64_t id = gw_client_subscribe(r->c, gw_view_of(channel), options);
  assert_true(id > 0);
  return (uint32_t)id;
}

uint64_t rig_publish(rig *r, const char *channel, const char *text,
                     const gw_publish_options *options) {
  gw_payload payload = {GW_PAYLOAD_BYTES, gw_view_of(text)};
  uint64_t key = 0;
  assert_int_equal(
      gw_client_publish(r->c, gw_view_of(channel), payload, options, &key), 0);
  return key;
}

gw_client_info rig_info(rig *r) {
  gw_client_info info;
  gw_client_info_get(r->c, &info);
  return info;
}

bool rig_view_is(gw_view v, const char *text) {
  return gw_view_eq(v, gw_view_of(text));
}
