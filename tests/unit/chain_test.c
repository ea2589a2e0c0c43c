/* SPDX-License-Identifier: MIT */
/* chain_test.c - the order of links, who is asked, and what a refusal is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/middleware/chain.h"
#include "server/middleware/draft.h"

/** Letters of the links that were asked, in their order. */
static char trace[64];
static char refuses; /* the letter of the one that does */

static void note(const void *user) {
  size_t len = strlen(trace);
  assert_true(len + 1 < sizeof trace);
  trace[len] = *(const char *)user;
  trace[len + 1] = '\0';
}

static bool decide(const void *user, gw_refusal *refusal) {
  note(user);
  if (*(const char *)user != refuses) return true;
  refusal->code = 900;
  refusal->message = "not here";
  return false;
}

static bool on_request(void *user, const gw_request *r, gw_refusal *refusal) {
  (void)r;
  return decide(user, refusal);
}

static void on_refused(void *user, const gw_request *r, const gw_refusal *why) {
  (void)r;
  (void)why;
  note(user);
}

/** Each has a place of its own. */
static void on_connect(void *user, gw_connection *c) {
  void **slot = gw_connection_slot(c);
  note(user);
  assert_null(*slot);
  *slot = user;
}

static bool on_frame(void *user, gw_connection *c, const gw_frame_view *f,
                     gw_refusal *refusal) {
  (void)c;
  (void)f;
  return decide(user, refusal);
}

static bool on_publication(void *user, gw_connection *c, gw_draft *d,
                           gw_refusal *refusal) {
  (void)c;
  if (*(const char *)user == 'r') {
    uint8_t *space = gw_draft_space(d, 3);
    memcpy(space, "new", 3);
    d->data = (gw_view){space, 3};
  }
  return decide(user, refusal);
}

static void on_disconnect(void *user, gw_connection *c, const gw_end *end) {
  assert_ptr_equal(*gw_connection_slot(c), user);
  assert_int_equal(end->code, 7);
  note(user);
}

static gw_middleware whole(const char *name) {
  return (gw_middleware){.size = sizeof(gw_middleware),
                         .name = name,
                         .on_request = on_request,
                         .on_refused = on_refused,
                         .on_connect = on_connect,
                         .on_frame = on_frame,
                         .on_publication = on_publication,
                         .on_disconnect = on_disconnect};
}

static gw_chain chain;

static int start(void **state) {
  (void)state;
  trace[0] = refuses = '\0';
  chain = (gw_chain){.num = 0};
  return 0;
}

static int stop(void **state) {
  (void)state;
  gw_chain_deinit(&chain);
  return 0;
}

static void add(const char *name) {
  const gw_middleware on = whole(name);
  assert_int_equal(gw_chain_add(&chain, &on, (void *)(uintptr_t)name), 0);
}

static const char *ask_order(void) {
  gw_refusal refusal;
  trace[0] = '\0';
  assert_true(gw_chain_request(&chain, 0, NULL, &refusal));
  return trace;
}

/* ---- order ------------------------------------------------------------------ */

static void test_the_order_is_that_of_the_list(void **state) {
  (void)state;
  char why[GW_CHAIN_WHY_MAX];
  add("a");
  add("b");
  add("c");
  add("d");
  assert_string_equal(ask_order(), "abcd");
  assert_int_equal(gw_chain_arrange(&chain, "c, a c", why), 0);
  assert_string_equal(ask_order(), "cabd");
  assert_int_equal(gw_chain_arrange(&chain, "", why), 0);
  assert_string_equal(ask_order(), "cabd");
  assert_int_equal(gw_chain_arrange(&chain, "a x", why), GW_ERR_NOT_FOUND);
  assert_non_null(strstr(why, "'x'"));
  assert_non_null(strstr(why, "c"));
}

static void test_links_that_cannot_be(void **state) {
  (void)state;
  gw_middleware on = whole("a");
  add("a");
  assert_int_equal(gw_chain_add(&chain, &on, NULL), GW_ERR_EXISTS);
  on.name = "a b";
  assert_int_equal(gw_chain_add(&chain, &on, NULL), GW_ERR_INVALID);
  on.name = "";
  assert_int_equal(gw_chain_add(&chain, &on, NULL), GW_ERR_INVALID);
  on.name = NULL;
  assert_int_equal(gw_chain_add(&chain, &on, NULL), GW_ERR_INVALID);
  on.name = "b";
  on.size = 4;
  assert_int_equal(gw_chain_add(&chain, &on, NULL), GW_ERR_INVALID);
  assert_int_equal(chain.num, 1);
}

/** A plugin of an older header: what it does not know stays empty. */
static void test_a_shorter_struct(void **state) {
  (void)state;
  gw_middleware on = whole("old");
  gw_refusal refusal;
  on.size = offsetof(gw_middleware, on_frame);
  assert_int_equal(gw_chain_add(&chain, &on, (void *)(uintptr_t) "o"), 0);
  assert_int_equal(chain.wants,
                   GW_CHAIN_REQUEST | GW_CHAIN_REFUSED | GW_CHAIN_CONNECT);
  assert_true(gw_chain_request(&chain, 0, NULL, &refusal));
  assert_string_equal(trace, "o");
}

static void test_as_many_as_may_be(void **state) {
  (void)state;
  char name[8];
  gw_middleware on = whole(name);
  for (unsigned i = 0; i < GW_CHAIN_MAX; i++) {
    snprintf(name, sizeof name, "l%u", i);
    assert_int_equal(gw_chain_add(&chain, &on, NULL), 0);
  }
  on.name = "more";
  assert_int_equal(gw_chain_add(&chain, &on, NULL), GW_ERR_FULL);
}

/* ---- running ---------------------------------------------------------------- */

static void test_the_first_refusal_ends_it(void **state) {
  (void)state;
  gw_refusal refusal;
  add("a");
  add("b");
  add("c");
  refuses = 'b';
  assert_false(gw_chain_request(&chain, 0, NULL, &refusal));
  assert_string_equal(trace, "ab");
  assert_int_equal(refusal.code, 900);
  trace[0] = '\0';
  gw_chain_refused(&chain, NULL, &refusal);
  assert_string_equal(trace, "abc");
}

static void test_handlers_of_a_route_come_last(void **state) {
  (void)state;
  const gw_middleware x = whole("x"), y = whole(NULL);
  const gw_facts facts = {.client = 5};
  gw_connection_state own = {.slots = NULL};
  gw_refusal refusal;
  size_t at_x, at_y;
  add("a");
  assert_int_equal(
      gw_chain_add_handlers(&chain, &x, (void *)(uintptr_t) "x", &at_x), 0);
  assert_int_equal(
      gw_chain_add_handlers(&chain, &y, (void *)(uintptr_t) "y", &at_y), 0);
  gw_connection c = {
      .facts = &facts, .handlers = at_y, .state = &own, .num_slots = 2};
  gw_chain_connect(&chain, &c);
  assert_true(gw_chain_frame(&chain, &c, NULL, &refusal));
  gw_chain_disconnect(&chain, &c, &(gw_end){.code = 7});
  assert_string_equal(trace, "ayayay");
  free(own.slots);
  assert_int_equal(gw_chain_handlers_want(&chain, 0), 0);
  assert_true(gw_chain_handlers_want(&chain, at_x) & GW_CHAIN_FRAME);
}

static void test_a_payload_that_replaces_another(void **state) {
  (void)state;
  gw_drafts drafts = {.blocks = NULL};
  gw_draft_of d = {.draft = {.data = gw_view_of("old")}, .drafts = &drafts};
  gw_refusal refusal;
  add("a");
  add("r");
  add("z");
  assert_true(gw_chain_publication(&chain, NULL, &d.draft, &refusal));
  assert_string_equal(trace, "arz");
  assert_true(gw_view_eq(d.draft.data, gw_view_of("new")));
  assert_null(gw_draft_space(&d.draft, SIZE_MAX));
  gw_drafts_clear(&drafts);
}

static void test_what_a_refusal_is(void **state) {
  (void)state;
  char text[GW_MAX_REASON_BYTES + 2];
  gw_verdict v = gw_chain_verdict(&(gw_refusal){.code = GW_CODE_OK});
  assert_int_equal(v.code, GW_CODE_PERMISSION_DENIED);
  v = gw_chain_verdict(&(gw_refusal){.code = 4000, .message = "x"});
  assert_int_equal(v.code, GW_CODE_PERMISSION_DENIED);
  assert_true(gw_view_eq(v.message, gw_view_of("x")));
  v = gw_chain_verdict(&(gw_refusal){
      .code = GW_CODE_OVERLOADED, .message = "\xff", .retry_after_ms = 5});
  assert_int_equal(v.code, GW_CODE_OVERLOADED);
  assert_int_equal(v.message.len, 0);
  assert_int_equal(v.retry_after_ms, 5);
  memset(text, 'x', sizeof text);
  text[sizeof text - 1] = '\0';
  assert_int_equal(gw_chain_verdict(&(gw_refusal){.message = text}).message.len,
                   0);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, start, stop)
  const struct CMUnitTest tests[] = {
      TEST(the_order_is_that_of_the_list),
      TEST(links_that_cannot_be),
      TEST(a_shorter_struct),
      TEST(as_many_as_may_be),
      TEST(the_first_refusal_ends_it),
      TEST(handlers_of_a_route_come_last),
      TEST(a_payload_that_replaces_another),
      TEST(what_a_refusal_is),
  };
  return cmocka_run_group_tests_name("chain", tests, NULL, NULL);
}
