/* SPDX-License-Identifier: MIT */
/* worker_test.c - a worker's loop, turn by turn on this thread: what another
 * thread is told of it has to hold at that moment. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/net/server.h"

static gw_server *server;
static gw_worker *worker;

static int set_up(void **state) {
  (void)state;
  char *argv[] = {"--listen.public",   "127.0.0.1:0",
                  "--listen.internal", "",
                  "--workers=1",       "--log.level=error"};
  gw_server_options o = {.argc = 6, .argv = argv};
  assert_int_equal(gw_server_new(&server, &o), 0);
  assert_int_equal(gw_server_listen(server), 0);
  worker = server->workers[0];
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  gw_server_free(server);
  return 0;
}

/* ---- a client ---------------------------------------------------------------- */

static int connect_to_it(void) {
  struct sockaddr_in a = {.sin_family = AF_INET,
                          .sin_port = htons(gw_server_port(server))};
  a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_true(fd >= 0);
  assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
  return fd;
}

static void ask_for_upgrade(int fd) {
  static const char request[] =
      "GET /v1/ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
      "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
      "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
      "Sec-WebSocket-Protocol: godwit.v1.json\r\n\r\n";
  assert_int_equal(write(fd, request, sizeof request - 1), sizeof request - 1);
}

/** Whether it was told to go, in what it can read now. */
static bool was_sent_away(int fd) {
  static char got[8192];
  ssize_t n = recv(fd, got, sizeof got, MSG_DONTWAIT | MSG_PEEK);
  return n > 0 && memmem(got, (size_t)n, "SHUTDOWN", 8) != NULL;
}

/* ---- turns -------------------------------------------------------------------- */

static bool is_drained(void) {
  return atomic_load(&worker->is_drained);
}

static void turn(void) {
  gw_worker_turn(worker, false);
  /* The server ends when it reads this, and cuts what is open then. */
  if (is_drained()) {
    assert_false(worker->is_listening);
    assert_int_equal(worker->ws.num_conns, 0);
  }
}

static void turns(int num) {
  for (int i = 0; i < num; i++)
    turn();
}

static void await_accept(void) {
  for (int i = 0; i < 1000 && worker->handshakes.num == 0; i++) {
    turn();
    usleep(1000);
  }
  assert_int_equal(worker->handshakes.num, 1);
}

static void await_farewell(int fd) {
  for (int i = 0; i < 5000 && !was_sent_away(fd); i++) {
    assert_false(is_drained());
    turn();
    usleep(1000);
  }
  assert_true(was_sent_away(fd));
}

static void await_drained(void) {
  for (int i = 0; i < 5000 && !is_drained(); i++) {
    turn();
    usleep(1000);
  }
  assert_true(is_drained());
}

static void test_it_is_not_drained_before_it_drains(void **state) {
  (void)state;
  turns(3);
  /* It is told in the midst of a turn, and woken for the next. */
  atomic_store(&worker->drain_window_ms, 1);
  turn();
  assert_false(is_drained());
  gw_worker_drain(worker, 0);
  turns(3);
  assert_true(is_drained());
}

static void test_who_is_in_a_handshake_is_sent_away(void **state) {
  (void)state;
  int fd = connect_to_it();
  await_accept();
  gw_worker_drain(worker, 0);
  turns(3);
  ask_for_upgrade(fd);
  for (int i = 0; i < 1000 && worker->ws.num_conns == 0; i++) {
    turn();
    usleep(1000);
  }
  assert_int_equal(worker->ws.num_conns, 1);
  turn();
  await_farewell(fd);
  close(fd);
  await_drained();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_it_is_not_drained_before_it_drains,
                                      set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_who_is_in_a_handshake_is_sent_away,
                                      set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
