/* SPDX-License-Identifier: MIT */
/* members_test.c - the member list by itself: it is what a simple model says,
 * and keeps to its limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "client/members.h"

enum { MAX_ID = 40, MAX_ITEMS = 64 };

static const gw_alloc *const libc = &gw_alloc_libc;

typedef struct bench {
  gw__members ms;
  gw__member *removed;
  gw__changes changes;
  uint32_t told[MAX_ID + 1];  /**< what the changes add up to: since_ms */
  uint32_t model[MAX_ID + 1]; /**< what the server has; 0: not there */
  uint32_t num_told;
} bench;

static void on_change(void *user, enum gw_presence_kind kind,
                      const gw_presence_member *m, bool alone) {
  bench *b = user;
  (void)alone;
  uint32_t *mine = &b->told[m->client];
  b->num_told++;
  switch (kind) {
  case GW_PRESENCE_ENTER:
    assert_int_equal(*mine, 0);
    break;
  case GW_PRESENCE_UPDATE:
    assert_true(*mine != 0 && *mine != m->since_ms);
    break;
  case GW_PRESENCE_LEAVE:
    assert_true(*mine != 0);
    *mine = 0;
    return;
  }
  *mine = (uint32_t)m->since_ms;
}

static void init(bench *b) {
  *b = (bench){0};
  b->changes = (gw__changes){on_change, b, &b->removed};
}

static void deinit(bench *b) {
  gw__members_deinit(&b->ms, libc, &b->removed);
  gw__members_free_chain(b->removed, libc);
}

/* ---- encode, as the decoder's lists are views of encoded messages -------- */

static uint8_t block[1024 * 1024];
static uint8_t item_blocks[MAX_ITEMS][64];
static gw_view items[MAX_ITEMS];

static gw_presence_snapshot snapshot_of(uint64_t version, const uint64_t *ids,
                                        const uint32_t *since, size_t num) {
  for (size_t i = 0; i < num; i++) {
    gw_presence_member m = {.client = ids[i],
                            .state = gw_view_of("on"),
                            .since_ms = since != NULL ? since[i] : 1};
    gw_out out = {item_blocks[i], 0, sizeof item_blocks[i]};
    assert_int_equal(gw_encode_presence_member(&out, NULL, &m), 0);
    items[i] = (gw_view){out.data, out.len};
  }
  gw_presence_snapshot s = {.version = version};
  s.members.items = items;
  s.members.num = num;
  gw_out out = {block, 0, sizeof block};
  assert_int_equal(gw_encode_presence_snapshot(&out, NULL, &s), 0);
  assert_int_equal(gw_decode_presence_snapshot((gw_view){block, out.len}, &s),
                   0);
  return s;
}

static gw_presence_diff diff_of(uint64_t version, const uint64_t *ids,
                                const uint32_t *since, size_t num) {
  for (size_t i = 0; i < num; i++) {
    gw_presence_change change = {
        .kind = since[i] != 0 ? GW_PRESENCE_ENTER : GW_PRESENCE_LEAVE,
        .member = {
            .client = ids[i], .state = gw_view_of("on"), .since_ms = since[i]}};
    gw_out out = {item_blocks[i], 0, sizeof item_blocks[i]};
    assert_int_equal(gw_encode_presence_change(&out, NULL, &change), 0);
    items[i] = (gw_view){out.data, out.len};
  }
  gw_presence_diff d = {.version = version};
  d.changes.items = items;
  d.changes.num = num;
  gw_out out = {block, 0, sizeof block};
  assert_int_equal(gw_encode_presence_diff(&out, NULL, &d), 0);
  assert_int_equal(gw_decode_presence_diff((gw_view){block, out.len}, &d), 0);
  return d;
}

/* ---- tests --------------------------------------------------------------- */

static uint64_t random_state = 88172645463325252u;

static uint32_t draw(uint32_t range) {
  random_state ^= random_state << 13;
  random_state ^= random_state >> 7;
  random_state ^= random_state << 17;
  return (uint32_t)(random_state % range);
}

static void take_snapshot(bench *b, uint64_t version) {
  uint64_t ids[MAX_ID];
  uint32_t since[MAX_ID];
  size_t num = 0;
  for (uint64_t id = MAX_ID; id >= 1; id--) { /* order does not matter */
    if (b->model[id] == 0) continue;
    ids[num] = id;
    since[num++] = b->model[id];
  }
  size_t cut = draw((uint32_t)num + 1);
  gw_presence_snapshot s = snapshot_of(version, ids, since, cut);
  assert_int_equal(gw__members_part(&b->ms, libc, &s), 0);
  s = snapshot_of(version, ids + cut, since + cut, num - cut);
  assert_int_equal(gw__members_part(&b->ms, libc, &s), 0);
  gw__members_switch(&b->ms, &b->changes);
}

static void take_diff(bench *b, uint64_t version) {
  uint64_t ids[8];
  uint32_t since[8];
  size_t num = draw(8);
  for (size_t i = 0; i < num; i++) {
    ids[i] = 1 + draw(MAX_ID);
    bool gone = b->model[ids[i]] != 0 && draw(2);
    since[i] = gone ? 0 : b->model[ids[i]] + 1 + draw(5);
    b->model[ids[i]] = since[i];
  }
  assert_int_equal(gw__members_place(&b->ms, version), GW__DIFF_APPLIED);
  gw_presence_diff d = diff_of(version, ids, since, num);
  assert_int_equal(gw__members_apply(&b->ms, libc, &d, &b->changes), 0);
}

static void changes_add_up_to_the_list(void **state) {
  (void)state;
  bench b;
  init(&b);
  uint64_t version = 5;
  take_snapshot(&b, version);
  for (int i = 0; i < 3000; i++) {
    if (draw(10) != 0) {
      take_diff(&b, ++version);
    } else { /* a time without connection */
      gw__members_lost(&b.ms, libc);
      assert_int_equal(gw__members_place(&b.ms, version + 1), GW__DIFF_EARLY);
      b.model[1 + draw(MAX_ID)] = draw(3);
      b.model[1 + draw(MAX_ID)] = 1 + draw(3);
      version = draw(100);
      take_snapshot(&b, version);
    }
    assert_memory_equal(b.told, b.model, sizeof b.told);
    for (uint32_t j = 0; j < b.ms.now.num; j++)
      assert_int_equal(b.ms.now.items[j]->m.since_ms,
                       b.model[b.ms.now.items[j]->m.client]);
  }
  deinit(&b);
}

static void places_of_diffs(void **state) {
  (void)state;
  bench b;
  init(&b);
  assert_int_equal(gw__members_place(&b.ms, 1), GW__DIFF_EARLY);
  take_snapshot(&b, 7);
  assert_int_equal(gw__members_place(&b.ms, 6), GW__DIFF_OLD);
  assert_int_equal(gw__members_place(&b.ms, 7), GW__DIFF_OLD);
  assert_int_equal(gw__members_place(&b.ms, 8), GW__DIFF_APPLIED);
  assert_int_equal(gw__members_place(&b.ms, 9), GW__DIFF_HOLE);
  deinit(&b);
}

static void parts_of_another_version_begin_anew(void **state) {
  (void)state;
  bench b;
  init(&b);
  uint64_t one[] = {1, 2}, two[] = {3};
  gw_presence_snapshot s = snapshot_of(1, one, NULL, 2);
  assert_int_equal(gw__members_part(&b.ms, libc, &s), 0);
  s = snapshot_of(2, two, NULL, 1);
  assert_int_equal(gw__members_part(&b.ms, libc, &s), 0);
  gw__members_switch(&b.ms, &b.changes);
  assert_int_equal(b.ms.now.num, 1);
  assert_int_equal(b.ms.version, 2);
  deinit(&b);
}

static void broken_items_are_told_from_good_ones(void **state) {
  (void)state;
  bench b;
  init(&b);
  static const uint8_t broken[] = {0x12, 2, 0x0A, 0x50}; /* text past its end */
  gw_presence_snapshot s;
  assert_int_equal(
      gw_decode_presence_snapshot((gw_view){broken, sizeof broken}, &s), 0);
  assert_int_equal(gw__members_part(&b.ms, libc, &s), GW_ERR_PROTOCOL);
  assert_false(b.ms.partial);
  assert_int_equal(b.ms.coming.num, 0);
  deinit(&b);
}

static void keeps_to_its_size(void **state) {
  (void)state;
  bench b;
  init(&b);
  b.changes.on_change = on_change;
  uint64_t next = 1;
  int err = 0;
  uint32_t taken = 0;
  while (err == 0) {
    uint64_t ids[MAX_ITEMS];
    for (size_t i = 0; i < MAX_ITEMS; i++)
      ids[i] = next++;
    gw_presence_snapshot s = snapshot_of(1, ids, NULL, MAX_ITEMS);
    taken = b.ms.coming.num;
    err = gw__members_part(&b.ms, libc, &s);
  }
  assert_int_equal(err, GW_ERR_FULL);
  assert_int_equal(taken, GW__MAX_MEMBERS);
  gw_view body = {block, GW__MAX_WAITING_BYTES / 2};
  assert_int_equal(gw__members_wait(&b.ms, libc, 1, body), 0);
  assert_int_equal(gw__members_wait(&b.ms, libc, 2, body), GW_ERR_FULL);
  gw__waiting *w = gw__members_take_waiting(&b.ms);
  assert_int_equal(w->version, 1);
  libc->realloc_fn(libc->user, w, 0);
  assert_null(gw__members_take_waiting(&b.ms));
  deinit(&b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(changes_add_up_to_the_list),
      cmocka_unit_test(places_of_diffs),
      cmocka_unit_test(parts_of_another_version_begin_anew),
      cmocka_unit_test(broken_items_are_told_from_good_ones),
      cmocka_unit_test(keeps_to_its_size),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
