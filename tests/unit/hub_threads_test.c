/* SPDX-License-Identifier: MIT */
/* hub_threads_test.c - hubs on threads of their own share messages, members and
 * snapshots: for the thread sanitizer (make test-threads), and for order under
 * real concurrency. */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/core/hub.h"

#define NUM_WORKERS  3u
#define NUM_ROOMS    4u
#define NUM_MESSAGES 200u /* of each worker to each room */

/* cmocka's asserts are for the main thread. */
static void must(bool holds) {
  if (!holds) abort();
}

typedef struct worker {
  uint32_t index;
  gw_hub *hub;
  gw_session *session;
  pthread_mutex_t lock;
  gw_mail *inbox; /* oldest first */
  uint64_t random;
  uint64_t offset[NUM_ROOMS]; /* of the last publication */
  uint32_t number[NUM_ROOMS];
  unsigned num_acks;
  uint64_t now_ms;
} worker;

static worker workers[NUM_WORKERS];

static void no_write(void *user, void *conn) {
  (void)user, (void)conn;
}

static void no_close(void *user, void *conn, uint32_t ws_code, gw_view reason) {
  (void)user, (void)conn, (void)ws_code, (void)reason;
  abort();
}

static void post(void *user, uint32_t to, gw_mail *mail) {
  (void)user;
  worker *w = &workers[to];
  pthread_mutex_lock(&w->lock);
  gw_mail **at = &w->inbox;
  while (*at != NULL)
    at = gw_mail_next(*at);
  *at = mail;
  pthread_mutex_unlock(&w->lock);
}

static uint64_t random_number(void *user) {
  worker *w = user;
  return w->random = w->random * 6364136223846793005u + w->index + 1;
}

static const gw_hub_port port = {.want_write = no_write,
                                 .close = no_close,
                                 .post = post,
                                 .random = random_number};

static void on_frame(worker *w, const gw_frame *f) {
  if (f->head.type == GW_FRAME_SUBSCRIBED) {
    must(f->head.request >= 10 && f->head.request < 10 + NUM_ROOMS);
    w->number[f->head.request - 10] = f->head.channel;
  }
  w->num_acks += f->head.type == GW_FRAME_PUBLISHED;
  if (f->head.type != GW_FRAME_PUBLICATION) return;
  gw_publication m;
  must(gw_decode_publication(f->body, &m) == 0);
  for (unsigned r = 0; r < NUM_ROOMS; r++) {
    if (w->number[r] != f->head.channel) continue;
    must(m.offset == ++w->offset[r]);
  }
}

/** A message holds one frame, or several. */
static void on_message(worker *w, gw_view message) {
  while (message.len != 0) {
    gw_frame f;
    int64_t used = gw_frame_parse(message, GW_MAX_FRAME_BYTES, &f);
    must(used > 0);
    on_frame(w, &f);
    message.data += used;
    message.len -= (size_t)used;
  }
}

static void take(worker *w) {
  gw_buf *bufs[16];
  size_t num;
  while ((num = gw_session_take(w->session, bufs, 16, 65536)) != 0) {
    for (size_t i = 0; i < num; i++) {
      on_message(w, gw_buf_payload(bufs[i]));
      gw_buf_unref(bufs[i]);
    }
  }
}

static void turn(worker *w) {
  w->now_ms++;
  gw_hub_set_time(w->hub, w->now_ms, w->now_ms);
  pthread_mutex_lock(&w->lock);
  gw_mail *m = w->inbox;
  w->inbox = NULL;
  pthread_mutex_unlock(&w->lock);
  while (m != NULL) {
    gw_mail *next = *gw_mail_next(m);
    gw_hub_deliver(w->hub, m);
    m = next;
  }
  gw_hub_tick(w->hub);
  gw_hub_end_turn(w->hub);
  take(w);
}

#define SEND(w, M, head, msg)                              \
  do {                                                     \
    uint8_t bytes_[512];                                   \
    gw_out out_ = {bytes_, 0, sizeof bytes_};              \
    must(gw_encode_##M(&out_, (head), (msg)) == 0);        \
    gw_view sent_ = {out_.data, out_.len};                 \
    must(gw_session_feed((w)->session, sent_, true) == 0); \
  } while (0)

static void join(worker *w) {
  uint8_t instance[GW_INSTANCE_BYTES] = {(uint8_t)(w->index + 1)};
  gw_head head = {.type = GW_FRAME_HELLO, .request = 1};
  gw_hello hello = {.version = GW_PROTOCOL_VERSION,
                    .instance = {instance, sizeof instance}};
  SEND(w, hello, &head, &hello);
  for (uint32_t r = 0; r < NUM_ROOMS; r++) {
    char name[16];
    (void)snprintf(name, sizeof name, "room:%u", r);
    head = (gw_head){.type = GW_FRAME_SUBSCRIBE,
                     .flags = GW_FLAG_ALIAS,
                     .request = 10 + r,
                     .channel = 1 + r};
    gw_subscribe m = {
        .channel = gw_view_of(name), .recover = true, .presence = true};
    SEND(w, subscribe, &head, &m);
  }
}

static void speak(worker *w, uint64_t key) {
  for (uint32_t r = 0; r < NUM_ROOMS; r++) {
    gw_head head = {.type = GW_FRAME_PUBLISH,
                    .flags = GW_FLAG_ALIAS,
                    .request = 100,
                    .channel = 1 + r};
    gw_publish m = {.data = gw_view_of("data"), .key = key * NUM_ROOMS + r};
    SEND(w, publish, &head, &m);
    head.type = GW_FRAME_PRESENCE_SET;
    gw_presence_set set = {.state = gw_view_of(key % 2 ? "odd" : "even")};
    SEND(w, presence_set, &head, &set);
  }
}

static bool has_all(const worker *w) {
  for (unsigned r = 0; r < NUM_ROOMS; r++) {
    if (w->offset[r] < NUM_WORKERS * NUM_MESSAGES) return false;
  }
  return w->num_acks == NUM_ROOMS * NUM_MESSAGES;
}

static atomic_uint num_ready;

static void *run(void *arg) {
  worker *w = arg;
  bool is_ready = false;
  join(w);
  for (uint64_t key = 1; atomic_load(&num_ready) < NUM_WORKERS; key++) {
    if (key <= NUM_MESSAGES) speak(w, key);
    turn(w);
    if (!is_ready && has_all(w)) {
      is_ready = true;
      atomic_fetch_add(&num_ready, 1);
    }
    sched_yield();
  }
  return NULL;
}

static void free_mail(worker *w) {
  for (gw_mail *m = w->inbox, *next; m != NULL; m = next) {
    next = *gw_mail_next(m);
    gw_mail_free(m);
  }
}

static void test_all_at_once(void **state) {
  (void)state;
  gw_settings settings = gw_settings_default;
  gw_namespace ns = *gw_settings_namespace(&settings, gw_view_of("x"));
  ns.history_size = 2000; /* one may begin when the others are done */
  ns.presence_coalesce_ms = 3;
  settings.namespaces = &ns;
  settings.ping_interval_ms = 1u << 30;
  pthread_t threads[NUM_WORKERS];
  for (uint32_t i = 0; i < NUM_WORKERS; i++) {
    worker *w = &workers[i];
    gw_hub_options o = {
        .worker = i, .num_workers = NUM_WORKERS, .settings = &settings};
    w->index = i;
    w->hub = gw_hub_new(&o, &port, w);
    assert_non_null(w->hub);
    pthread_mutex_init(&w->lock, NULL);
    w->session = gw_hub_open(w->hub, w, GW_ENCODING_BINARY, gw_view_of("t"));
    assert_non_null(w->session);
  }
  for (uint32_t i = 0; i < NUM_WORKERS; i++)
    assert_int_equal(pthread_create(&threads[i], NULL, run, &workers[i]), 0);
  for (uint32_t i = 0; i < NUM_WORKERS; i++)
    pthread_join(threads[i], NULL);
  for (uint32_t i = 0; i < NUM_WORKERS; i++)
    gw_session_closed(workers[i].session, 0);
  for (uint32_t i = 0; i < NUM_WORKERS; i++) {
    gw_hub_free(workers[i].hub);
    free_mail(&workers[i]);
    pthread_mutex_destroy(&workers[i].lock);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_all_at_once)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
