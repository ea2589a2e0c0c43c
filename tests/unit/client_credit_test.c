/* SPDX-License-Identifier: MIT */
/* client_credit_test.c - what the client grants: as much as it has handed on, in
 * halves. */
#include "tests/unit/support/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define CREDIT 1000u

/** A server that knows credits. */
static const gw_welcome with_credit = {.version = 1,
                                       .features = GW_FEATURE_CREDIT,
                                       .connection = 5,
                                       .client = RIG_CLIENT_ID};

static gw_hello sent_hello(rig *r) {
  gw_hello m;
  const gw_test_frame *f = rig_sent(r, GW_FRAME_HELLO);
  assert_int_equal(gw_decode_hello(f->body, &m), 0);
  return m;
}

/** Live in a channel, number 9, at offset 0; returns the bytes of data so far. */
static uint64_t live_rig(rig *r, uint32_t credit_bytes, const gw_welcome *w) {
  gw_client_options options = {.credit_bytes = credit_bytes};
  rig_init(r, &options);
  rig_sub(r, "room:1", NULL);
  assert_int_equal(gw_client_connect(r->c), 0);
  rig_go(r);
  rig_open(r);
  rig_welcome_with(r, w);
  uint8_t block[64];
  gw_out out = {block, 0, sizeof block};
  gw_head head = {.type = GW_FRAME_SUBSCRIBED, .request = 2, .channel = 9};
  gw_subscribed m = {.epoch = RIG_EPOCH, .live = true};
  head.request = rig_sent(r, GW_FRAME_SUBSCRIBE)->head.request;
  assert_int_equal(gw_encode_subscribed(&out, &head, &m), 0);
  rig_bytes(r, block, out.len);
  return out.len;
}

/** One publication to number 9; returns the bytes of its frame. */
static size_t put_publication(gw_out *out, uint64_t offset) {
  size_t before = out->len;
  gw_head head = {.type = GW_FRAME_PUBLICATION, .channel = 9};
  gw_publication m = {.offset = offset,
                      .data = gw_view_of("0123456789012345678901234567890123")};
  assert_int_equal(gw_encode_publication(out, &head, &m), 0);
  return out->len - before;
}

static size_t publication(rig *r, uint64_t offset) {
  uint8_t block[128];
  gw_out out = {block, 0, sizeof block};
  put_publication(&out, offset);
  rig_bytes(r, block, out.len);
  return out.len;
}

/** The grant that was sent last; 0: none. */
static uint64_t granted(rig *r) {
  gw_credit m;
  const gw_test_frame *f = gw_test_take_frame(&r->port, GW_FRAME_CREDIT);
  if (f == NULL) return 0;
  assert_int_equal(f->head.request, 0);
  assert_int_equal(f->head.channel, 0);
  assert_int_equal(gw_decode_credit(f->body, &m), 0);
  return m.bytes;
}

/* ---- Hello --------------------------------------------------------------- */

static void hello_says_how_much(void **state) {
  (void)state;
  static const uint32_t given[] = {0, 5000, GW_MAX_CREDIT_BYTES,
                                   GW_CREDIT_NONE};
  static const uint32_t said[] = {GW_CREDIT_BYTES, 5000, GW_MAX_CREDIT_BYTES,
                                  0};
  for (int i = 0; i < 4; i++) {
    rig r;
    gw_client_options options = {.credit_bytes = given[i]};
    rig_init(&r, &options);
    assert_int_equal(gw_client_connect(r.c), 0);
    rig_go(&r);
    rig_open(&r);
    gw_hello m = sent_hello(&r);
    assert_int_equal(m.credit_bytes, said[i]);
    assert_int_equal(m.features & GW_FEATURE_CREDIT,
                     said[i] != 0 ? GW_FEATURE_CREDIT : 0);
    rig_deinit(&r);
  }
}

static void refuses_more_than_there_can_be(void **state) {
  (void)state;
  static const uint32_t bad[] = {GW_MAX_CREDIT_BYTES + 1, UINT32_MAX - 1};
  for (int i = 0; i < 2; i++) {
    gw_test_port port;
    uint64_t now = 0;
    gw_client_options options = {.credit_bytes = bad[i]};
    assert_null(gw_test_port_init(&port, &options, &now, 1));
    gw_test_port_deinit(&port);
  }
}

/* ---- grants -------------------------------------------------------------- */

static void grants_what_it_has_had_in_halves(void **state) {
  (void)state;
  rig r;
  uint64_t had = live_rig(&r, CREDIT, &with_credit);
  uint64_t given = 0;
  unsigned num = 0;
  for (uint64_t offset = 1; offset <= 100; offset++) {
    assert_true(had - given <= CREDIT / 2);
    had += publication(&r, offset);
    uint64_t bytes = granted(&r);
    if (bytes == 0) continue;
    assert_true(bytes > CREDIT / 2);
    given += bytes;
    assert_int_equal(given, had);
    num++;
  }
  assert_true(num >= 5);
  assert_true(had - given <= CREDIT / 2);
  rig_deinit(&r);
}

static void nobody_waits_for_a_grant_of_a_single_byte(void **state) {
  (void)state;
  rig r;
  live_rig(&r, 1, &with_credit);
  (void)granted(&r);
  for (uint64_t offset = 1; offset <= 3; offset++) {
    size_t len = publication(&r, offset);
    assert_int_equal(granted(&r), len);
  }
  rig_run(&r, 1);
  assert_int_equal(granted(&r), 0);
  rig_deinit(&r);
}

static void grants_nothing_that_nobody_waits_for(void **state) {
  (void)state;
  gw_welcome without = with_credit;
  without.features = ~(uint64_t)GW_FEATURE_CREDIT;
  static const struct {
    uint32_t credit_bytes;
    bool server_knows;
  } cases[] = {{CREDIT, false}, {GW_CREDIT_NONE, true}};
  for (int i = 0; i < 2; i++) {
    rig r;
    live_rig(&r, cases[i].credit_bytes,
             cases[i].server_knows ? &with_credit : &without);
    for (uint64_t offset = 1; offset <= 100; offset++)
      publication(&r, offset);
    rig_not_sent(&r, GW_FRAME_CREDIT);
    rig_deinit(&r);
  }
}

static void counts_what_it_ignores_and_no_control(void **state) {
  (void)state;
  rig r;
  live_rig(&r, CREDIT, &with_credit);
  for (int i = 0; i < 100; i++) {
    rig_pong(&r, 1);
    rig_published(&r, 77, 1, false);
  }
  rig_not_sent(&r, GW_FRAME_CREDIT);
  for (int i = 0; i < 100; i++)
    rig_publication(&r, 55, 1, 1, 1); /* of a channel that is none of ours */
  rig_sent(&r, GW_FRAME_CREDIT);
  rig_deinit(&r);
}

static void counts_frames_however_they_come(void **state) {
  (void)state;
  static uint8_t block[4096];
  rig r;
  uint64_t had = live_rig(&r, CREDIT, &with_credit);
  gw_out out = {block, 0, sizeof block};
  for (uint64_t offset = 1; out.len + had <= CREDIT; offset++)
    put_publication(&out, offset);
  for (size_t i = 0; i < out.len; i++)
    gw_client_on_data(r.c, r.port.generation, (gw_view){block + i, 1},
                      i + 1 == out.len);
  uint64_t given = granted(&r);
  /* The rest of them was less than half. */
  assert_true(given > CREDIT / 2 && given <= had + out.len);
  rig_deinit(&r);
  had = live_rig(&r, CREDIT, &with_credit);
  rig_bytes(&r, block, out.len);
  assert_int_equal(granted(&r), had + out.len); /* at once */
  rig_deinit(&r);
}

/** What was told to the application when the grant left. */
typedef struct order {
  unsigned told;
  unsigned told_at_grant;
} order;

static void on_event(gw_test_port *p, const gw_event *e) {
  order *o = p->arg;
  if (e->type == GW_EVENT_PUBLICATION) o->told++;
}

static void on_send(gw_test_port *p, uint32_t generation, gw_view message) {
  order *o = p->arg;
  gw_frame f;
  (void)generation;
  if (gw_frame_parse(message, UINT32_MAX, &f) > 0 &&
      f.head.type == GW_FRAME_CREDIT)
    o->told_at_grant = o->told;
}

static void grants_when_the_handlers_have_had_it(void **state) {
  (void)state;
  static uint8_t block[4096];
  rig r;
  order o = {0, 0};
  live_rig(&r, CREDIT, &with_credit);
  r.port.arg = &o;
  r.port.hooks.event = on_event;
  r.port.hooks.send = on_send;
  gw_out out = {block, 0, sizeof block};
  unsigned num = 0;
  while (out.len < CREDIT)
    put_publication(&out, ++num);
  rig_bytes(&r, block, out.len);
  assert_int_equal(o.told_at_grant, num);
  rig_deinit(&r);
}

static void a_new_connection_begins_anew(void **state) {
  (void)state;
  rig r;
  live_rig(&r, CREDIT, &with_credit);
  for (uint64_t offset = 1; offset <= 5; offset++)
    publication(&r, offset);
  rig_not_sent(&r, GW_FRAME_CREDIT); /* a part of a half is open */
  gw_test_close(&r.port, 1006);
  rig_forget(&r);
  rig_until_try(&r);
  rig_open(&r);
  const gw_test_frame *hello = rig_sent(&r, GW_FRAME_HELLO);
  gw_hello m;
  assert_int_equal(gw_decode_hello(hello->body, &m), 0);
  assert_int_equal(m.credit_bytes, CREDIT);
  uint8_t block[256];
  gw_out out = {block, 0, sizeof block};
  gw_head head = {.type = GW_FRAME_WELCOME, .request = hello->head.request};
  assert_int_equal(gw_encode_welcome(&out, &head, &with_credit), 0);
  rig_bytes(&r, block, out.len);
  rig_live(&r, 9, 5);
  size_t len = 0;
  uint64_t bytes = 0;
  for (uint64_t offset = 6; bytes == 0; offset++) {
    len += publication(&r, offset);
    bytes = granted(&r);
  }
  assert_true(bytes > CREDIT / 2 && bytes < len + 50); /* and the answer */
  rig_deinit(&r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(hello_says_how_much),
      cmocka_unit_test(refuses_more_than_there_can_be),
      cmocka_unit_test(grants_what_it_has_had_in_halves),
      cmocka_unit_test(nobody_waits_for_a_grant_of_a_single_byte),
      cmocka_unit_test(grants_nothing_that_nobody_waits_for),
      cmocka_unit_test(counts_what_it_ignores_and_no_control),
      cmocka_unit_test(counts_frames_however_they_come),
      cmocka_unit_test(grants_when_the_handlers_have_had_it),
      cmocka_unit_test(a_new_connection_begins_anew),
  };
  return cmocka_run_group_tests_name("client_credit", tests, NULL, NULL);
}
