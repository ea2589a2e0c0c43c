/* SPDX-License-Identifier: MIT */
/* client_hostile_test.c - a server that says anything at any time, and an
 * application that does: no crash, no hang, and what was promised still holds.
 */
#include "tests/unit/support/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { SEEDS = 60, STEPS = 400, MAX_SUBS = 64 };

typedef struct chaos {
  rig r;
  uint64_t random;
  gw_position position[MAX_SUBS]; /**< told last, by subscription */
  bool ended[MAX_SUBS];
  uint64_t settled[64]; /**< bits by key */
  uint32_t depth;
  bool commanding; /**< nothing may be called back meanwhile */
} chaos;

static uint32_t draw(chaos *x, uint32_t range) {
  x->random ^= x->random << 13;
  x->random ^= x->random >> 7;
  x->random ^= x->random << 17;
  return (uint32_t)(x->random % range);
}

/* ---- the application ----------------------------------------------------- */

static void give_command(chaos *x) {
  gw_client *c = x->r.c;
  char channel[] = "a";
  channel[0] = (char)('a' + draw(x, 4));
  gw_view name = gw_view_of(channel);
  gw_payload payload = {GW_PAYLOAD_BYTES, name};
  gw_sub_options o = {.recover = draw(x, 2), .presence = draw(x, 2)};
  gw_publish_options p = {.no_echo = draw(x, 2),
                          .at_most_once = draw(x, 5) < 1};
  uint32_t sub = 1 + draw(x, 12);
  uint64_t key;
  gw_send message = {.user = name, .json = name};
  switch (draw(x, 13)) {
  case 0:
    (void)!gw_client_connect(c);
    break;
  case 1:
    if (draw(x, 4) == 0) gw_client_close(c);
    break;
  case 2:
  case 3:
    if (x->r.port.num_messages < MAX_SUBS * 100)
      (void)!gw_client_subscribe(c, name, &o);
    break;
  case 4:
    (void)gw_client_unsubscribe(c, sub);
    break;
  case 5:
  case 6:
    (void)!gw_client_publish(c, name, payload, &p, &key);
    break;
  case 7:
    (void)!gw_client_presence_set(c, sub, name, payload);
    break;
  case 8:
    (void)!gw_client_presence_leave(c, sub);
    break;
  case 9:
    (void)!gw_client_call(c, name, payload, NULL);
    (void)!gw_client_presence_get(c, name);
    break;
  case 11:
    (void)!gw_client_send(c, &message);
    break;
  case 10:
    gw_client_cancel(c, 1 + draw(x, 30));
    break;
  default:
    (void)!gw_client_answer(c, 1 + draw(x, 10), draw(x, 2) * 520,
                            (gw_view){NULL, 0}, payload);
    break;
  }
}

static void command(chaos *x) {
  x->commanding = true;
  give_command(x);
  x->commanding = false;
}

static bool on_move(gw_test_port *p, enum gw_state from, enum gw_state to,
                    uint32_t code) {
  const chaos *x = p->arg;
  (void)code;
  assert_false(x->commanding);
  assert_true(gw_state_may_move(from, to));
  return true;
}

static void check_publication(chaos *x, const gw_event *e) {
  uint32_t sub = e->u.publication.sub;
  gw_position at = e->u.publication.position;
  if (sub >= MAX_SUBS) return;
  assert_false(x->ended[sub]);
  assert_true(at.epoch != 0);
  gw_position now = gw_client_sub_position(x->r.c, sub);
  assert_true(now.epoch == at.epoch && now.offset == at.offset);
  if (x->position[sub].epoch == at.epoch)
    assert_true(at.offset > x->position[sub].offset);
  x->position[sub] = at;
}

static void on_event(gw_test_port *p, const gw_event *e) {
  chaos *x = p->arg;
  assert_int_equal(x->depth, 0); /* never one inside another */
  assert_false(x->commanding);
  x->depth++;
  switch (e->type) {
  case GW_EVENT_STATE:
    assert_true(gw_state_may_move(e->u.state.from, e->u.state.to));
    break;
  case GW_EVENT_SUB_STATE:
    if (e->u.sub.to == GW_SUB_ENDED && e->u.sub.sub < MAX_SUBS)
      x->ended[e->u.sub.sub] = true;
    break;
  case GW_EVENT_PUBLICATION:
    check_publication(x, e);
    break;
  case GW_EVENT_GAP:
    if (e->u.gap.sub < MAX_SUBS) x->position[e->u.gap.sub] = e->u.gap.position;
    break;
  case GW_EVENT_PUBLISHED: {
    uint64_t key = e->u.published.key, bit = UINT64_C(1) << key % 64;
    if (key / 64 < 64) {
      assert_true((x->settled[key / 64] & bit) == 0);
      x->settled[key / 64] |= bit;
    }
    break;
  }
  default:
    break;
  }
  if (draw(x, 4) == 0) command(x);
  x->depth--;
}

/* ---- the server ---------------------------------------------------------- */

static uint8_t bytes[4096];

/** Something with the header of a frame and numbers that may be known. */
static void random_frame(chaos *x) {
  gw_head head = {.type = (uint8_t)draw(x, 37),
                  .flags = draw(x, 20) == 0 ? (uint8_t)draw(x, 16) : 0,
                  .request = draw(x, 3) == 0 ? 0 : 1 + draw(x, 40),
                  .channel = draw(x, 6)};
  uint8_t body[64];
  size_t len = draw(x, 40);
  for (size_t i = 0; i < len; i++)
    body[i] = (uint8_t)(draw(x, 2) ? draw(x, 256) : 8 * (1 + draw(x, 7)));
  gw_out out = {bytes, 0, sizeof bytes};
  assert_int_equal(gw_frame_put(&out, &head, (gw_view){body, len}), 0);
  rig_bytes(&x->r, bytes, out.len);
}

static gw_subscribe last_subscribe(chaos *x, gw_head *head) {
  gw_subscribe m = {0};
  const gw_test_frame *f = gw_test_take_frame(&x->r.port, GW_FRAME_SUBSCRIBE);
  *head = (gw_head){0};
  if (f == NULL) return m;
  *head = f->head;
  assert_int_equal(gw_decode_subscribe(f->body, &m), 0);
  return m;
}

static void answer_subscribe(chaos *x) {
  gw_head head;
  gw_subscribe asked = last_subscribe(x, &head);
  if (head.request == 0) return;
  gw_subscribed m = {.epoch = asked.epoch != 0 ? asked.epoch : 7,
                     .offset = asked.offset,
                     .result = GW_RECOVERY_RECOVERED,
                     .live = draw(x, 2)};
  if (draw(x, 5) == 0)
    m = (gw_subscribed){.epoch = 8 + draw(x, 3),
                        .offset = draw(x, 9),
                        .result = GW_RECOVERY_GAP,
                        .gap = GW_GAP_EPOCH_CHANGED,
                        .live = draw(x, 2)};
  rig_subscribed(&x->r, head.request, 1 + head.channel % 5, &m);
}

static uint64_t some_offset(chaos *x) {
  uint32_t sub = 1 + draw(x, 12);
  return gw_client_sub_position(x->r.c, sub).offset + (draw(x, 8) ? 1 : 3);
}

static void sensible_frame(chaos *x) {
  rig *r = &x->r;
  uint32_t number = 1 + draw(x, 5), request = 1 + draw(x, 40);
  const char *ids[] = {"12", "345", "9", ""};
  gw_recovery end = {.from = 1, .live = true};
  r->mode = draw(x, 8) ? r->mode : draw(x, 5);
  switch (draw(x, 14)) {
  case 0:
    answer_subscribe(x);
    break;
  case 1:
  case 2:
  case 3:
    rig_publication(r, number, some_offset(x), draw(x, 2) ? RIG_CLIENT_ID : 3,
                    draw(x, 40));
    break;
  case 4:
    rig_recovery(r, number, &end);
    break;
  case 5:
    rig_lagged(r, number, some_offset(x), some_offset(x) + 2);
    break;
  case 6:
    rig_snapshot(r, draw(x, 2) * request, number, draw(x, 4), ids[draw(x, 4)],
                 draw(x, 3) == 0);
    break;
  case 7:
    rig_diff(r, number, draw(x, 6), "+1 *2 -3 +7");
    break;
  case 8:
    rig_published(r, request, draw(x, 10), false);
    break;
  case 9:
    rig_error(r, request, 100 * (1 + draw(x, 5)) + draw(x, 3), draw(x, 900));
    break;
  case 11:
    rig_message(r, draw(x, 3), "kind", "{}");
    break;
  case 12:
    rig_receivers(r, request, draw(x, 3));
    break;
  case 10:
    rig_unsubscribed(r, number, 100 * (1 + draw(x, 5)));
    break;
  default:
    rig_call(r, request, "m");
    break;
  }
}

static void transport(chaos *x) {
  rig *r = &x->r;
  if (!r->port.wanted) return;
  if (r->port.is_open) {
    if (draw(x, 3) == 0) gw_test_close(&r->port, 4000 + 100 * draw(x, 6));
    return;
  }
  rig_forget(r);
  if (draw(x, 5) == 0) {
    gw_test_close(&r->port, draw(x, 2) ? 0 : 4200);
    return;
  }
  rig_open(r);
  if (r->port.is_open && draw(x, 8) != 0) rig_welcome(r);
}

static void step(chaos *x) {
  rig *r = &x->r;
  bool up = r->port.wanted && r->port.is_open;
  r->port.trace[0] = '\0';
  switch (draw(x, 10)) {
  case 0:
    transport(x);
    break;
  case 1:
    rig_run(r, draw(x, 5) == 0 ? draw(x, 40000) : draw(x, 600));
    break;
  case 2:
    gw_client_on_wake(r->c, (enum gw_wake)draw(x, 4));
    break;
  case 3:
    if (up && draw(x, 6) == 0) random_frame(x);
    break;
  case 4:
  case 5:
    command(x);
    break;
  default:
    if (up) sensible_frame(x);
    break;
  }
}

static void anything_goes(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= SEEDS; seed++) {
    static chaos x;
    x = (chaos){.random = seed * UINT64_C(0x9E3779B97F4A7C15)};
    gw_test_alloc a = {0};
    gw_client_options o = {.alloc = gw_test_alloc_use(&a)};
    rig_init(&x.r, &o);
    x.r.port.arg = &x;
    x.r.port.hooks.event = on_event;
    x.r.port.hooks.may_move = on_move;
    (void)!gw_client_connect(x.r.c);
    for (int i = 0; i < STEPS; i++)
      step(&x);
    rig_deinit(&x.r);
    assert_int_equal(a.num_blocks, 0);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(anything_goes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
