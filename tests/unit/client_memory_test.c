/* SPDX-License-Identifier: MIT */
/* client_memory_test.c - a client whose allocator fails at any point goes on,
 * loses nothing in silence and leaks nothing. */
#include "tests/unit/support/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <lz4.h>

/** What the application saw, and what it must not see. */
typedef struct seen {
  gw_position position; /**< of the last publication or gap */
  uint64_t settled;     /**< bit k: key k was settled */
} seen;

static void check_event(gw_test_port *p, const gw_event *e) {
  seen *s = p->arg;
  uint64_t offset;
  switch (e->type) {
  case GW_EVENT_PUBLICATION:
    offset = e->u.publication.position.offset;
    if (s->position.epoch != 0)
      assert_int_equal(offset, s->position.offset + 1);
    s->position = e->u.publication.position;
    break;
  case GW_EVENT_GAP:
    s->position = e->u.gap.position;
    break;
  case GW_EVENT_PUBLISHED:
    assert_true((s->settled >> e->u.published.key & 1) == 0); /* once */
    s->settled |= UINT64_C(1) << e->u.published.key;
    break;
  default:
    break;
  }
}

/** The next publication, where the client is live. */
static void publish_next(rig *r, uint32_t sub) {
  if (!rig_is_up(r) || gw_client_sub_state(r->c, sub) != GW_SUB_LIVE) return;
  uint64_t offset = gw_client_sub_position(r->c, sub).offset;
  rig_publication(r, sub, offset + 1, 3, offset + 1);
}

static void commands(rig *r, uint32_t sub) {
  gw_payload small = {GW_PAYLOAD_BYTES, gw_view_of("x")};
  uint64_t key;
  (void)!gw_client_publish(r->c, gw_view_of("a"), small, NULL, &key);
  (void)!gw_client_publish(r->c, gw_view_of("b"), small, NULL, &key);
  (void)!gw_client_call(r->c, gw_view_of("m"), small, NULL);
  (void)!gw_client_send(r->c, &(gw_send){.user = gw_view_of("u")});
  (void)!gw_client_presence_set(r->c, sub, gw_view_of("busy"), small);
}

/** A message that comes in two pieces. */
static void cut_frame(rig *r, uint32_t sub) {
  if (!rig_is_up(r) || gw_client_sub_state(r->c, sub) != GW_SUB_LIVE) return;
  uint8_t block[100];
  gw_out out = {block, 0, sizeof block};
  gw_head head = {.type = GW_FRAME_PUBLICATION, .channel = sub};
  gw_publication m = {.offset = gw_client_sub_position(r->c, sub).offset + 1,
                      .data = gw_view_of("in two pieces")};
  assert_int_equal(gw_encode_publication(&out, &head, &m), 0);
  uint32_t generation = r->port.generation;
  gw_client_on_data(r->c, generation, (gw_view){block, 9}, false);
  gw_client_on_data(r->c, generation, (gw_view){block + 9, out.len - 9}, true);
}

/** One that is made whole for its handler. */
static void packed_frame(rig *r, uint32_t sub) {
  if (!rig_is_up(r) || gw_client_sub_state(r->c, sub) != GW_SUB_LIVE) return;
  uint8_t block[100], body[300], packed[100];
  gw_out out = {block, 0, sizeof block}, made = {body, 0, sizeof body};
  gw_head head = {.type = GW_FRAME_PUBLICATION,
                  .flags = GW_FLAG_COMPRESSED,
                  .channel = sub};
  gw_publication m = {.offset = gw_client_sub_position(r->c, sub).offset + 1,
                      .data = {(const uint8_t[120]){0}, 120}};
  assert_int_equal(gw_encode_publication(&made, NULL, &m), 0);
  assert_in_range(made.len, 1, 0x7F); /* as a varint, one byte */
  packed[0] = (uint8_t)made.len;
  int len = LZ4_compress_default((const char *)body, (char *)packed + 1,
                                 (int)made.len, sizeof packed - 1);
  assert_true(len > 0);
  gw_view packed_body = {packed, 1 + (size_t)len};
  assert_int_equal(gw_frame_put(&out, &head, packed_body), 0);
  gw_client_on_data(r->c, r->port.generation, (gw_view){block, out.len}, true);
}

/** A life with everything in it. */
static void live(rig *r) {
  gw_sub_options presence = {.presence = true};
  (void)!gw_client_connect(r->c);
  int64_t sub = gw_client_subscribe(r->c, gw_view_of("a"), &presence);
  if (sub < 0) {
    assert_int_equal(sub, GW_ERR_NOMEM);
    sub = gw_client_subscribe(r->c, gw_view_of("a"), &presence);
    if (sub < 0) return;
  }
  uint32_t id = (uint32_t)sub;
  for (char name[] = "d"; name[0] < 'k'; name[0]++)
    (void)!gw_client_subscribe(r->c, gw_view_of(name), &presence);
  rig_serve(r, 20);
  rig_serve(r, 20);
  commands(r, id);
  rig_serve(r, 20);
  publish_next(r, id);
  publish_next(r, id);
  if (rig_is_up(r)) rig_diff(r, id, 5, "+5 *2"); /* waits: 4 is missing */
  if (rig_is_up(r)) rig_diff(r, id, 6, "-1");
  if (rig_is_up(r)) rig_call(r, 5, "theirs");
  if (rig_is_up(r)) rig_message(r, 3, "kind", "{}");
  const gw_event *call = gw_test_take_event(&r->port, GW_EVENT_CALL);
  gw_payload big = {GW_PAYLOAD_BYTES, {(const uint8_t[600]){0}, 600}};
  if (call != NULL)
    (void)!gw_client_answer(r->c, call->u.call.call, 0, (gw_view){0}, big);
  rig_serve(r, 20);
  cut_frame(r, id);
  packed_frame(r, id);
  (void)!gw_client_set_token(r->c, gw_view_of("token"));
  gw_close elsewhere = {.code = GW_CODE_SHUTDOWN,
                        .endpoint = gw_view_of("elsewhere")};
  if (rig_is_up(r)) rig_close(r, &elsewhere);
  commands(r, id);
  for (int i = 0; i < 200; i++) {
    rig_run(r, 50);
    rig_serve(r, 20);
  }
  publish_next(r, id);
  int64_t other = gw_client_subscribe(r->c, gw_view_of("c"), NULL);
  (void)gw_client_unsubscribe(r->c, id);
  rig_serve(r, 20);
  if (other > 0) (void)gw_client_unsubscribe(r->c, (uint32_t)other);
  gw_client_close(r->c);
  rig_run(r, 10);
}

/** Returns false when the failure point lies behind the whole life. */
static bool life_with_failure(uint64_t fail_at, bool and_after) {
  gw_test_alloc a = {.fail_at = fail_at, .and_after = and_after};
  gw_client_options o = {.alloc = gw_test_alloc_use(&a)};
  seen s = {0};
  rig r = {.now = 1000};
  r.c = gw_test_port_init(&r.port, &o, &r.now, 1);
  if (r.c != NULL) {
    r.port.arg = &s;
    r.port.hooks.event = check_event;
    live(&r);
    gw_client_info info = rig_info(&r);
    if (!and_after) {
      assert_int_equal(info.state, GW_STATE_CLOSED);
      assert_int_equal(info.outbox_count, 0); /* it got over it */
    }
    gw_test_port_deinit(&r.port);
  }
  assert_int_equal(a.num_blocks, 0);
  return a.num_calls >= fail_at;
}

static void one_failure_anywhere(void **state) {
  (void)state;
  uint64_t n = 1;
  while (life_with_failure(n, false))
    n++;
  assert_true(n > 100);
}

static void no_memory_from_anywhere_on(void **state) {
  (void)state;
  for (uint64_t n = 1; n < 200; n += 3)
    life_with_failure(n, true);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(one_failure_anywhere),
      cmocka_unit_test(no_memory_from_anywhere_on),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
