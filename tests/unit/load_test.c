/* SPDX-License-Identifier: MIT */
/* load_test.c - the load generator finds what a server loses, repeats or
 * changes, and counts latencies right. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/load/run.h"
#include "server/load/usage.h"

#define PAYLOAD_BYTES 128u
#define WINDOW        4u

/* ---- a run without sockets -------------------------------------------------- */

static int put_publish(const gw_load_peer *p, gw_view payload, gw_out *out) {
  (void)p;
  if (out->cap - out->len < payload.len + 1) return GW_ERR_FULL;
  out->data[out->len++] = 'p';
  memcpy(out->data + out->len, payload.data, payload.len);
  out->len += payload.len;
  return 0;
}

static size_t on_data(gw_load_peer *p, gw_view data) {
  (void)p;
  return data.len;
}

static const gw_load_driver driver = {.name = "test",
                                      .has_acks = true,
                                      .on_data = on_data,
                                      .put_publish = put_publish};

/** Two rooms of two, whose publishers have filled their windows. */
static gw_load *make(gw_load_result *result) {
  const gw_load_options options = {.driver = &driver,
                                   .url = "ws://127.0.0.1:1/",
                                   .num_rooms = 2,
                                   .num_subscribers = 4,
                                   .has_publishers = true,
                                   .payload_bytes = PAYLOAD_BYTES,
                                   .window = WINDOW};
  const char *why;
  gw_load *l = gw_load_new(&options, &why);
  assert_non_null(l);
  memset(result, 0, sizeof *result);
  l->result = result;
  l->is_publishing = true;
  gw__load_rooms_begin(l);
  gw__load_rooms_pump(l);
  return l;
}

/** What the publisher of a room sent under this number. */
static const uint8_t *payload(const gw_load_room *r, uint64_t number) {
  static uint8_t space[PAYLOAD_BYTES];
  memset(space, 'x', sizeof space);
  memcpy(space, r->ring[number % WINDOW].head, GW_LOAD_HEAD_BYTES);
  return space;
}

static void deliver(gw_load *l, uint32_t peer, uint64_t number) {
  gw_load_peer *p = &l->peers[peer];
  gw_load_delivered(p, (gw_view){payload(p->room, number), PAYLOAD_BYTES});
}

/* ---- reconciling ------------------------------------------------------------ */

static void a_window_opens_when_all_have_a_publication(void **state) {
  (void)state;
  gw_load_result result;
  gw_load *l = make(&result);
  assert_int_equal(l->rooms[0].sent, WINDOW);
  assert_int_equal(gw_load_count(l).sent, 2 * WINDOW);
  deliver(l, 0, 0);
  gw__load_rooms_pump(l);
  assert_int_equal(l->rooms[0].sent, WINDOW);
  deliver(l, 2, 0);
  gw__load_rooms_pump(l);
  assert_int_equal(l->rooms[0].sent, WINDOW + 1);
  assert_int_equal(l->rooms[1].sent, WINDOW);
  assert_string_equal(gw_load_why(l), "");
  gw_load_free(l);
}

static void it_is_complete_with_deliveries_and_acknowledgements(void **state) {
  (void)state;
  gw_load_result result;
  gw_load *l = make(&result);
  l->is_publishing = false;
  for (uint64_t n = 0; n < WINDOW; n++) {
    for (uint32_t peer = 0; peer < 4; peer++)
      deliver(l, peer, n);
  }
  assert_false(gw__load_rooms_is_complete(l));
  for (uint64_t n = 0; n < WINDOW; n++) {
    gw_load_acked(l->rooms[0].publisher);
    gw_load_acked(l->rooms[1].publisher);
  }
  assert_true(gw__load_rooms_is_complete(l));
  assert_string_equal(gw_load_why(l), "");
  gw_load_acked(l->rooms[0].publisher);
  assert_non_null(strstr(gw_load_why(l), "more was acknowledged"));
  gw_load_free(l);
}

static void a_loss_is_found(void **state) {
  (void)state;
  gw_load_result result;
  gw_load *l = make(&result);
  deliver(l, 0, 0);
  deliver(l, 0, 2);
  assert_non_null(strstr(gw_load_why(l), "lost"));
  assert_non_null(strstr(gw_load_why(l), "2 instead of 1"));
  gw_load_free(l);
}

static void a_repeat_is_found(void **state) {
  (void)state;
  gw_load_result result;
  gw_load *l = make(&result);
  deliver(l, 3, 0);
  deliver(l, 3, 1);
  deliver(l, 3, 0);
  assert_non_null(strstr(gw_load_why(l), "repeated"));
  gw_load_free(l);
}

static void what_was_not_sent_is_found(void **state) {
  (void)state;
  gw_load_result result;
  gw_load *l = make(&result);
  for (uint64_t n = 0; n < WINDOW; n++)
    deliver(l, 0, n);
  assert_string_equal(gw_load_why(l), "");
  deliver(l, 0, WINDOW - 1);
  assert_string_not_equal(gw_load_why(l), "");
  gw_load_free(l);
}

static void a_change_is_found(void **state) {
  (void)state;
  for (size_t at = 0; at < PAYLOAD_BYTES; at += 31) {
    gw_load_result result;
    uint8_t changed[PAYLOAD_BYTES];
    gw_load *l = make(&result);
    gw_load_peer *p = &l->peers[1];
    memcpy(changed, payload(p->room, 0), sizeof changed);
    changed[at] ^= 1;
    gw_load_delivered(p, (gw_view){changed, sizeof changed});
    assert_string_not_equal(gw_load_why(l), "");
    gw_load_free(l);
  }
}

static void another_length_is_found(void **state) {
  (void)state;
  gw_load_result result;
  gw_load *l = make(&result);
  gw_load_peer *p = &l->peers[1];
  gw_load_delivered(p, (gw_view){payload(p->room, 0), PAYLOAD_BYTES - 1});
  assert_non_null(strstr(gw_load_why(l), "127 bytes"));
  gw_load_free(l);
}

static void options_without_sense_are_refused(void **state) {
  (void)state;
  const gw_load_options good = {.driver = &driver,
                                .url = "ws://127.0.0.1:1/",
                                .num_rooms = 1,
                                .num_subscribers = 1,
                                .has_publishers = true,
                                .payload_bytes = 32,
                                .window = 1};
  gw_load_options bad[9];
  for (size_t i = 0; i < 9; i++)
    bad[i] = good;
  bad[0].url = "http://127.0.0.1/";
  bad[1].num_rooms = 2;
  bad[2].payload_bytes = 31;
  bad[3].window = GW_LOAD_MAX_WINDOW + 1;
  bad[4].window = 0;
  bad[5].num_subscribers = 1u << 30;
  bad[6].num_missed = 10; /* which this driver cannot recover */
  bad[7].driver = bad[8].driver = &gw_load_godwit;
  bad[7].num_missed = GW_LOAD_MAX_MISSED + 1;
  bad[8].num_missed = 10;
  bad[8].is_member = true;
  for (size_t i = 0; i < 9; i++) {
    const char *why = NULL;
    assert_null(gw_load_new(&bad[i], &why));
    assert_non_null(why);
  }
}

/* ---- frames and addresses --------------------------------------------------- */

static void frames_have_lengths_of_three_kinds(void **state) {
  (void)state;
  static const struct {
    size_t len;
    size_t head;
  } cases[] = {{0, 6}, {125, 6}, {126, 8}, {65535, 8}, {65536, 14}};
  uint8_t *payload_bytes = calloc(1, 65536);
  uint8_t *space = malloc(65536 + GW_LOAD_FRAME_HEAD_MAX);
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    gw_out out = {space, 0, cases[i].head + cases[i].len};
    gw_view view = {payload_bytes, cases[i].len};
    assert_int_equal(gw_load_frame_put(&out, GW_LOAD_BINARY, view), 0);
    assert_int_equal(out.len, cases[i].head + cases[i].len);
    assert_int_equal(space[0], 0x82);
    assert_int_equal(space[1] & 0x80, 0x80);
    out = (gw_out){space, 0, cases[i].head + cases[i].len - 1};
    assert_int_equal(gw_load_frame_put(&out, GW_LOAD_BINARY, view),
                     GW_ERR_FULL);
    assert_int_equal(out.len, 0);
  }
  free(space);
  free(payload_bytes);
}

static void addresses_are_read(void **state) {
  (void)state;
  gw_load_address a;
  assert_null(gw_load_address_read(&a, "ws://127.0.0.1:8000/v1/ws"));
  assert_string_equal(a.host, "127.0.0.1:8000");
  assert_string_equal(a.path, "/v1/ws");
  assert_int_equal(ntohs(((struct sockaddr_in *)&a.to)->sin_port), 8000);
  assert_null(gw_load_address_read(&a, "ws://127.0.0.1"));
  assert_string_equal(a.path, "/");
  assert_int_equal(ntohs(((struct sockaddr_in *)&a.to)->sin_port), 80);
  assert_null(gw_load_address_read(&a, "ws://127.0.0.1?x=1"));
  assert_string_equal(a.path, "/?x=1");
  assert_null(gw_load_address_read(&a, "ws://[::1]:9/"));
  assert_int_equal(a.to.ss_family, AF_INET6);
  assert_false(a.is_secure);
  assert_null(gw_load_address_read(&a, "wss://127.0.0.1/x"));
  assert_true(a.is_secure);
  assert_string_equal(a.name, "127.0.0.1");
  assert_string_equal(a.path, "/x");
  assert_int_equal(ntohs(((struct sockaddr_in *)&a.to)->sin_port), 443);
  assert_non_null(gw_load_address_read(&a, "127.0.0.1:8000"));
  assert_non_null(gw_load_address_read(&a, "ws:///x"));
}

/* ---- threads ----------------------------------------------------------------- */

static void the_busiest_thread_is_found(void **state) {
  (void)state;
  const gw_load_threads before = {
      .num = 3, .ids = {1, 2, 3}, .ns = {1000, 5000, 10}};
  /* One has ended, one has come. */
  const gw_load_threads after = {
      .num = 3, .ids = {2, 1, 4}, .ns = {5100, 1300, 200}};
  assert_int_equal(gw_load_threads_busiest_ns(&before, &after), 300);
  assert_int_equal(gw_load_threads_busiest_ns(&before, &before), 0);

  gw_load_processes us;
  gw_load_threads now;
  char pid[16];
  snprintf(pid, sizeof pid, "%ld", (long)getpid());
  assert_int_equal(gw_load_processes_read(&us, pid), 0);
  gw_load_threads_read(&now, &us);
  assert_true(now.num >= 1);
  assert_true(now.ns[0] > 0);
}

/* ---- latencies -------------------------------------------------------------- */

static void quantiles_are_exact_to_three_percent(void **state) {
  (void)state;
  gw_histogram *h = calloc(1, sizeof *h);
  assert_int_equal(gw_histogram_quantile(h, 0.5), 0);
  for (uint64_t v = 1; v <= 100000; v++)
    gw_histogram_add(h, v);
  assert_in_range(gw_histogram_quantile(h, 0.5), 50000, 51600);
  assert_in_range(gw_histogram_quantile(h, 0.99), 99000, 100000);
  assert_int_equal(gw_histogram_quantile(h, 1), 100000);
  assert_int_equal(gw_histogram_quantile(h, 0.00001), 1);
  gw_histogram_add(h, UINT64_MAX);
  assert_true(gw_histogram_quantile(h, 1) == UINT64_MAX);
  free(h);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_window_opens_when_all_have_a_publication),
      cmocka_unit_test(it_is_complete_with_deliveries_and_acknowledgements),
      cmocka_unit_test(a_loss_is_found),
      cmocka_unit_test(a_repeat_is_found),
      cmocka_unit_test(what_was_not_sent_is_found),
      cmocka_unit_test(a_change_is_found),
      cmocka_unit_test(another_length_is_found),
      cmocka_unit_test(options_without_sense_are_refused),
      cmocka_unit_test(frames_have_lengths_of_three_kinds),
      cmocka_unit_test(addresses_are_read),
      cmocka_unit_test(the_busiest_thread_is_found),
      cmocka_unit_test(quantiles_are_exact_to_three_percent),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
