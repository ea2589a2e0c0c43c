/* SPDX-License-Identifier: MIT */
/* wildcard_memory_test.c - each allocation fails once while patterns come, are
 * given what matches and go: who misses something is told, and nothing is left
 * behind. */
#include <stdio.h>

#include "support/sweep.h"

#define NUM_PEERS    4u
#define NUM_CHANNELS 3u
#define WRITER       (NUM_PEERS - 1)

static hubs node;
static peer *peers[NUM_PEERS];
static const char *const channels[NUM_CHANNELS] = {"a.b", "a.c", "else"};

/* ---- what subscribers see ------------------------------------------------ */

/** What the subscriber to a pattern knows. */
typedef struct seen {
  uint32_t number; /**< 0: not subscribed */
  uint64_t last[NUM_CHANNELS];
  bool was_told[NUM_CHANNELS]; /**< of a loss, since then */
} seen;

static seen views[NUM_PEERS];
static unsigned num_told;
static unsigned losses; /* runs in which somebody who reads was told of one */

static unsigned index_of(gw_view name) {
  unsigned i = 0;
  while (i < NUM_CHANNELS && !gw_view_eq(name, gw_view_of(channels[i])))
    i++;
  assert_true(i < NUM_CHANNELS);
  return i;
}

static void on_publication(seen *v, const gw_frame *f) {
  gw_publication m;
  assert_int_equal(gw_decode_publication(f->body, &m), 0);
  unsigned i = index_of(m.channel);
  assert_true(m.offset > v->last[i]);
  if (m.offset != v->last[i] + 1) assert_true(v->was_told[i]);
  v->last[i] = m.offset;
  v->was_told[i] = false;
}

static void on_loss(seen *v) {
  for (unsigned i = 0; i < NUM_CHANNELS; i++)
    v->was_told[i] = true;
  num_told++;
}

static void on_frame(seen *v, const gw_frame *f) {
  gw_subscribed m;
  if (f->head.type == GW_FRAME_SUBSCRIBED) {
    assert_int_equal(gw_decode_subscribed(f->body, &m), 0);
    assert_true(m.wildcard);
    v->number = f->head.channel;
    return;
  }
  if (v->number == 0 || f->head.channel != v->number) return;
  if (f->head.type == GW_FRAME_PUBLICATION) on_publication(v, f);
  if (f->head.type == GW_FRAME_LAGGED) on_loss(v);
  if (f->head.type == GW_FRAME_UNSUBSCRIBED) *v = (seen){0};
}

static void look_at_all(void) {
  for (unsigned i = 0; i < NUM_PEERS; i++) {
    gw_frame f;
    while (peers[i] != NULL && peer_next(peers[i], &f))
      on_frame(&views[i], &f);
  }
}

/* ---- the script ---------------------------------------------------------- */

static void try_join(unsigned i) {
  peer *p = peer_try_open(&node, i % node.num);
  if (p == NULL) return;
  peers[i] = p;
  peer_hello(p, i);
}

static void try_subscribe(unsigned i, const char *pattern) {
  gw_head head = {.type = GW_FRAME_SUBSCRIBE,
                  .flags = GW_FLAG_ALIAS,
                  .request = 11,
                  .channel = 1};
  gw_subscribe m = {.channel = gw_view_of(pattern),
                    .overflow = GW_OVERFLOW_DROP};
  SEND_IF_UP(peers[i], subscribe, &head, &m);
  look_at_all();
}

static void try_publish(unsigned channel) {
  gw_head head = {.type = GW_FRAME_PUBLISH, .request = 20};
  gw_publish m = {.channel = gw_view_of(channels[channel]),
                  .data = gw_view_of("some data")};
  SEND_IF_UP(peers[WRITER], publish, &head, &m);
  look_at_all();
}

static void try_unsubscribe(unsigned i) {
  if (!is_up(peers[i])) return;
  peer_send_empty(peers[i], GW_FRAME_UNSUBSCRIBE, 1);
  look_at_all();
}

/** Subscribers begin before anything is published, so that they know where each
 * channel begins; one comes back later, and does not. */
static void script(void) {
  for (unsigned i = 0; i < NUM_PEERS; i++)
    try_join(i);
  try_subscribe(0, "a.*");
  try_subscribe(1, ">");
  try_subscribe(2, "a.*");
  for (unsigned n = 0; n < 9; n++)
    try_publish(n % NUM_CHANNELS);
  try_unsubscribe(2);
  if (is_up(peers[1])) peers[1]->is_stalled = true;
  for (unsigned n = 0; n < 20; n++)
    try_publish(n % 2);
  if (is_up(peers[1])) {
    peer_read_again(peers[1]);
  }
  hubs_pass(&node, 100);
  for (unsigned n = 0; n < 6; n++)
    try_publish(n % NUM_CHANNELS);
  hubs_pass(&node, 100);
  look_at_all();
}

/* ---- afterwards ---------------------------------------------------------- */

static uint64_t publish_as(peer *writer, unsigned channel) {
  peer_publish(writer, channels[channel], "x", 0, 0);
  return peer_published(writer).offset;
}

/** Whoever is subscribed still is live, and knows what it missed; those who come
 * now are served. */
static void check_health(void) {
  fail_at = 0;
  losses += num_told > 1;
  hubs_pass(&node, 1000);
  look_at_all();
  peer *writer = peer_join(&node, 0, 100), *late = peer_join(&node, 1, 101);
  peer_subscribe(late, 1, "a.*");
  assert_true(peer_subscribed(late).live);
  for (unsigned c = 0; c < NUM_CHANNELS; c++) {
    uint64_t offset = publish_as(writer, c);
    look_at_all();
    if (c < 2) assert_int_equal(peer_publication(late).offset, offset);
    for (unsigned i = 0; i < WRITER; i++) {
      bool matches = i == 1 || c < 2;
      if (is_up(peers[i]) && views[i].number != 0 && matches)
        assert_int_equal(views[i].last[c], offset);
    }
  }
  while (node.peers != NULL)
    peer_free(node.peers);
  hubs_pass(&node, 20000);
  assert_int_equal(HUBS_STAT(&node, patterns), 0);
}

static void begin(void) {
  hubs_init(&node, 3);
  node.spaces[1].wildcards = true;
  node.settings.limits.max_queue_bytes = 400;
  memset(peers, 0, sizeof peers);
  memset(views, 0, sizeof views);
  fail_at = num_told = 0;
  hubs_start(&node);
  num_allocs = 0;
}

/** With memory, the script gets everywhere. */
static void test_no_failure(void **state) {
  (void)state;
  begin();
  script();
  assert_int_equal(num_told, 1); /* who did not read */
  assert_int_equal(HUBS_STAT(&node, publications_total), 35);
  assert_int_equal(views[0].last[0], 15);
  assert_int_equal(views[1].last[2], 5);
  assert_int_equal(views[2].number, 0);
  check_health();
  hubs_stop(&node);
}

static const sweep_script all = {&node, begin, script, check_health};

static void test_one_failure(void **state) {
  (void)state;
  losses = 0;
  assert_true(sweep(&all, 1) > 200);
  assert_true(losses > 10);
}

static void test_several_failures_in_a_row(void **state) {
  (void)state;
  for (unsigned long len = 2; len < 12; len += 3)
    (void)sweep(&all, len);
}

/** Room for what a worker has to be told of a loss is there from the start. */
static void test_a_hub_that_cannot_be_made(void **state) {
  (void)state;
  hubs_init(&node, 3);
  node.spaces[1].wildcards = true;
  gw_hub_options o = {.num_workers = 3, .settings = &node.settings};
  sweep_hub_new(&o, 20);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_no_failure),
      cmocka_unit_test(test_one_failure),
      cmocka_unit_test(test_several_failures_in_a_row),
      cmocka_unit_test(test_a_hub_that_cannot_be_made),
  };
  return cmocka_run_group_tests_name("wildcard_memory", tests, NULL, NULL);
}
