/* SPDX-License-Identifier: MIT */
/* guard.c - the paths whose cost may not grow unnoticed, each to be run alone
 * under callgrind, which counts the instructions of guard_measured. No I/O, no
 * clock, fixed random numbers: the count is the same each time. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "godwit/client.h"
#include "server/core/hub.h"

#define SUBSCRIBERS   1000u
#define PAYLOAD_BYTES 128u
#define BATCH         64u

static uint8_t payload_bytes[PAYLOAD_BYTES];
static const gw_view payload = {payload_bytes, PAYLOAD_BYTES};

/** Our own mistakes, and what they say. */
static void must(bool holds, const char *what) {
  if (holds) return;
  fprintf(stderr, "godwit-guard: %s\n", what);
  exit(1);
}

/* ---- a hub with connections -------------------------------------------------- */

static uint64_t random_state = 1;

static uint64_t next_random(void *user) {
  (void)user;
  random_state = random_state * UINT64_C(6364136223846793005) + 1442695041u;
  return random_state >> 1;
}

static gw_session *dirty[SUBSCRIBERS + 1];
static gw_session *sessions[SUBSCRIBERS + 1];
static size_t num_dirty;

static void want_write(void *user, void *conn) {
  (void)user;
  dirty[num_dirty++] = *(gw_session **)conn;
}

static void close_conn(void *user, void *conn, uint32_t ws_code,
                       gw_view reason) {
  (void)user;
  (void)conn;
  (void)ws_code;
  (void)reason;
  must(false, "a session was closed");
}

static void post(void *user, uint32_t worker, gw_mail *mail) {
  (void)user;
  (void)worker;
  gw_mail_free(mail);
}

static void log_line(void *user, int level, const char *event,
                     const char *fields) {
  (void)user;
  (void)level;
  (void)event;
  (void)fields;
}

static gw_hub *make_hub(void) {
  static const gw_hub_port port = {.want_write = want_write,
                                   .close = close_conn,
                                   .post = post,
                                   .random = next_random,
                                   .log = log_line};
  gw_hub_options options = {.num_workers = 1, .settings = &gw_settings_default};
  memset(options.hash_key, 7, sizeof options.hash_key);
  gw_hub *h = gw_hub_new(&options, &port, NULL);
  must(h != NULL, "no hub");
  gw_hub_set_time(h, 1000000, 1700000000000u);
  return h;
}

/** As the network side does, without the socket. */
static size_t flush(void) {
  size_t bytes = 0;
  for (size_t i = 0; i < num_dirty; i++) {
    gw_buf *bufs[BATCH];
    size_t num;
    while ((num = gw_session_take(dirty[i], bufs, BATCH, 65536)) > 0) {
      for (size_t k = 0; k < num; k++) {
        bytes += gw_buf_framed(bufs[k]).len;
        gw_buf_unref(bufs[k]);
      }
    }
  }
  num_dirty = 0;
  return bytes;
}

static void feed(gw_session *s, const gw_out *out) {
  gw_view bytes = {out->data, out->len};
  must(gw_session_feed(s, bytes, true) == 0, "a message was refused");
}

static void connect_one(gw_hub *h, uint32_t i) {
  uint8_t space[256];
  uint8_t instance[GW_INSTANCE_BYTES] = {(uint8_t)i, (uint8_t)(i >> 8), 1};
  gw_out out = {space, 0, sizeof space};
  gw_head head = {.type = GW_FRAME_HELLO, .request = 1};
  gw_hello hello = {.version = GW_PROTOCOL_VERSION,
                    .instance = {instance, sizeof instance},
                    .agent = gw_view_of("guard")};
  must(gw_encode_hello(&out, &head, &hello) == 0, "Hello");
  sessions[i] =
      gw_hub_open(h, &sessions[i], GW_ENCODING_BINARY, gw_view_of("127.0.0.1"));
  must(sessions[i] != NULL, "no session");
  feed(sessions[i], &out);
  (void)flush();
}

static void subscribe_one(uint32_t i, uint32_t alias, const char *channel) {
  uint8_t space[256];
  gw_out out = {space, 0, sizeof space};
  gw_head head = {
      .type = GW_FRAME_SUBSCRIBE, .request = 1 + alias, .channel = alias};
  gw_subscribe subscribe = {.channel = gw_view_of(channel)};
  must(gw_encode_subscribe(&out, &head, &subscribe) == 0, "Subscribe");
  feed(sessions[i], &out);
  (void)flush();
}

static void publish_one(uint64_t key, const char *channel) {
  uint8_t space[512];
  gw_out out = {space, 0, sizeof space};
  gw_head head = {.type = GW_FRAME_PUBLISH, .request = (uint32_t)key};
  gw_publish publish = {.channel = gw_view_of(channel),
                        .data = payload,
                        .key = key,
                        .after = key - 1};
  must(gw_encode_publish(&out, &head, &publish) == 0, "Publish");
  feed(sessions[SUBSCRIBERS], &out);
  must(flush() > 0, "nothing was delivered");
}

/* ---- a client ----------------------------------------------------------------- */

static uint32_t generation;
static uint64_t num_events;
static gw_view sent_endpoint;

static void client_open(void *user, uint32_t number, gw_view endpoint) {
  (void)user;
  generation = number;
  sent_endpoint = endpoint;
}

static void client_send(void *user, uint32_t number, gw_view message) {
  (void)user;
  (void)number;
  (void)message;
}

static void client_close(void *user, uint32_t number, uint32_t code,
                         gw_view reason) {
  (void)user;
  (void)number;
  (void)code;
  (void)reason;
}

static void client_timer(void *user, uint64_t delay_ms) {
  (void)user;
  (void)delay_ms;
}

static uint64_t client_now(void *user) {
  (void)user;
  return 1000000;
}

static void client_event(void *user, const gw_event *event) {
  (void)user;
  if (event->type == GW_EVENT_PUBLICATION) num_events++;
}

static void tell(gw_client *c, const gw_out *out) {
  gw_client_on_data(c, generation, (gw_view){out->data, out->len}, true);
}

static gw_client *make_client(void) {
  static const gw_port port = {.open = client_open,
                               .send = client_send,
                               .close = client_close,
                               .set_timer = client_timer,
                               .now = client_now,
                               .random = next_random,
                               .event = client_event};
  uint8_t space[512];
  gw_out out = {space, 0, sizeof space};
  gw_view endpoint = gw_view_of("ws://localhost/");
  gw_client_options options = {.endpoints = &endpoint, .num_endpoints = 1};
  gw_client *c = gw_client_new(&options, &port, NULL);
  must(c != NULL && gw_client_subscribe(c, gw_view_of("room"), NULL) > 0 &&
           gw_client_connect(c) == 0,
       "no client");
  gw_client_on_timer(c);
  gw_client_on_open(c, generation);
  gw_welcome welcome = {.version = GW_PROTOCOL_VERSION,
                        .connection = 1,
                        .client = 2,
                        .ping_interval_ms = 25000,
                        .ping_timeout_ms = 10000};
  gw_subscribed subscribed = {.epoch = 1, .live = true};
  gw_head head = {.type = GW_FRAME_WELCOME, .request = 1};
  must(gw_encode_welcome(&out, &head, &welcome) == 0, "Welcome");
  head = (gw_head){.type = GW_FRAME_SUBSCRIBED, .request = 2, .channel = 9};
  must(gw_encode_subscribed(&out, &head, &subscribed) == 0, "Subscribed");
  tell(c, &out);
  return c;
}

static int put_publication(gw_out *out, uint64_t offset) {
  gw_head head = {.type = GW_FRAME_PUBLICATION, .channel = 9};
  gw_publication publication = {.offset = offset,
                                .data = payload,
                                .client = 3,
                                .key = offset,
                                .time_ms = 1700000000000u};
  return gw_encode_publication(out, &head, &publication);
}

/* ---- the cases ---------------------------------------------------------------- */

static uint8_t message[65536];

static void *encode_set_up(void) {
  return NULL;
}

static void encode(void *state, uint32_t num) {
  (void)state;
  for (uint32_t i = 1; i <= num; i++) {
    gw_out out = {message, 0, sizeof message};
    must(put_publication(&out, i) == 0, "Publication");
  }
}

static void *decode_set_up(void) {
  static gw_out out = {message, 0, sizeof message};
  must(put_publication(&out, 1000) == 0, "Publication");
  return &out;
}

static void decode(void *state, uint32_t num) {
  const gw_out *out = state;
  for (uint32_t i = 0; i < num; i++) {
    gw_frame f;
    gw_publication publication;
    must(gw_frame_parse((gw_view){out->data, out->len}, GW_MAX_FRAME_BYTES,
                        &f) > 0 &&
             gw_decode_publication(f.body, &publication) == 0,
         "a Publication cannot be decoded");
  }
}

static void *connect_set_up(void) {
  gw_hub *h = make_hub();
  connect_one(h, SUBSCRIBERS);
  return h;
}

static void connect_all(void *state, uint32_t num) {
  for (uint32_t i = 0; i < num; i++)
    connect_one(state, i);
}

static void *subscribe_set_up(void) {
  gw_hub *h = connect_set_up();
  connect_all(h, SUBSCRIBERS);
  return h;
}

/** Into channels of ten, which come into being on the way. */
static void subscribe_all(void *state, uint32_t num) {
  (void)state;
  for (uint32_t i = 0; i < num; i++) {
    char name[32];
    (void)snprintf(name, sizeof name, "room-%u", i / 10);
    subscribe_one(i, 1, name);
  }
}

static void publish_all(void *state, uint32_t num) {
  static uint64_t key;
  (void)state;
  for (uint32_t i = 0; i < num; i++)
    publish_one(++key, "room");
}

/** Everybody in one channel, whose history is full. */
static void *publish_set_up(void) {
  gw_hub *h = subscribe_set_up();
  for (uint32_t i = 0; i < SUBSCRIBERS; i++)
    subscribe_one(i, 1, "room");
  publish_all(h, 300);
  return h;
}

/** Ten in the channel, others in 20,000 channels that nobody publishes to. */
static void *crowd_set_up(void) {
  gw_hub *h = subscribe_set_up();
  for (uint32_t i = 0; i < 20000; i++) {
    char name[32];
    (void)snprintf(name, sizeof name, "other-%u", i);
    subscribe_one(i % SUBSCRIBERS, 2 + i / SUBSCRIBERS, name);
  }
  for (uint32_t i = 0; i < 10; i++)
    subscribe_one(i, 1, "room");
  publish_all(h, 300);
  return h;
}

/** Ten in the channel, and nothing else. */
static void *rooms_set_up(void) {
  gw_hub *h = subscribe_set_up();
  for (uint32_t i = 0; i < 10; i++)
    subscribe_one(i, 1, "room");
  publish_all(h, 300);
  return h;
}

static void *receive_set_up(void) {
  return make_client();
}

static void receive(void *state, uint32_t num) {
  static uint64_t offset;
  for (uint32_t i = 0; i < num;) {
    gw_out out = {message, 0, sizeof message};
    for (uint32_t k = 0; k < 100 && i < num; k++, i++)
      must(put_publication(&out, ++offset) == 0, "Publication");
    tell(state, &out);
  }
  must(num_events == offset, "the client did not tell all publications");
}

/* ---- main --------------------------------------------------------------------- */

typedef struct guard {
  const char *name;
  void *(*set_up)(void);
  void (*run)(void *state, uint32_t num);
  uint32_t num;
} guard;

static const guard guards[] = {
    {"encode", encode_set_up, encode, 1000},
    {"decode", decode_set_up, decode, 1000},
    {"connect", connect_set_up, connect_all, SUBSCRIBERS},
    {"subscribe", subscribe_set_up, subscribe_all, SUBSCRIBERS},
    {"publish-to-1000", publish_set_up, publish_all, 100},
    {"publish-to-10", rooms_set_up, publish_all, 1000},
    {"publish-to-10-of-20000-channels", crowd_set_up, publish_all, 1000},
    {"client-receive", receive_set_up, receive, 1000},
};

/** What callgrind counts: see guard.py. */
void guard_measured(const guard *g, void *state);
void guard_measured(const guard *g, void *state) {
  g->run(state, g->num);
}

/* Called through this, so that it stays a function of its own. */
static void (*volatile measured)(const guard *g, void *state) = guard_measured;

int main(int argc, char **argv) {
  memset(payload_bytes, 'x', sizeof payload_bytes);
  for (size_t i = 0; i < sizeof guards / sizeof guards[0]; i++) {
    const guard *g = &guards[i];
    if (argc < 2) {
      printf("%s %u\n", g->name, g->num);
    } else if (strcmp(argv[1], g->name) == 0) {
      void *state = g->set_up();
      measured(g, state);
      return 0;
    }
  }
  return argc < 2 ? 0 : 2;
}
