/* SPDX-License-Identifier: MIT */
/* hub_rig.h - hubs of one node in one process, with scripted peers, a fake clock
 * and mail that comes at once or when the test says so. */
#ifndef GODWIT_TEST_HUB_RIG_H
#define GODWIT_TEST_HUB_RIG_H

// clang-format off
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
// clang-format on

#include "server/core/hub.h"

#define HUBS_MAX 4

typedef struct hubs hubs;

/** One connection as the client sees it. */
typedef struct peer {
  hubs *node;
  uint32_t worker;
  gw_session *session; /**< NULL: gone */
  bool is_stalled;     /**< takes nothing */
  bool wants_write;
  bool is_closing; /**< the hub asked to close */
  uint32_t ws_code;
  uint32_t last_request;
  /* what came and was not looked at */
  uint8_t *in;
  size_t in_len;
  size_t in_at;
  uint64_t client;
  uint64_t connection;
  uint64_t features; /**< that are on */
  uint64_t data;     /**< bytes of the data frames that were looked at */
  unsigned num_messages;
  unsigned num_packed; /**< frames that came compressed, among those */
  uint8_t *unpacked;   /**< the body of the last one */
  struct peer *next;
} peer;

struct hubs {
  gw_settings settings;
  gw_namespace spaces[2]; /**< "none:" keeps nothing; the rest */
  uint32_t num;
  gw_hub *hub[HUBS_MAX];
  uint64_t now_ms;
  uint64_t random;
  bool holds_mail;                   /**< mail waits for hubs_deliver */
  gw_mail *mail[HUBS_MAX][HUBS_MAX]; /**< from, to; oldest first */
  peer *peers;
  char last_log[256];
  /** Answers questions, or NULL for the rig to keep them open. Only where asks
   * is set does the hub ask at all. */
  bool asks;
  bool (*ask)(const gw_question *q, gw_verdict *v);
  gw_question asked; /**< the last; its views are dead */
  uint32_t num_asked;
  void (*tell)(const gw_notice *notice); /**< or NULL */
};

/** settings may be changed between init and start. */
void hubs_init(hubs *n, uint32_t num_workers);
void hubs_start(hubs *n);
void hubs_stop(hubs *n);

/** Let time pass, tick by tick; mail and output move, unless held. */
void hubs_pass(hubs *n, uint64_t ms);
/** Move mail and output until all is quiet. */
void hubs_settle(hubs *n);
/** Deliver up to num pieces of held mail. Returns how many were. */
unsigned hubs_deliver(hubs *n, uint32_t from, uint32_t to, unsigned num);
/** Deliver held mail, and what comes of it, but for one worker, which has more to
 * do than others. */
void hubs_deliver_to_others(hubs *n, uint32_t slow);
/** Sum of a counter over the workers. */
#define HUBS_STAT(n, name) hubs_stat((n), offsetof(gw_stats, name))
uint64_t hubs_stat(const hubs *n, size_t offset);
uint32_t hubs_owner(const hubs *n, const char *name);
/** A channel name with this owner. */
const char *hubs_channel(const hubs *n, uint32_t owner, char *name);

/** Connect; who makes the instance, so the same who is the same client. */
peer *peer_open(hubs *n, uint32_t worker);
/** NULL when the hub has no memory for it. */
peer *peer_try_open(hubs *n, uint32_t worker);
void peer_hello(peer *p, unsigned who);
peer *peer_join(hubs *n, uint32_t worker, unsigned who); /**< both */
/** The same, granting so many bytes of data; 0: without credit. */
peer *peer_join_with_credit(hubs *n, uint32_t worker, unsigned who,
                            uint32_t credit_bytes);
/** One that reads compressed bodies, with other features as well. */
peer *peer_join_packed(hubs *n, uint32_t worker, unsigned who,
                       uint64_t features);
void peer_hello_packed(peer *p, unsigned who);
/** One that reads deltas. */
peer *peer_join_with_delta(hubs *n, uint32_t worker, unsigned who);
void peer_read_again(peer *p); /**< one that was stalled, and has output */
void peer_grant(peer *p, uint64_t bytes);
void peer_drop(peer *p, uint32_t ws_code); /**< connection lost */
void peer_free(peer *p);

/** Feed bytes as one message. */
int peer_feed(peer *p, const void *data, size_t len);
/** The next frame that came; false: none. Fails the test on broken bytes. A
 * compressed body is made whole, and good until the next call. */
bool peer_next(peer *p, gw_frame *f);
/** The next frame has to be of this type. */
gw_frame peer_expect(peer *p, uint8_t type);
/** The next of this type, skipping others. */
gw_frame peer_await(peer *p, uint8_t type);
void peer_expect_nothing(peer *p);
void peer_forget(peer *p); /**< whatever came */

#define PEER_SEND(p, M, head, msg)                            \
  do {                                                        \
    uint8_t bytes_[8192];                                     \
    gw_out out_ = {bytes_, 0, sizeof bytes_};                 \
    assert_int_equal(gw_encode_##M(&out_, (head), (msg)), 0); \
    (void)peer_feed((p), out_.data, out_.len);                \
  } while (0)

/* Requests; each returns its id. */
uint32_t peer_send_empty(peer *p, uint8_t type, uint32_t alias);
uint32_t peer_subscribe(peer *p, uint32_t alias, const char *channel);
uint32_t peer_subscribe_with(peer *p, uint32_t alias, const gw_subscribe *m);
uint32_t peer_publish(peer *p, const char *channel, const char *data,
                      uint64_t key, uint64_t after);
uint32_t peer_publish_with(peer *p, const gw_publish *m);
uint32_t peer_presence(peer *p, uint32_t alias, const char *state);
uint32_t peer_call(peer *p, uint64_t to, const char *method);

/* Answers; each fails the test when something else came. */
gw_subscribed peer_subscribed(peer *p);
gw_published peer_published(peer *p);
gw_publication peer_publication(peer *p);
uint32_t peer_error(peer *p, uint32_t request); /**< the code */
uint32_t peer_close_code(peer *p);

#endif
