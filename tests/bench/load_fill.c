/* SPDX-License-Identifier: MIT */
/* load_fill.c - one connection that publishes to another channel each time. */
#include "tests/bench/load_fill.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/load/driver.h"

#define WINDOW      1024u
#define BATCH       64u
#define FRAME_MAX   1024u
#define PATIENCE_NS UINT64_C(10000000000)

typedef struct fill {
  gw_load_sockets sockets;
  gw_load_conn conn;
  uint32_t num;
  uint32_t sent;
  uint32_t acked;
  gw_view payload;
  bool is_open;
  const char *why; /**< NULL: nothing has failed */
} fill;

static void fail(fill *f, const char *why) {
  if (f->why == NULL) f->why = why;
}

static void send_message(fill *f, gw_view message) {
  uint8_t space[FRAME_MAX + GW_LOAD_FRAME_HEAD_MAX];
  gw_out out = {space, 0, sizeof space};
  if (gw_load_frame_put(&out, GW_LOAD_BINARY, message) < 0)
    fail(f, "a publication is too long");
  else
    gw_load_conn_send(&f->conn, (gw_view){out.data, out.len});
}

static void on_connected(void *owner) {
  fill *f = owner;
  gw_load_conn_upgrade(&f->conn, f->sockets.address.path, "godwit.v1");
}

static void on_open(void *owner) {
  fill *f = owner;
  uint8_t space[FRAME_MAX], instance[GW_INSTANCE_BYTES] = {"fill"};
  gw_out out = {space, 0, sizeof space};
  uint64_t now = gw_load_now_ns();
  memcpy(instance + 8, &now, sizeof now);
  gw_head head = {.type = GW_FRAME_HELLO, .request = 1};
  gw_hello hello = {.version = GW_PROTOCOL_VERSION,
                    .instance = {instance, sizeof instance},
                    .agent = gw_view_of("godwit-load")};
  if (gw_encode_hello(&out, &head, &hello) < 0) fail(f, "Hello");
  send_message(f, (gw_view){out.data, out.len});
}

static size_t on_data(void *owner, gw_view data) {
  fill *f = owner;
  gw_view in = data;
  while (in.len > 0 && f->why == NULL) {
    gw_frame frame;
    int64_t used = gw_frame_parse(in, GW_MAX_FRAME_BYTES_HARD, &frame);
    if (used <= 0) fail(f, "a message does not consist of whole frames");
    if (used <= 0) break;
    if (frame.head.type == GW_FRAME_WELCOME) f->is_open = true;
    if (frame.head.type == GW_FRAME_PUBLISHED) f->acked++;
    if (frame.head.type == GW_FRAME_ERROR) fail(f, "a publication was refused");
    if (frame.head.type == GW_FRAME_CLOSE) fail(f, "the server closed it");
    in.data += used;
    in.len -= (size_t)used;
  }
  return data.len;
}

static void on_end(void *owner, const char *why) {
  fail(owner, why[0] != '\0' ? "the server hung up" : "it ended");
}

static void publish_one(fill *f) {
  uint8_t space[FRAME_MAX];
  char name[32];
  gw_out out = {space, 0, sizeof space};
  f->sent++;
  (void)snprintf(name, sizeof name, "fill-%" PRIu32, f->sent);
  gw_head head = {.type = GW_FRAME_PUBLISH, .request = f->sent + 1};
  gw_publish publish = {
      .channel = gw_view_of(name), .data = f->payload, .key = f->sent};
  if (gw_encode_publish(&out, &head, &publish) < 0) fail(f, "Publish");
  send_message(f, (gw_view){out.data, out.len});
}

static void run(fill *f) {
  uint64_t patience = gw_load_now_ns() + PATIENCE_NS;
  while (f->why == NULL && f->acked < f->num) {
    uint32_t acked = f->acked;
    for (uint32_t i = 0; i < BATCH && f->is_open && f->sent < f->num &&
                         f->sent - f->acked < WINDOW;
         i++)
      publish_one(f);
    bool may_send = f->is_open && f->sent < f->num && f->sent - acked < WINDOW;
    gw_load_sockets_turn(&f->sockets, may_send ? 0 : patience);
    uint64_t now = gw_load_now_ns();
    if (f->acked != acked) patience = now + PATIENCE_NS;
    if (now > patience) fail(f, "the server does not answer");
  }
}

int gw_load_fill(const char *url, uint32_t num, uint32_t payload_bytes,
                 const char **why) {
  uint8_t payload[FRAME_MAX / 2];
  fill f = {.num = num,
            .payload = {payload, payload_bytes},
            .sockets = {.epoll = -1,
                        .events = {.on_connected = on_connected,
                                   .on_open = on_open,
                                   .on_data = on_data,
                                   .on_end = on_end}}};
  memset(payload, 'x', sizeof payload);
  if (payload_bytes > sizeof payload) fail(&f, "its payload is too long");
  if (f.why == NULL) f.why = gw_load_address_read(&f.sockets.address, url);
  if (f.why == NULL && f.sockets.address.is_secure) fail(&f, "ws:// only");
  if (f.why == NULL && gw_load_sockets_init(&f.sockets) < 0)
    fail(&f, "out of memory");
  if (f.why == NULL && gw_load_conn_open(&f.conn, &f.sockets, &f, 0) < 0)
    fail(&f, "it cannot be connected to");
  run(&f);
  gw_load_conn_close(&f.conn);
  if (f.sockets.space != NULL || f.sockets.epoll >= 0)
    gw_load_sockets_deinit(&f.sockets);
  *why = f.why;
  return f.why == NULL ? 0 : GW_ERR_STATE;
}
