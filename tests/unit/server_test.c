/* SPDX-License-Identifier: MIT */
/* server_test.c - a server inside a program: its methods, its start and its end. */
#include <arpa/inet.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "godwit/server.h"

static char *flags[] = {"--listen.public",  "127.0.0.1:0", "--listen.internal",
                        "127.0.0.1:0",      "--workers",   "2",
                        "--log.level=error"};

static gw_server *new_server(void) {
  gw_server *s = NULL;
  gw_server_options o = {.argc = sizeof flags / sizeof flags[0], .argv = flags};
  assert_int_equal(gw_server_new(&s, &o), 0);
  assert_non_null(s);
  return s;
}

static void *run(void *arg) {
  assert_int_equal(gw_server_run(arg), 0);
  return NULL;
}

/* ---- a client of few words ---------------------------------------------- */

static int connect_to(uint16_t port) {
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
  struct timeval patience = {.tv_sec = 5};
  a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_true(fd >= 0);
  assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  return fd;
}

/* Reads until the text comes; whatever was read is kept for messages. */
static void expect(int fd, const char *wanted) {
  static char got[65536];
  size_t len = 0;
  do {
    ssize_t n = read(fd, got + len, sizeof got - 1 - len);
    if (n <= 0) fail_msg("'%s' does not come after:\n%s", wanted, got);
    for (ssize_t i = 0; i < n; i++)
      if (got[len + (size_t)i] == '\0') got[len + (size_t)i] = '?';
    len += (size_t)n;
    got[len] = '\0';
  } while (!strstr(got, wanted));
}

/* A text message, masked with zeros. */
static void say(int fd, const char *text) {
  uint8_t frame[256] = {0x81};
  size_t len = strlen(text), at = 2;
  assert_true(len < 200);
  frame[1] = (uint8_t)(0x80 | (len < 126 ? len : 126));
  if (len >= 126) {
    frame[at++] = 0;
    frame[at++] = (uint8_t)len;
  }
  at += 4;
  memcpy(frame + at, text, len);
  assert_int_equal(write(fd, frame, at + len), at + len);
}

static int join(uint16_t port) {
  static const char request[] =
      "GET /v1/ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
      "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
      "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
      "Sec-WebSocket-Protocol: godwit.v1.json\r\n\r\n";
  int fd = connect_to(port);
  assert_int_equal(write(fd, request, sizeof request - 1), sizeof request - 1);
  expect(fd, "101 Switching Protocols");
  say(fd, "{\"id\":1,\"hello\":{\"version\":1,"
          "\"instance\":\"AAECAwQFBgcICQoLDA0ODw==\",\"user\":\"ann\"}}");
  expect(fd, "welcome");
  return fd;
}

/* ---- methods ------------------------------------------------------------ */

static void greet(void *user, const gw_server_call *call, const gw_rpc *rpc) {
  char json[64];
  gw_rpc_result result;
  (void)rpc;
  snprintf(json, sizeof json, "\"%s %.*s\"", (const char *)user,
           (int)call->client_user.len, (const char *)call->client_user.data);
  result = (gw_rpc_result){.json = gw_view_of(json)};
  gw_server_answer(call, GW_CODE_OK, (gw_view){NULL, 0}, &result);
}

static void refuse(void *user, const gw_server_call *call, const gw_rpc *rpc) {
  (void)user;
  (void)rpc;
  gw_server_answer(call, GW_CODE_PERMISSION_DENIED, gw_view_of("not you"),
                   NULL);
}

/* Calls that are answered by another thread. */
static struct {
  pthread_mutex_t lock;
  gw_server_call calls[8];
  size_t num;
} later = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void defer(void *user, const gw_server_call *call, const gw_rpc *rpc) {
  (void)user;
  (void)rpc;
  pthread_mutex_lock(&later.lock);
  later.calls[later.num++] = *call;
  pthread_mutex_unlock(&later.lock);
}

static bool take_deferred(gw_server_call *call) {
  pthread_mutex_lock(&later.lock);
  bool is_there = later.num > 0;
  if (is_there) *call = later.calls[--later.num];
  pthread_mutex_unlock(&later.lock);
  return is_there;
}

static void test_methods_answer_at_once_or_from_another_thread(void **state) {
  (void)state;
  pthread_t thread;
  gw_server *s = new_server();
  assert_int_equal(gw_server_handle(s, "greet", greet, "hello"), 0);
  assert_int_equal(gw_server_handle(s, "refuse", refuse, NULL), 0);
  assert_int_equal(gw_server_handle(s, "defer", defer, NULL), 0);
  assert_int_equal(gw_server_handle(s, "defer", defer, NULL), GW_ERR_EXISTS);
  assert_int_equal(gw_server_handle(s, "server.time", defer, NULL),
                   GW_ERR_EXISTS);
  assert_int_equal(gw_server_listen(s), 0);
  assert_true(gw_server_port(s) > 0);
  assert_true(gw_server_internal_port(s) > 0);
  assert_int_equal(pthread_create(&thread, NULL, run, s), 0);

  int fd = join(gw_server_port(s));
  say(fd, "{\"id\":2,\"rpc\":{\"method\":\"greet\"}}");
  expect(fd, "hello ann");
  say(fd, "{\"id\":3,\"rpc\":{\"method\":\"refuse\"}}");
  expect(fd, "not you");
  say(fd, "{\"id\":4,\"rpc\":{\"method\":\"defer\"}}");
  gw_server_call call;
  while (!take_deferred(&call))
    usleep(1000);
  char json[] = "\"at last\"";
  gw_rpc_result result = {.json = gw_view_of(json)};
  gw_server_answer(&call, GW_CODE_OK, (gw_view){NULL, 0}, &result);
  memset(json, '?', sizeof json - 1);
  expect(fd, "at last");

  /* An answer to somebody who is gone is forgotten. */
  say(fd, "{\"id\":5,\"rpc\":{\"method\":\"defer\"}}");
  while (!take_deferred(&call))
    usleep(1000);
  close(fd);
  gw_server_answer(&call, GW_CODE_OK, (gw_view){NULL, 0}, &result);

  gw_server_stop(s);
  pthread_join(thread, NULL);
  gw_server_answer(&call, GW_CODE_OK, (gw_view){NULL, 0}, &result);
  gw_server_free(s);
}

/* ---- what is told ------------------------------------------------------- */

/** What the workers' threads told, in short, each with a blank behind. */
static struct {
  pthread_mutex_t lock;
  char text[1024];
} told = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void note(const char *format, ...) {
  va_list args;
  va_start(args, format);
  pthread_mutex_lock(&told.lock);
  size_t len = strlen(told.text);
  vsnprintf(told.text + len, sizeof told.text - len, format, args);
  pthread_mutex_unlock(&told.lock);
  va_end(args);
}

static bool was_told(const char *part) {
  pthread_mutex_lock(&told.lock);
  bool was = strstr(told.text, part) != NULL;
  pthread_mutex_unlock(&told.lock);
  return was;
}

static void await_told(const char *part) {
  for (int i = 0; i < 10000 && !was_told(part); i++)
    usleep(1000);
  if (!was_told(part)) fail_msg("'%s' is not in '%s'", part, told.text);
}

static void on_connection(void *user, const gw_server_connection_event *e) {
  static const char *const names[] = {"none",         "connected", "idle",
                                      "reconnecting", "error",     "gone"};
  assert_ptr_equal(user, &told);
  assert_true(e->client != 0 && e->connection != 0);
  note("%s>%s:%.*s ", names[e->from], names[e->to], (int)e->user.len,
       (const char *)e->user.data);
}

static void on_channel(void *user, const gw_server_channel_event *e) {
  static const char *const names[] = {"created", "subscribed", "unsubscribed",
                                      "destroyed"};
  assert_ptr_equal(user, &told);
  note("%s:%.*s:%.*s ", names[e->change], (int)e->channel.len,
       (const char *)e->channel.data, (int)e->user.len,
       (const char *)e->user.data);
}

static void test_connections_and_channels_are_told(void **state) {
  (void)state;
  pthread_t thread;
  gw_server *s = new_server();
  told.text[0] = '\0';
  gw_server_on_connection(s, on_connection, &told);
  gw_server_on_channel(s, on_channel, &told);
  assert_int_equal(gw_server_listen(s), 0);
  assert_int_equal(pthread_create(&thread, NULL, run, s), 0);
  int fd = join(gw_server_port(s));
  await_told("none>connected:ann ");
  say(fd, "{\"id\":2,\"channel\":1,\"alias\":true,"
          "\"subscribe\":{\"channel\":\"room\"}}");
  expect(fd, "subscribed");
  await_told("created:room: ");
  await_told("subscribed:room:ann ");
  close(fd); /* lost, and back as the same client */
  await_told("unsubscribed:room:ann ");
  await_told("connected>reconnecting:ann ");
  fd = join(gw_server_port(s));
  await_told("reconnecting>connected:ann ");
  gw_server_stop(s);
  pthread_join(thread, NULL);
  close(fd);
  gw_server_free(s);
}

/* ---- the API from C ----------------------------------------------------- */

static void on_published(void *arg, uint32_t code, gw_view message,
                         uint64_t epoch, uint64_t offset) {
  if (message.len != 0)
    note("(%.*s) ", (int)message.len, (const char *)message.data);
  note("%s:%s:%d:%u ", (const char *)arg, gw_code_name(code), epoch != 0,
       (unsigned)offset);
}

static void on_result(void *arg, uint32_t code, gw_view message,
                      const gw_rpc_result *result) {
  (void)message;
  assert_null(result);
  note("%s:%s ", (const char *)arg, gw_code_name(code));
}

static void on_reply(void *arg, uint32_t code, gw_view message, gw_view reply) {
  (void)message;
  note("%s:%s:%s ", (const char *)arg, gw_code_name(code),
       reply.len != 0 ? "reply" : "none");
}

static void publish(gw_server *s, gw_server_publication p, char *name) {
  p.channel = "room";
  assert_int_equal(gw_server_publish(s, &p, on_published, name), 0);
}

static void test_the_api_is_asked_from_any_thread(void **state) {
  (void)state;
  pthread_t thread;
  gw_server *s = new_server();
  const gw_view nothing = {NULL, 0};
  told.text[0] = '\0';
  assert_int_equal(gw_server_listen(s), 0);
  assert_int_equal(pthread_create(&thread, NULL, run, s), 0);
  const gw_server_tag tags[] = {{"event", "hi"}, {"size", "3"}};
  publish(s,
          (gw_server_publication){
              .json = gw_view_of("{\"a\":1}"), .tags = tags, .num_tags = 2},
          "tagged");
  await_told("tagged:OK:1:1 ");
  publish(s,
          (gw_server_publication){
              .data = gw_view_of("x"), .compare = true, .offset = 7},
          "compared");
  await_told("compared:CONFLICT:0:0 ");
  publish(
      s,
      (gw_server_publication){.data = gw_view_of("x"), .json = gw_view_of("1")},
      "both");
  await_told("both:BAD_REQUEST:0:0 ");
  /* A namespace that looks at no payloads does not let it through here. */
  publish(s, (gw_server_publication){.json = gw_view_of("{\"a\":")}, "torn");
  await_told("torn:BAD_REQUEST:0:0 ");
  assert_true(was_told("(json: not JSON: line 1, column 5: "));
  publish(s, (gw_server_publication){.json = gw_view_of("\xff")}, "latin");
  await_told("latin:BAD_TEXT:0:0 ");
  const gw_server_publication cut = {.channel = "room",
                                     .json = {(const uint8_t *)"1\0", 2}};
  assert_int_equal(gw_server_publish(s, &cut, on_published, "cut"),
                   GW_ERR_INVALID);
  const gw_rpc call = {
      .to = 1, .method = gw_view_of("m"), .json = gw_view_of("]")};
  assert_int_equal(gw_server_rpc(s, &call, on_result, "call"), 0);
  await_told("call:BAD_REQUEST ");
  const gw_server_publication many = {
      .channel = "room", .tags = tags, .num_tags = GW_MAX_TAGS + 1};
  assert_int_equal(gw_server_publish(s, &many, on_published, "many"),
                   GW_ERR_INVALID);
  /* By its name, with a message of the schema as bytes; without an answer. */
  assert_int_equal(gw_server_api(s, "no_such", nothing, on_reply, "x"),
                   GW_ERR_NOT_FOUND);
  assert_int_equal(gw_server_api(s, "info", nothing, on_reply, "info"), 0);
  await_told("info:OK:reply ");
  assert_int_equal(gw_server_api(s, "publish", gw_view_of("?"), on_reply, "?"),
                   0);
  await_told("?:BAD_REQUEST:none ");
  const gw_view torn = gw_view_of("\x0a\x04room\x1a\x03\x0a\x01{");
  assert_int_equal(gw_server_api(s, "publish", torn, on_reply, "encoded"), 0);
  await_told("encoded:BAD_REQUEST:none ");
  int fd = join(gw_server_port(s));
  say(fd, "{\"id\":2,\"channel\":1,\"alias\":true,"
          "\"subscribe\":{\"channel\":\"room\"}}");
  expect(fd, "subscribed");
  const gw_view yes = gw_view_of("\x0a\x04room\x12\x03yes");
  assert_int_equal(gw_server_api(s, "publish", yes, NULL, NULL), 0);
  expect(fd, "\"eWVz\"");
  close(fd);
  gw_server_stop(s);
  pthread_join(thread, NULL);
  /* Too late: it is told so. */
  assert_int_equal(gw_server_api(s, "info", nothing, on_reply, "late"), 0);
  gw_server_free(s);
  assert_true(was_told("late:SHUTDOWN:none "));
}

#define NUM_IN_A_ROW 200u

/** Offsets by the order of the calls. */
static struct {
  _Atomic uint64_t offset[NUM_IN_A_ROW];
  atomic_uint num;
  atomic_uint num_late; /* told after one that was asked later */
} row;

static void on_row(void *arg, uint32_t code, gw_view message, uint64_t epoch,
                   uint64_t offset) {
  _Atomic uint64_t *at = arg;
  (void)message;
  (void)epoch;
  *at = code == GW_CODE_OK ? offset : 0;
  if (at != &row.offset[atomic_fetch_add(&row.num, 1)]) row.num_late++;
}

/** Two workers, of which one owns the channel. */
static void test_what_one_thread_publishes_keeps_its_order(void **state) {
  (void)state;
  pthread_t thread;
  gw_server *s = new_server();
  const gw_server_publication p = {.channel = "room", .data = gw_view_of("x")};
  assert_int_equal(gw_server_listen(s), 0);
  assert_int_equal(pthread_create(&thread, NULL, run, s), 0);
  for (unsigned i = 0; i < NUM_IN_A_ROW; i++)
    assert_int_equal(gw_server_publish(s, &p, on_row, &row.offset[i]), 0);
  for (int i = 0; i < 10000 && atomic_load(&row.num) < NUM_IN_A_ROW; i++)
    usleep(1000);
  for (unsigned i = 0; i < NUM_IN_A_ROW; i++)
    assert_int_equal(row.offset[i], i + 1);
  assert_int_equal(row.num_late, 0);
  gw_server_stop(s);
  pthread_join(thread, NULL);
  gw_server_free(s);
}

static void test_a_server_that_never_ran_is_freed(void **state) {
  (void)state;
  gw_server_free(NULL);
  gw_server_free(new_server());
  gw_server *s = new_server();
  assert_int_equal(gw_server_listen(s), 0);
  gw_server_free(s);
}

static void test_a_reload_without_tls_is_harmless_on_any_thread(void **state) {
  (void)state;
  pthread_t thread;
  gw_server *s = new_server();
  gw_server_reload(s);
  assert_int_equal(gw_server_listen(s), 0);
  assert_int_equal(pthread_create(&thread, NULL, run, s), 0);
  int fd = join(gw_server_port(s));
  for (int i = 0; i < 10; i++)
    gw_server_reload(s);
  say(fd, "{\"id\":2,\"rpc\":{\"method\":\"server.time\"}}");
  expect(fd, "rpcResult");
  close(fd);
  gw_server_stop(s);
  pthread_join(thread, NULL);
  gw_server_free(s);
}

static void test_unusable_credentials_are_refused(void **state) {
  (void)state;
  char text[512] = "";
  char *argv[] = {"--tls.cert=/no/cert.pem", "--tls.key=/no/key.pem",
                  "--log.level=error"};
  gw_server *s = NULL;
  FILE *errors = fmemopen(text, sizeof text - 1, "w");
  gw_server_options o = {.argc = 3, .argv = argv, .errors = errors};
  assert_int_equal(gw_server_new(&s, &o), GW_ERR_INVALID);
  fclose(errors);
  assert_null(s);
  assert_non_null(strstr(text, "tls.cert: /no/cert.pem cannot be read"));
}

static void test_a_second_server_on_the_port_is_told_why_not(void **state) {
  (void)state;
  char address[32], text[512] = "";
  gw_server *first = new_server(), *second = NULL;
  assert_int_equal(gw_server_listen(first), 0);
  snprintf(address, sizeof address, "127.0.0.1:%u", gw_server_port(first));
  char *argv[] = {"--listen.public",   address,
                  "--listen.internal", "",
                  "--workers=1",       "--log.level=error"};
  FILE *errors = fmemopen(text, sizeof text - 1, "w");
  gw_server_options o = {.argc = 6, .argv = argv, .errors = errors};
  assert_int_equal(gw_server_new(&second, &o), 0);
  assert_int_equal(gw_server_listen(second), GW_ERR_INVALID);
  fclose(errors);
  assert_non_null(strstr(text, "is in use by"));
  gw_server_free(second);
  gw_server_free(first);
}

static void test_wrong_settings_are_refused(void **state) {
  (void)state;
  char text[512] = "";
  char *argv[] = {"--no.such.key", "1"};
  gw_server *s = NULL;
  FILE *errors = fmemopen(text, sizeof text - 1, "w");
  gw_server_options o = {.argc = 2, .argv = argv, .errors = errors};
  assert_int_equal(gw_server_new(&s, &o), GW_ERR_INVALID);
  fclose(errors);
  assert_null(s);
  assert_non_null(strstr(text, "no.such.key"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_methods_answer_at_once_or_from_another_thread),
      cmocka_unit_test(test_connections_and_channels_are_told),
      cmocka_unit_test(test_the_api_is_asked_from_any_thread),
      cmocka_unit_test(test_what_one_thread_publishes_keeps_its_order),
      cmocka_unit_test(test_a_server_that_never_ran_is_freed),
      cmocka_unit_test(test_a_reload_without_tls_is_harmless_on_any_thread),
      cmocka_unit_test(test_unusable_credentials_are_refused),
      cmocka_unit_test(test_a_second_server_on_the_port_is_told_why_not),
      cmocka_unit_test(test_wrong_settings_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
