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
#define PUBLICATIONS  1000u
#define PER_MESSAGE   100u

static uint8_t payload_bytes[PAYLOAD_BYTES];
static const gw_view payload = {payload_bytes, PAYLOAD_BYTES};

/** Our own mistakes, and what they say. */
static void must(bool holds, const char *what) {
  if (holds) return;
  fprintf(stderr, "godwit-guard: %s\n", what);
  exit(1);
}

/* ---- messages, encoded before anything is counted ------------------------------- */

#define MAX_PREPARED 2000u

static uint8_t prepared_bytes[MAX_PREPARED * 256];
static gw_out prepared_out = {prepared_bytes, 0, sizeof prepared_bytes};
static gw_view prepared[MAX_PREPARED];
static uint32_t num_prepared;
static uint32_t num_used;

/** One more message, of what was appended to prepared_out since from. */
static void keep_message(size_t from) {
  must(num_prepared < MAX_PREPARED, "too many messages");
  prepared[num_prepared++] =
      (gw_view){prepared_bytes + from, prepared_out.len - from};
}

static gw_view next_message(void) {
  must(num_used < num_prepared, "too few messages");
  return prepared[num_used++];
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

static gw_hub *hub;

static gw_hub *make_hub(void) {
  static const gw_hub_port port = {.want_write = want_write,
                                   .close = close_conn,
                                   .post = post,
                                   .random = next_random,
                                   .log = log_line};
  gw_hub_options options = {.num_workers = 1, .settings = &gw_settings_default};
  memset(options.hash_key, 7, sizeof options.hash_key);
  gw_hub *h = hub = gw_hub_new(&options, &port, NULL);
  must(h != NULL, "no hub");
  gw_hub_set_time(h, 1000000, 1700000000000u);
  return h;
}

/** As the network side does, without the socket. */
static size_t flush(void) {
  size_t bytes = 0;
  gw_hub_end_turn(hub);
  for (size_t i = 0; i < num_dirty; i++) {
    gw_buf *bufs[BATCH];
    while (gw_session_has_output(dirty[i])) {
      size_t num = gw_session_take(dirty[i], bufs, BATCH, 65536);
      for (size_t k = 0; k < num; k++) {
        bytes += gw_buf_framed(bufs[k]).len;
        gw_buf_unref(bufs[k]);
      }
    }
  }
  num_dirty = 0;
  return bytes;
}

static void feed_next(gw_session *s) {
  must(gw_session_feed(s, next_message(), true) == 0, "a message was refused");
}

static void prepare_hello(uint32_t i) {
  uint8_t instance[GW_INSTANCE_BYTES] = {(uint8_t)i, (uint8_t)(i >> 8), 1};
  size_t from = prepared_out.len;
  gw_head head = {.type = GW_FRAME_HELLO, .request = 1};
  gw_hello hello = {.version = GW_PROTOCOL_VERSION,
                    .instance = {instance, sizeof instance},
                    .agent = gw_view_of("guard")};
  must(gw_encode_hello(&prepared_out, &head, &hello) == 0, "Hello");
  keep_message(from);
}

static void prepare_subscribe(uint32_t alias, const char *channel) {
  size_t from = prepared_out.len;
  gw_head head = {
      .type = GW_FRAME_SUBSCRIBE, .request = 1 + alias, .channel = alias};
  gw_subscribe subscribe = {.channel = gw_view_of(channel)};
  must(gw_encode_subscribe(&prepared_out, &head, &subscribe) == 0, "Subscribe");
  keep_message(from);
}

static void prepare_publish(uint64_t key, const char *channel) {
  size_t from = prepared_out.len;
  gw_head head = {.type = GW_FRAME_PUBLISH, .request = (uint32_t)key};
  gw_publish publish = {.channel = gw_view_of(channel),
                        .data = payload,
                        .key = key,
                        .after = key - 1};
  must(gw_encode_publish(&prepared_out, &head, &publish) == 0, "Publish");
  keep_message(from);
}

/** Forget what was prepared: it was used. */
static void begin_messages(void) {
  must(num_used == num_prepared, "messages are left");
  prepared_out.len = 0;
  num_prepared = num_used = 0;
}

static void connect_one(gw_hub *h, uint32_t i) {
  sessions[i] =
      gw_hub_open(h, &sessions[i], GW_ENCODING_BINARY, gw_view_of("127.0.0.1"));
  must(sessions[i] != NULL, "no session");
  feed_next(sessions[i]);
  (void)flush();
}

static void subscribe_one(uint32_t i) {
  feed_next(sessions[i]);
  (void)flush();
}

static void publish_one(void) {
  feed_next(sessions[SUBSCRIBERS]);
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

static gw_hub *make_connected_hub(void) {
  gw_hub *h = make_hub();
  for (uint32_t i = 0; i <= SUBSCRIBERS; i++) {
    begin_messages();
    prepare_hello(i);
    connect_one(h, i);
  }
  return h;
}

static void *connect_set_up(void) {
  gw_hub *h = make_hub();
  begin_messages();
  prepare_hello(SUBSCRIBERS);
  connect_one(h, SUBSCRIBERS);
  begin_messages();
  for (uint32_t i = 0; i < SUBSCRIBERS; i++)
    prepare_hello(i);
  return h;
}

static void connect_all(void *state, uint32_t num) {
  for (uint32_t i = 0; i < num; i++)
    connect_one(state, i);
}

/** Into channels of ten, which come into being on the way. */
static void *subscribe_set_up(void) {
  gw_hub *h = make_connected_hub();
  begin_messages();
  for (uint32_t i = 0; i < SUBSCRIBERS; i++) {
    char name[32];
    (void)snprintf(name, sizeof name, "room-%u", i / 10);
    prepare_subscribe(1, name);
  }
  return h;
}

static void subscribe_all(void *state, uint32_t num) {
  (void)state;
  for (uint32_t i = 0; i < num; i++)
    subscribe_one(i);
}

static void publish_all(void *state, uint32_t num) {
  (void)state;
  for (uint32_t i = 0; i < num; i++)
    publish_one();
}

/** Subscribers of one channel whose history is full, and what is to be
 * published to it. */
static void fill_room(uint32_t num_subscribers) {
  uint64_t key = 0;
  for (uint32_t i = 0; i < num_subscribers; i++) {
    begin_messages();
    prepare_subscribe(1, "room");
    subscribe_one(i);
  }
  for (; key < 300;) {
    begin_messages();
    prepare_publish(++key, "room");
    publish_one();
  }
  begin_messages();
  for (uint32_t i = 0; i < PUBLICATIONS; i++)
    prepare_publish(++key, "room");
}

static void *publish_set_up(void) {
  gw_hub *h = make_connected_hub();
  fill_room(SUBSCRIBERS);
  return h;
}

/** Ten in the channel, and nothing else. */
static void *rooms_set_up(void) {
  gw_hub *h = make_connected_hub();
  fill_room(10);
  return h;
}

/** Ten in the channel, and others in 20,000 channels that nobody publishes to. */
static void *crowd_set_up(void) {
  gw_hub *h = make_connected_hub();
  for (uint32_t i = 0; i < 20000; i++) {
    char name[32];
    (void)snprintf(name, sizeof name, "other-%u", i);
    begin_messages();
    prepare_subscribe(2 + i / SUBSCRIBERS, name);
    subscribe_one(i % SUBSCRIBERS);
  }
  fill_room(10);
  return h;
}

/** Messages of 100 publications. */
static void *receive_set_up(void) {
  gw_client *c = make_client();
  uint64_t offset = 0;
  for (uint32_t i = 0; i < PUBLICATIONS / PER_MESSAGE; i++) {
    size_t from = prepared_out.len;
    for (uint32_t k = 0; k < PER_MESSAGE; k++)
      must(put_publication(&prepared_out, ++offset) == 0, "Publication");
    keep_message(from);
  }
  return c;
}

static void receive(void *state, uint32_t num) {
  for (uint32_t i = 0; i < num; i += PER_MESSAGE)
    gw_client_on_data(state, generation, next_message(), true);
  must(num_events == num, "the client did not tell all publications");
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
    {"publish-to-1000", publish_set_up, publish_all, PUBLICATIONS},
    {"publish-to-10", rooms_set_up, publish_all, PUBLICATIONS},
    {"publish-to-10-of-20000-channels", crowd_set_up, publish_all,
     PUBLICATIONS},
    {"client-receive", receive_set_up, receive, PUBLICATIONS},
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
