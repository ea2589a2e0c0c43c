/* SPDX-License-Identifier: MIT */
/* client_subs_test.c - subscriptions: asked for, recovered, whole or with a gap
 * that is told. */
#include "tests/unit/support/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/** A ready client that is live in one channel, number 9, at offset 5. */
static uint32_t live_rig(rig *r) {
  rig_init(r, NULL);
  uint32_t sub = rig_sub(r, "room:1", NULL);
  rig_ready(r);
  rig_live(r, 9, 5);
  rig_run(r, 6000); /* stable */
  rig_forget(r);
  return sub;
}

static uint64_t offset_of(rig *r, uint32_t sub) {
  return gw_client_sub_position(r->c, sub).offset;
}

/* ---- subscribe ----------------------------------------------------------- */

static void ready_means_that_all_are_live(void **state) {
  (void)state;
  rig r;
  rig_init(&r, NULL);
  uint32_t a = rig_sub(&r, "a", NULL);
  uint32_t b = rig_sub(&r, "b", NULL);
  rig_ready(&r);
  rig_expect(&r, "connecting authenticating sub1:subscribing "
                 "sub2:subscribing syncing ");
  rig_live(&r, 1, 0);
  assert_int_equal(rig_info(&r).state, GW_STATE_SYNCING);
  const gw_test_frame *f = rig_sent(&r, GW_FRAME_SUBSCRIBE);
  gw_subscribed m = {.epoch = 7, .offset = 3, .result = GW_RECOVERY_RECOVERED};
  rig_subscribed(&r, f->head.request, 2, &m);
  rig_expect(&r, "sub1:live sub2:recovering ");
  rig_publication(&r, 2, 4, 0, 0);
  gw_recovery chunk = {.from = 4, .to = 4, .live = true};
  rig_recovery(&r, 2, &chunk);
  rig_expect(&r, "pub2:4 sub2:live ready ");
  assert_int_equal(gw_client_sub_state(r.c, a), GW_SUB_LIVE);
  assert_int_equal(offset_of(&r, b), 4);
  rig_sub(&r, "c", NULL); /* later ones tell by their own state */
  rig_go(&r);
  rig_expect(&r, "sub3:subscribing ");
  rig_deinit(&r);
}

static void counts_references(void **state) {
  (void)state;
  rig r;
  rig_init(&r, NULL);
  uint32_t a = rig_sub(&r, "a", NULL);
  assert_int_equal(rig_sub(&r, "a", NULL), a);
  assert_int_equal(rig_info(&r).num_subs, 1);
  assert_int_equal(gw_client_unsubscribe(r.c, a), 0);
  rig_go(&r);
  rig_expect(&r, "");
  assert_int_equal(gw_client_unsubscribe(r.c, a), 0);
  rig_go(&r);
  rig_expect(&r, "sub1:ended ");
  assert_int_equal(gw_client_unsubscribe(r.c, a), GW_ERR_NOT_FOUND);
  assert_int_equal(gw_client_sub_state(r.c, a), GW_SUB_ENDED);
  assert_int_equal(rig_sub(&r, "a", NULL), a + 1);
  rig_deinit(&r);
}

static void refuses_what_is_over_the_limits(void **state) {
  (void)state;
  rig r;
  rig_init(&r, NULL);
  char name[300];
  memset(name, 'x', sizeof name);
  gw_view too_long = {(const uint8_t *)name, 256};
  gw_view fits = {(const uint8_t *)name, 255};
  gw_view bad = {(const uint8_t *)"a\xC0", 2};
  gw_view empty = {NULL, 0};
  assert_int_equal(gw_client_subscribe(r.c, too_long, NULL), GW_ERR_TOO_BIG);
  assert_int_equal(gw_client_subscribe(r.c, bad, NULL), GW_ERR_TEXT);
  assert_int_equal(gw_client_subscribe(r.c, empty, NULL), GW_ERR_INVALID);
  gw_sub_options no_text = {.token = bad};
  assert_int_equal(gw_client_subscribe(r.c, gw_view_of("a"), &no_text),
                   GW_ERR_TEXT);
  static const uint8_t bytes[GW_MAX_TOKEN_BYTES + 1];
  const gw_sub_options too_big[] = {
      {.token = {bytes, GW_MAX_TOKEN_BYTES + 1}},
      {.meta = {bytes, GW_MAX_SUB_META_BYTES + 1}},
      {.filter = {.num = GW_MAX_FILTER_TERMS + 1}},
  };
  for (size_t i = 0; i < sizeof too_big / sizeof *too_big; i++)
    assert_int_equal(gw_client_subscribe(r.c, gw_view_of("a"), &too_big[i]),
                     GW_ERR_TOO_BIG);
  assert_true(gw_client_subscribe(r.c, fits, NULL) > 0);
  assert_int_equal(gw_client_connect(r.c), 0);
  rig_go(&r);
  rig_open(&r);
  gw_welcome w = {.version = 1,
                  .limits = {.max_channel_bytes = 10, .max_subscriptions = 2}};
  rig_welcome_with(&r, &w);
  assert_int_equal(gw_client_subscribe(r.c, gw_view_of("elevenchars"), NULL),
                   GW_ERR_TOO_BIG);
  rig_sub(&r, "two", NULL);
  assert_int_equal(gw_client_subscribe(r.c, gw_view_of("three"), NULL),
                   GW_ERR_FULL);
  rig_sub(&r, "two", NULL); /* there already */
  rig_deinit(&r);
}

static void first_subscribe_may_recover(void **state) {
  (void)state;
  rig r;
  rig_init(&r, NULL);
  gw_sub_options from = {.recover = true,
                         .since = {RIG_EPOCH, 40},
                         .token = gw_view_of("ticket"),
                         .overflow = GW_OVERFLOW_DROP};
  gw_sub_options all = {.recover = true};
  uint32_t a = rig_sub(&r, "a", &from);
  rig_sub(&r, "b", &all);
  assert_int_equal(offset_of(&r, a), 40);
  rig_ready(&r);
  gw_head head;
  gw_subscribe s = rig_sent_subscribe(&r, &head);
  assert_true(s.recover && s.epoch == RIG_EPOCH && s.offset == 40);
  assert_true(rig_view_is(s.token, "ticket"));
  assert_int_equal(s.overflow, GW_OVERFLOW_DROP);
  s = rig_sent_subscribe(&r, &head);
  assert_true(s.recover && s.epoch == 0 && s.offset == 0);
  rig_deinit(&r);
}

static void a_subscribed_without_an_epoch_is_a_fault(void **state) {
  (void)state;
  const gw_subscribed bad[] = {
      {.epoch = 0, .offset = 5, .live = true},
      {.epoch = RIG_EPOCH, .offset = 6, .live = true}, /* skips in silence */
      {.epoch = RIG_EPOCH, .offset = 4, .live = true}, /* repeats */
      {.epoch = 99, .offset = 5, .live = true}, /* new epoch, old offset */
      {.epoch = 99, .offset = 5, .result = GW_RECOVERY_RECOVERED},
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    rig r;
    uint32_t sub = live_rig(&r);
    gw_test_close(&r.port, 1006);
    rig_back(&r);
    gw_head head;
    gw_subscribe s = rig_sent_subscribe(&r, &head);
    assert_true(s.recover && s.epoch == RIG_EPOCH && s.offset == 5);
    rig_subscribed(&r, head.request, 9, &bad[i]);
    assert_int_equal(rig_info(&r).code, GW_CODE_PROTOCOL);
    gw_position p = gw_client_sub_position(r.c, sub);
    assert_true(p.epoch == RIG_EPOCH && p.offset == 5);
    rig_deinit(&r);
  }
}

static void a_subscribe_that_is_not_answered_is_asked_again(void **state) {
  (void)state;
  gw_client_options o = {.retry = {.attempts = 3}};
  rig r;
  rig_init(&r, &o);
  rig_sub(&r, "a", NULL);
  rig_ready(&r);
  uint32_t first = rig_sent(&r, GW_FRAME_SUBSCRIBE)->head.request;
  rig_forget(&r);
  for (int i = 0; i < 9; i++) {
    rig_run(&r, 1000);
    rig_empty(&r, 200, 0, 0);
  }
  rig_run(&r, 1000);
  rig_expect_within(&r, "sub1:idle ready ");
  rig_run(&r, 1000);
  rig_expect_within(&r, "sub1:subscribing ");
  gw_subscribed late = {.epoch = 1, .live = true};
  rig_subscribed(&r, first, 4, &late); /* of a request that is forgotten */
  rig_expect(&r, "");
  rig_live(&r, 4, 0);
  rig_expect(&r, "sub1:live ");
  rig_deinit(&r);
}

static void a_refused_subscribe_waits_or_ends_by_its_class(void **state) {
  (void)state;
  rig r;
  rig_init(&r, NULL);
  uint32_t a = rig_sub(&r, "a", NULL);
  uint32_t b = rig_sub(&r, "b", NULL);
  rig_ready(&r);
  uint32_t request = rig_sent(&r, GW_FRAME_SUBSCRIBE)->head.request;
  uint32_t request_b = rig_sent(&r, GW_FRAME_SUBSCRIBE)->head.request;
  rig_forget(&r);
  rig_error(&r, request, GW_CODE_RATE_LIMITED, 3000);
  rig_expect(&r, "sub1:idle ");
  rig_error(&r, request_b, GW_CODE_PERMISSION_DENIED, 0);
  rig_expect(&r, "sub2:ended ready ");
  assert_int_equal(gw_client_unsubscribe(r.c, b), GW_ERR_NOT_FOUND);
  rig_run(&r, 2999);
  rig_not_sent(&r, GW_FRAME_SUBSCRIBE);
  rig_run(&r, 1);
  rig_live(&r, 3, 0);
  assert_int_equal(gw_client_sub_state(r.c, a), GW_SUB_LIVE);

  rig_forget(&r);
  rig_unsubscribed(&r, 3, GW_CODE_INTERNAL); /* the server ends it */
  rig_expect(&r, "sub1:idle ");
  rig_run(&r, 1500);
  rig_live(&r, 3, 0);
  rig_forget(&r);
  rig_unsubscribed(&r, 3, GW_CODE_FORCED);
  rig_expect(&r, "sub1:ended ");
  rig_run(&r, 60000);
  rig_not_sent(&r, GW_FRAME_SUBSCRIBE);
  rig_deinit(&r);
}

static void unsubscribe_leaves_by_its_alias(void **state) {
  (void)state;
  rig r;
  uint32_t sub = live_rig(&r);
  assert_int_equal(gw_client_unsubscribe(r.c, sub), 0);
  rig_publication(&r, 9, 6, 0, 0); /* on its way already */
  rig_expect(&r, "sub1:ended ");
  const gw_test_frame *f = rig_sent(&r, GW_FRAME_UNSUBSCRIBE);
  assert_int_equal(f->head.channel, sub);
  assert_int_equal(f->head.flags, GW_FLAG_ALIAS);
  rig_unsubscribed(&r, 9, GW_CODE_OK);
  rig_publication(&r, 9, 7, 0, 0);
  rig_expect(&r, "");
  rig_deinit(&r);
}

static void an_end_goes_before_the_same_channel_again(void **state) {
  (void)state;
  rig r;
  uint32_t old = live_rig(&r);
  assert_int_equal(gw_client_unsubscribe(r.c, old), 0);
  uint32_t new_ = rig_sub(&r, "room:1", NULL);
  assert_true(new_ != old);
  rig_go(&r);
  const gw_test_frame *frames = r.port.frames;
  assert_int_equal(frames->head.type, GW_FRAME_UNSUBSCRIBE);
  assert_int_equal(frames->head.channel, old);
  assert_int_equal(frames->next->head.type, GW_FRAME_SUBSCRIBE);
  assert_int_equal(frames->next->head.channel, new_);
  assert_int_equal(frames->message, frames->next->message);
  rig_deinit(&r);
}

/* ---- the stream ---------------------------------------------------------- */

static void a_repeated_offset_is_dropped(void **state) {
  (void)state;
  rig r;
  uint32_t sub = live_rig(&r);
  rig_publication(&r, 9, 6, 3, 1);
  rig_publication(&r, 9, 6, 3, 1);
  rig_publication(&r, 9, 2, 3, 1);
  rig_expect(&r, "pub1:6 ");
  assert_int_equal(rig_info(&r).num_duplicates, 2);
  assert_int_equal(offset_of(&r, sub), 6);
  rig_deinit(&r);
}

static void a_repeat_at_a_new_offset_moves_the_position_only(void **state) {
  (void)state;
  rig r;
  uint32_t sub = live_rig(&r);
  rig_publication(&r, 9, 6, 3, 1);
  rig_publication(&r, 9, 7, 3, 1);
  rig_publication(&r, 9, 8, 3, 2);
  rig_publication(&r, 9, 9, 3, 0); /* without a key nothing is a repeat */
  rig_publication(&r, 9, 10, 3, 0);
  rig_expect(&r, "pub1:6 pub1:8 pub1:9 pub1:10 ");
  assert_int_equal(offset_of(&r, sub), 10);
  assert_int_equal(rig_info(&r).num_duplicates, 1);
  rig_deinit(&r);
}

static void a_hole_subscribes_anew_from_the_position(void **state) {
  (void)state;
  rig r;
  uint32_t sub = live_rig(&r);
  rig_publication(&r, 9, 6, 0, 0);
  rig_publication(&r, 9, 8, 0, 0);
  rig_expect(&r, "pub1:6 sub1:idle degraded sub1:subscribing ");
  assert_int_equal(rig_info(&r).code, GW_CODE_OUT_OF_ORDER);
  rig_publication(&r, 9, 9, 0, 0); /* ignored until the answer */
  rig_publication(&r, 9, 7, 0, 0);
  rig_expect(&r, "");
  gw_head head;
  gw_subscribe s = rig_sent_subscribe(&r, &head);
  assert_true(s.recover && s.epoch == RIG_EPOCH && s.offset == 6);
  assert_int_equal(head.channel, sub);
  rig_not_sent(&r, GW_FRAME_UNSUBSCRIBE);
  gw_subscribed m = {
      .epoch = RIG_EPOCH, .offset = 6, .result = GW_RECOVERY_RECOVERED};
  rig_subscribed(&r, head.request, 9, &m);
  for (uint64_t i = 7; i <= 9; i++)
    rig_publication(&r, 9, i, 0, 0);
  gw_recovery chunk = {.from = 7, .to = 9, .live = true};
  rig_recovery(&r, 9, &chunk);
  rig_expect(&r, "sub1:recovering pub1:7 pub1:8 pub1:9 sub1:live ready ");
  rig_deinit(&r);
}

static void holes_again_and_again_slow_down(void **state) {
  (void)state;
  rig r;
  live_rig(&r);
  uint64_t start = r.now;
  uint32_t asked = 0;
  while (r.now < start + 30000) {
    rig_publication(&r, 9, 100, 0, 0);
    rig_run(&r, 20);
    const gw_test_frame *f = gw_test_take_frame(&r.port, GW_FRAME_SUBSCRIBE);
    if (f == NULL) continue;
    asked++;
    gw_subscribed m = {.epoch = RIG_EPOCH, .offset = 5, .live = true};
    rig_subscribed(&r, f->head.request, 9, &m);
  }
  assert_in_range(asked, 3, 20);
  rig_deinit(&r);
}

static void a_chunk_that_ends_short_is_a_hole(void **state) {
  (void)state;
  rig r;
  live_rig(&r);
  gw_test_close(&r.port, 1006);
  rig_back(&r);
  gw_head head;
  rig_sent_subscribe(&r, &head);
  gw_subscribed m = {
      .epoch = RIG_EPOCH, .offset = 5, .result = GW_RECOVERY_RECOVERED};
  rig_subscribed(&r, head.request, 4, &m);
  rig_publication(&r, 4, 6, 0, 0);
  rig_forget(&r);
  gw_recovery chunk = {.from = 6, .to = 7, .live = true};
  rig_recovery(&r, 4, &chunk);
  rig_expect_within(&r, "sub1:idle ");
  assert_int_equal(rig_sent_subscribe(&r, &head).offset, 6);
  rig_deinit(&r);
}

/* ---- gaps ---------------------------------------------------------------- */

static void a_gap_at_subscribe_moves_epoch_and_offset_together(void **state) {
  (void)state;
  rig r;
  uint32_t sub = live_rig(&r);
  gw_test_close(&r.port, 1006);
  rig_back(&r);
  gw_head head;
  rig_sent_subscribe(&r, &head);
  rig_forget(&r);
  gw_subscribed m = {.epoch = 0x22,
                     .offset = 2,
                     .result = GW_RECOVERY_GAP,
                     .gap = GW_GAP_EPOCH_CHANGED,
                     .gap_from = 6};
  rig_subscribed(&r, head.request, 4, &m);
  rig_expect(&r, "gap1:6-0 sub1:recovering ");
  const gw_event *e = gw_test_take_event(&r.port, GW_EVENT_GAP);
  assert_int_equal(e->u.gap.reason, GW_GAP_EPOCH_CHANGED);
  assert_true(e->u.gap.position.epoch == 0x22 && e->u.gap.position.offset == 2);
  rig_publication(&r, 4, 3, 0, 0);
  gw_position p = gw_client_sub_position(r.c, sub);
  assert_true(p.epoch == 0x22 && p.offset == 3);
  gw_recovery end = {.from = 3, .to = 3, .live = true};
  rig_recovery(&r, 4, &end);
  gw_test_take_event(&r.port, GW_EVENT_SUB_STATE);
  e = gw_test_take_event(&r.port, GW_EVENT_SUB_STATE);
  assert_int_equal(e->u.sub.to, GW_SUB_LIVE);
  assert_int_equal(e->u.sub.recovery, GW_RECOVERY_GAP);
  rig_deinit(&r);
}

static void trimmed_while_recovering(void **state) {
  (void)state;
  rig r;
  live_rig(&r);
  gw_test_close(&r.port, 1006);
  rig_back(&r);
  gw_head head;
  rig_sent_subscribe(&r, &head);
  gw_subscribed m = {
      .epoch = RIG_EPOCH, .offset = 5, .result = GW_RECOVERY_RECOVERED};
  rig_subscribed(&r, head.request, 4, &m);
  rig_forget(&r);
  rig_publication(&r, 4, 6, 0, 0);
  gw_recovery chunk = {
      .from = 6, .to = 6, .gap = GW_GAP_TRIMMED, .gap_from = 7, .gap_to = 9};
  rig_recovery(&r, 4, &chunk);
  rig_publication(&r, 4, 10, 0, 0);
  gw_recovery end = {.from = 10, .to = 10, .live = true};
  rig_recovery(&r, 4, &end);
  gw_recovery nothing = {.from = 11, .to = 10, .live = true};
  rig_recovery(&r, 4, &nothing); /* live already */
  rig_expect(&r, "pub1:6 gap1:7-9 pub1:10 sub1:live ready ");
  rig_deinit(&r);
}

static void lagged_is_a_gap(void **state) {
  (void)state;
  rig r;
  uint32_t sub = live_rig(&r);
  rig_lagged(&r, 9, 6, 8);
  const gw_event *e = gw_test_take_event(&r.port, GW_EVENT_GAP);
  assert_int_equal(e->u.gap.reason, GW_GAP_SLOW_READER);
  assert_true(e->u.gap.from == 6 && e->u.gap.to == 8);
  assert_int_equal(offset_of(&r, sub), 8);
  rig_lagged(&r, 9, 7, 8); /* told already */
  rig_publication(&r, 9, 9, 0, 0);
  rig_expect(&r, "gap1:6-8 pub1:9 ");
  rig_lagged(&r, 9, 12, 13); /* leaves 10 and 11 untold */
  rig_expect_within(&r, "sub1:idle ");
  rig_deinit(&r);
}

/** As a server conflates: what is sent and what is skipped take turns. */
static void each_run_that_is_skipped_is_a_gap(void **state) {
  (void)state;
  rig r;
  uint32_t sub = live_rig(&r);
  uint8_t block[512];
  gw_out out = {block, 0, sizeof block};
  gw_head push = {.type = GW_FRAME_PUBLICATION, .channel = 9};
  gw_head lagged = {.type = GW_FRAME_LAGGED, .channel = 9};
  for (uint64_t offset = 6; offset < 18; offset += 4) {
    gw_publication m = {.offset = offset, .item = gw_view_of("bus 7")};
    gw_lagged l = {.from = offset + 1,
                   .to = offset + 3,
                   .count = 3,
                   .reason = GW_GAP_SLOW_READER};
    assert_int_equal(gw_encode_publication(&out, &push, &m), 0);
    assert_int_equal(gw_encode_lagged(&out, &lagged, &l), 0);
  }
  rig_bytes(&r, block, out.len);
  rig_expect(&r, "pub1:6 gap1:7-9 pub1:10 gap1:11-13 pub1:14 gap1:15-17 ");
  assert_int_equal(offset_of(&r, sub), 17);
  assert_true(rig_view_is(
      gw_test_take_event(&r.port, GW_EVENT_PUBLICATION)->u.publication.item,
      "bus 7"));
  rig_deinit(&r);
}

static void what_a_gap_took_is_new_when_it_is_taken_again(void **state) {
  (void)state;
  rig r;
  live_rig(&r);
  rig_publication(&r, 9, 6, 3, 10);
  rig_lagged(&r, 9, 7, 7); /* key 11, say */
  rig_publication(&r, 9, 8, 3, 12);
  rig_publication(&r, 9, 9, 3, 11); /* told as missing, now here */
  rig_lagged(&r, 9, 10, 10);
  rig_publication(&r, 9, 11, 3, 12);
  rig_publication(&r, 9, 12, 3, 13);
  rig_expect(&r, "pub1:6 gap1:7-7 pub1:8 pub1:9 gap1:10-10 pub1:12 ");
  rig_deinit(&r);
}

/* ---- positions and handlers ---------------------------------------------- */

typedef struct story {
  uint32_t sub;
  uint64_t stop_at;
  bool again;
  bool close;
  uint64_t position_at_stop;
} story;

static void stop_in_handler(gw_test_port *p, const gw_event *e) {
  story *s = p->arg;
  if (e->type != GW_EVENT_PUBLICATION || s->stop_at == 0 ||
      e->u.publication.position.offset != s->stop_at)
    return;
  gw_position at = gw_client_sub_position(p->client, s->sub);
  s->position_at_stop = at.offset;
  s->stop_at = 0;
  if (s->close) {
    gw_client_close(p->client);
    return;
  }
  assert_int_equal(gw_client_unsubscribe(p->client, s->sub), 0);
  if (!s->again) return;
  gw_sub_options o = {.recover = true, .since = at};
  int64_t id = gw_client_subscribe(p->client, gw_view_of("room:1"), &o);
  assert_true(id > 0);
  s->sub = (uint32_t)id;
}

static void three_in_one_message(rig *r) {
  uint8_t block[512];
  gw_out out = {block, 0, sizeof block};
  gw_head head = {.type = GW_FRAME_PUBLICATION, .channel = 9};
  for (uint64_t offset = 6; offset <= 8; offset++) {
    gw_publication m = {.offset = offset};
    assert_int_equal(gw_encode_publication(&out, &head, &m), 0);
  }
  rig_bytes(r, out.data, out.len);
}

static void unsubscribing_in_a_handler_neither_loses_nor_repeats(void **st) {
  (void)st;
  rig r;
  story s = {.stop_at = 7, .again = true};
  s.sub = live_rig(&r);
  r.port.arg = &s;
  r.port.hooks.event = stop_in_handler;
  three_in_one_message(&r);
  assert_int_equal(s.position_at_stop, 7);
  rig_expect(&r, "pub1:6 pub1:7 sub1:ended sub2:subscribing ");
  rig_sent(&r, GW_FRAME_UNSUBSCRIBE);
  gw_head head;
  gw_subscribe m = rig_sent_subscribe(&r, &head);
  assert_true(m.recover && m.epoch == RIG_EPOCH && m.offset == 7);
  rig_publication(&r, 9, 9, 0, 0); /* the same number, still of the old one */
  gw_subscribed again = {
      .epoch = RIG_EPOCH, .offset = 7, .result = GW_RECOVERY_RECOVERED};
  rig_subscribed(&r, head.request, 9, &again);
  rig_publication(&r, 9, 8, 0, 0);
  rig_publication(&r, 9, 9, 0, 0);
  rig_expect(&r, "sub2:recovering pub2:8 pub2:9 ");
  rig_deinit(&r);
}

static void closing_in_a_handler_keeps_the_rest_for_later(void **st) {
  (void)st;
  rig r;
  story s = {.stop_at = 7, .close = true};
  s.sub = live_rig(&r);
  r.port.arg = &s;
  r.port.hooks.event = stop_in_handler;
  three_in_one_message(&r);
  rig_expect(&r, "pub1:6 pub1:7 closed sub1:idle ");
  assert_int_equal(offset_of(&r, s.sub), 7);
  rig_ready(&r);
  gw_head head;
  assert_int_equal(rig_sent_subscribe(&r, &head).offset, 7);
  rig_deinit(&r);
}

static void a_loss_keeps_subscriptions_and_positions(void **state) {
  (void)state;
  rig r;
  uint32_t sub = live_rig(&r);
  rig_publication(&r, 9, 6, 3, 1);
  gw_test_close(&r.port, 1006);
  rig_expect(&r, "pub1:6 waiting sub1:idle ");
  rig_back(&r);
  gw_head head;
  gw_subscribe s = rig_sent_subscribe(&r, &head);
  assert_true(s.recover && s.epoch == RIG_EPOCH && s.offset == 6);
  gw_subscribed m = {.epoch = RIG_EPOCH, .offset = 6, .live = true};
  rig_subscribed(&r, head.request, 55, &m); /* another number now */
  rig_forget(&r);
  rig_publication(&r, 9, 7, 3, 2);
  rig_publication(&r, 55, 7, 3, 2);
  rig_expect(&r, "pub1:7 ");
  assert_int_equal(gw_client_sub_state(r.c, sub), GW_SUB_LIVE);
  rig_deinit(&r);
}

static void thousand_subscriptions_come_in_messages_under_the_limit(void **st) {
  (void)st;
  rig r;
  rig_init(&r, NULL);
  char name[200];
  for (int i = 0; i < 1000; i++) {
    snprintf(name, sizeof name, "room:%0150d", i);
    rig_sub(&r, name, NULL);
  }
  assert_int_equal(gw_client_connect(r.c), 0);
  rig_go(&r);
  rig_open(&r);
  assert_in_range(r.port.num_messages, 3, 4);
  for (uint32_t i = 0; i < 1000; i++)
    rig_live(&r, i + 1, 0);
  rig_deinit(&r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(ready_means_that_all_are_live),
      cmocka_unit_test(counts_references),
      cmocka_unit_test(refuses_what_is_over_the_limits),
      cmocka_unit_test(first_subscribe_may_recover),
      cmocka_unit_test(a_subscribed_without_an_epoch_is_a_fault),
      cmocka_unit_test(a_subscribe_that_is_not_answered_is_asked_again),
      cmocka_unit_test(a_refused_subscribe_waits_or_ends_by_its_class),
      cmocka_unit_test(unsubscribe_leaves_by_its_alias),
      cmocka_unit_test(an_end_goes_before_the_same_channel_again),
      cmocka_unit_test(a_repeated_offset_is_dropped),
      cmocka_unit_test(a_repeat_at_a_new_offset_moves_the_position_only),
      cmocka_unit_test(a_hole_subscribes_anew_from_the_position),
      cmocka_unit_test(holes_again_and_again_slow_down),
      cmocka_unit_test(a_chunk_that_ends_short_is_a_hole),
      cmocka_unit_test(a_gap_at_subscribe_moves_epoch_and_offset_together),
      cmocka_unit_test(trimmed_while_recovering),
      cmocka_unit_test(lagged_is_a_gap),
      cmocka_unit_test(each_run_that_is_skipped_is_a_gap),
      cmocka_unit_test(what_a_gap_took_is_new_when_it_is_taken_again),
      cmocka_unit_test(unsubscribing_in_a_handler_neither_loses_nor_repeats),
      cmocka_unit_test(closing_in_a_handler_keeps_the_rest_for_later),
      cmocka_unit_test(a_loss_keeps_subscriptions_and_positions),
      cmocka_unit_test(thousand_subscriptions_come_in_messages_under_the_limit),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
